"""How near a request is to each recipe: in words (BM25) and in meaning (sentence embeddings)."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from rank_bm25 import BM25Okapi

from tellurion_agent.planning.embedding import Embedder, kept_embeddings
from tellurion_agent.recipes.recipe import Recipe

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


@dataclass(frozen=True)
class Nearness:
    """Of a request to a recipe."""

    meaning: float
    """Cosine of the nearest phrase, −1 to 1."""
    words: float
    """BM25 for each bit of information in the request's words, 0 to about 2."""


class Retrieval:
    """What recipes are asked for with."""

    def __init__(
        self, recipes: Sequence[Recipe], plain: Callable[[str], str], embed: Embedder, cache: Path | None
    ) -> None:
        """`plain` takes what any recipe may be asked with, such as periods, out of a phrase."""
        phrases = [(i, plain(p)) for i, recipe in enumerate(recipes) for p in (recipe.title, *recipe.phrases)]
        self._names = [recipe.name for recipe in recipes]
        self._owners = np.array([i for i, _ in phrases])
        self._vectors = kept_embeddings([phrase for _, phrase in phrases], embed, cache)
        self._embed = embed
        texts = [[p for owner, p in phrases if owner == i] for i in range(len(recipes))]
        self._bm25 = BM25Okapi([stems(" ".join(text)) for text in texts])

    def nearness(self, request: str) -> Mapping[str, Nearness]:
        """By the recipe's name."""
        cosines = self._vectors @ self._embed([request])[0]
        best = np.full(len(self._names), -1.0)
        np.maximum.at(best, self._owners, cosines)
        asked = stems(request)
        # A word that no recipe has tells as much as the rarest that one has.
        most = max(self._bm25.idf.values(), default=1.0)
        bits = sum(max(self._bm25.idf.get(word, most), 0.0) for word in asked) or 1.0
        scores = self._bm25.get_scores(asked) / bits
        return {
            name: Nearness(float(meaning), float(words))
            for name, meaning, words in zip(self._names, best, scores, strict=True)
        }


def stems(text: str) -> list[str]:
    """The words that matter, shortened."""
    return [word[:STEM] for word in re.findall(r"[a-z]+|\d+(?:\.\d+)?", text.lower()) if word not in _COMMON]


def phrase_words(recipes: Iterable[Recipe]) -> frozenset[str]:
    """All words of the recipes' phrases."""
    texts = (text for recipe in recipes for text in (recipe.title, *recipe.phrases))
    return frozenset(word for text in texts for word in re.findall(r"[a-z]+", text.lower()))
