"""How near a request is to each recipe: in words (BM25) and in meaning (sentence embeddings)."""

from __future__ import annotations

import re
import unicodedata
from collections import Counter
from collections.abc import Iterable, Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from rank_bm25 import BM25Okapi

from tellurion_agent.planning.embedding import Embedder, kept_embeddings
from tellurion_agent.recipes.recipe import Recipe

FEW = 6
"""Recipes that may share a word which tells what is asked for."""
STEM = 6
"""Letters by which words are compared: ``correlated`` as ``correlation``."""
_COMMON = frozenset(
    re.findall(
        r"\w+",
        """a an and are as at be been between by can compute calculate could did do does each find for from get give has
        have how i in is it its me my of on or our over please show tell that the their them there this to us was we
        were what when where which with would you your""",
    )
)

_SPOKEN = re.compile(r"\b[a-z]+|\b[A-Z]{2,}[\w-]*")
"""Words, and abbreviations: ``TOA``, ``RAPID``."""
_AUTHOR = re.compile(r"\b[A-Z][^\W\d_]+(?=, [A-Z]\.)|(?<=[A-Z]\. )[A-Z][^\W\d_]+(?=, (?:\d{4}|and))")


class Retrieval:
    """Of texts in groups: a recipe's phrases each."""

    def __init__(self, groups: Sequence[Sequence[str]], embed: Embedder, cache: Path | None) -> None:
        phrases = [phrase for group in groups for phrase in group]
        self._owners = np.repeat(np.arange(len(groups)), [len(group) for group in groups])
        self._count = len(groups)
        self._vectors = kept_embeddings(phrases, embed, cache)
        self._bm25 = BM25Okapi([stems(" ".join(group)) for group in groups])

    def nearness(self, text: str, vector: NDArray[np.float32]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """For each group the cosine of its nearest phrase to a text with this vector, and BM25 by the bit."""
        meaning = np.full(self._count, -1.0)
        np.maximum.at(meaning, self._owners, self._vectors @ vector)
        asked = stems(text)
        # A word that no phrase has tells as much as the rarest that one has.
        most = max(self._bm25.idf.values(), default=1.0)
        bits = sum(max(self._bm25.idf.get(word, most), 0.0) for word in asked) or 1.0
        return meaning, self._bm25.get_scores(asked) / bits


def stems(text: str) -> list[str]:
    """The words that matter, shortened, without accents."""
    return [word[:STEM] for word in re.findall(r"[a-z]+|\d+(?:\.\d+)?", _bare(text.lower())) if word not in _COMMON]


def _bare(text: str) -> str:
    return "".join(c for c in unicodedata.normalize("NFKD", text) if not unicodedata.combining(c))


def common_words(recipes: Iterable[Recipe]) -> frozenset[str]:
    """Stems of the words of the recipes' phrases that are no names of places and the like, of titles and authors."""
    recipes = list(recipes)
    spoken = (word for recipe in recipes for text in recipe.phrases for word in _SPOKEN.findall(_bare(text)))
    authors = (name for recipe in recipes for text in recipe.references for name in _AUTHOR.findall(_bare(text)))
    return frozenset(stems(" ".join((*spoken, *authors, *(recipe.title for recipe in recipes)))))


def telling_words(recipes: Iterable[Recipe]) -> frozenset[str]:
    """Stems that few recipes are asked with: one of them tells what a request is about."""
    counts = Counter(stem for recipe in recipes for stem in {*stems(" ".join((recipe.title, *recipe.phrases)))})
    return frozenset(stem for stem, count in counts.items() if count <= FEW)


def phrase_words(recipes: Iterable[Recipe]) -> frozenset[str]:
    """All words of the recipes' phrases."""
    texts = (text for recipe in recipes for text in (recipe.title, *recipe.phrases))
    return frozenset(word for text in texts for word in re.findall(r"[a-z]+", _bare(text.lower())))
