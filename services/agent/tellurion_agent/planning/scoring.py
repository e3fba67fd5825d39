"""How likely each recipe is what a request asks for."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache, partial
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from tellurion_agent.catalogue.wanted import MODELLED, OBSERVED
from tellurion_agent.planning.choices import LearnedChoices
from tellurion_agent.planning.concepts import Profiles
from tellurion_agent.planning.embedding import Embedder
from tellurion_agent.planning.extraction.reading import Reading, Vocabulary
from tellurion_agent.planning.filling import fill
from tellurion_agent.planning.learned import Learned
from tellurion_agent.planning.retrieval import Retrieval, stems
from tellurion_agent.planning.said import Filling
from tellurion_agent.planning.subjects import There, always_read
from tellurion_agent.planning.thresholds import Thresholds
from tellurion_agent.recipes.recipe import Recipe
from tellurion_agent.slots import Kind

_GENERAL = {
    Kind.VARIABLE: "temperature",
    Kind.REGION: "the region",
    Kind.PERIOD: "the period",
    Kind.SOURCE: "the model",
    Kind.SEASON: "",
    Kind.LEVEL: "",
    Kind.UNITS: "",
}
"""What stands for mentions of which any recipe may be asked with any."""
_ASKED = frozenset({Kind.VARIABLE, Kind.REGION, Kind.PERIOD, Kind.SOURCE, Kind.EXPERIMENT})
"""What analyses are asked for with: the more a request speaks of, the likelier it is for one."""
_TELLING = ("nino", "iod", "amv", "amo", "enso", "soi", "nao", "amoc")
"""Mentions that tell which recipe is meant."""

_TALK = re.compile(
    r"(?<!\w)(?:hi|hello|please|thanks?(?: you)?(?: very much)?|for my (?:thesis|paper|work|report|study)|"
    r"(?:could|can|would|will) you(?: please)?(?: (?:give|tell|show|say) (?:me|us))?|"
    r"(?:i (?:want|need|would like|'d like|am interested|wish)|i'd like)(?: to (?:know|have|see|get))?(?: in)?|"
    r"(?:please )?(?:give|tell|show|say)(?: me| us)?|let me know|take)(?!\w)[,!:]?"
)
"""What is said to whoever answers, not of what is asked."""


@dataclass(frozen=True)
class Scored:
    """A recipe, how likely it is meant, and how the request fills it."""

    recipe: Recipe
    probability: float
    filling: Filling


class Scoring:
    """Of a set of recipes."""

    def __init__(
        self,
        recipes: Mapping[str, Recipe],
        vocabulary: Vocabulary,
        thresholds: Thresholds,
        learned: Learned,
        choices: LearnedChoices,
        embed: Embedder,
        cache: Path | None,
    ) -> None:
        self._recipes = recipes
        self._thresholds = thresholds
        self._learned = learned
        self._choices = choices
        self._embed = embed
        phrases = [[vocabulary.read(p) for p in (recipe.title, *recipe.phrases)] for recipe in recipes.values()]
        self._profiles = Profiles(phrases)
        self._retrieval = Retrieval([[topic(reading) for reading in readings] for readings in phrases], embed, cache)
        self._words = [frozenset(stems(" ".join((recipe.title, *recipe.phrases)))) for recipe in recipes.values()]

    def scored(self, reading: Reading, there: There, *, alone: bool) -> list[Scored]:
        """In the recipes' order; `alone` where a request goes on from none before, and says all that it means."""
        fillings = [fill(recipe, reading, there) for recipe in self._recipes.values()]
        vectors = self.vectors(reading)
        shares = self._thresholds.probabilities(self.features(reading, vectors, fillings))
        if alone:
            settled = partial(self._choices.settled, vector=vectors.ravel())
            fillings = [*map(settled, self._recipes.values(), fillings)]
        return [
            Scored(recipe, float(share), filling)
            for recipe, share, filling in zip(self._recipes.values(), shares, fillings, strict=True)
        ]

    def vectors(self, reading: Reading) -> NDArray[np.float32]:
        """[2, width] of what a request is about, and of the request as it is."""
        return self._embed([topic(reading), reading.text.plain])

    def features(
        self, reading: Reading, vectors: NDArray[np.float32], fillings: Sequence[Filling]
    ) -> NDArray[np.float64]:
        """[recipes + 1, features], as `FEATURES` names them; the last are those of there being no recipe."""
        meaning, words = self._retrieval.nearness(topic(reading), vectors[0])
        learned = self._learned.log_shares(vectors.ravel(), list(self._recipes))
        features = np.column_stack(
            [
                learned[:-1],
                self._profiles.belonging(reading),
                meaning,
                words,
                [_unused(reading, filling, known) for filling, known in zip(fillings, self._words, strict=True)],
                [_about(reading, recipe) for recipe in self._recipes.values()],
                [min(3, filling.left_over) for filling in fillings],
                [_missing(recipe, filling) for recipe, filling in zip(self._recipes.values(), fillings, strict=True)],
                [len({m.kind for m in reading.mentions} & _ASKED)] * len(fillings),
            ]
        )
        return np.vstack([features, [learned[-1], *[0.0] * (features.shape[1] - 1)]])


def topic(reading: Reading) -> str:
    """What a request is about, with a general word for each mention that any recipe may be asked with."""
    plain, parts, last = reading.text.plain, [], 0
    for mention in reading.mentions:
        if mention.kind in _GENERAL and not plain[mention.start : mention.end].startswith(_TELLING):
            parts += [plain[last : mention.start], _GENERAL[mention.kind]]
            last = mention.end
    return _TALK.sub(" ", "".join([*parts, plain[last:]])).strip(" ,")


def _unused(reading: Reading, filling: Filling, known: frozenset[str]) -> int:
    """Mentions that a recipe has neither a slot nor a word for, up to 3."""
    spoken = (_stems(reading.text.plain[m.start : m.end]) for m in filling.unused)
    return min(3, sum(not words <= known for words in spoken))


@lru_cache(1024)
def _stems(text: str) -> frozenset[str]:
    return frozenset(stems(text))


def _missing(recipe: Recipe, filling: Filling) -> int:
    """Slots that a recipe cannot do without and a request does not fill, up to 3; its variable may go without saying.

    So is a slot for many that gets one name.
    """
    needed = (slot for slot in recipe.slots if slot.required and slot.kind in _ASKED - {Kind.VARIABLE})
    lone = (slot for slot in recipe.slots if slot.many and len(filling.said.get(slot.name) or ()) == 1)
    few = sum(filling.said[slot.name][0].casefold() not in OBSERVED | MODELLED for slot in lone)
    return min(3, sum(slot.name not in filling.said for slot in needed) + few)


def _about(reading: Reading, recipe: Recipe) -> bool:
    """Whether a variable is mentioned that the recipe is always about."""
    return any(always_read(recipe) & {*mention.value} for mention in reading.of(Kind.VARIABLE))
