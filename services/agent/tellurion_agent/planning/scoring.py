"""How likely each recipe is what a request asks for."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from tellurion_agent.planning.embedding import Embedder
from tellurion_agent.planning.extraction.reading import Reading, Vocabulary
from tellurion_agent.planning.filling import Filling, fill
from tellurion_agent.planning.retrieval import Nearness, Retrieval, stems
from tellurion_agent.planning.thresholds import Thresholds
from tellurion_agent.recipes.recipe import Recipe
from tellurion_agent.slots import Kind

ANY_RECIPE = (Kind.PERIOD, Kind.SOURCE, Kind.REGION, Kind.EXPERIMENT)
"""Kinds of mentions that tell little of which recipe is meant."""
_TELLING = ("nino", "iod", "amv", "amo", "enso", "mdr")
"""Regions that do tell."""


@dataclass(frozen=True)
class Scored:
    """A recipe, how likely it is meant, and how the request fills it."""

    recipe: Recipe
    probability: float
    features: tuple[float, ...]
    """As `FEATURES` names them."""
    filling: Filling


class Scoring:
    """Of a set of recipes."""

    def __init__(
        self,
        recipes: Mapping[str, Recipe],
        vocabulary: Vocabulary,
        thresholds: Thresholds,
        embed: Embedder,
        cache: Path | None,
    ) -> None:
        self._recipes = recipes
        self._thresholds = thresholds
        self._retrieval = Retrieval(list(recipes.values()), lambda p: topic(vocabulary.read(p)), embed, cache)
        self._words = {
            name: frozenset(stems(" ".join((recipe.title, *recipe.phrases)))) for name, recipe in recipes.items()
        }

    def ranked(self, reading: Reading, there: Collection[str]) -> list[Scored]:
        """The likeliest first; `there` are the variables of the data."""
        nearness = self._retrieval.nearness(topic(reading))
        fillings = {name: fill(recipe, reading, there) for name, recipe in self._recipes.items()}
        features = [self._features(reading, name, nearness[name], filling) for name, filling in fillings.items()]
        shares = self._thresholds.probabilities(np.array(features, dtype=np.float64))
        scored = [
            Scored(self._recipes[name], float(share), tuple(row), filling)
            for (name, filling), row, share in zip(fillings.items(), features, shares, strict=True)
        ]
        return sorted(scored, key=lambda s: -s.probability)

    def _features(self, reading: Reading, name: str, nearness: Nearness, filling: Filling) -> Sequence[float]:
        recipe = self._recipes[name]
        unused = sum(
            not frozenset(stems(reading.text.plain[m.start : m.end])) <= self._words[name] for m in filling.unused
        )
        fixed = {v for given in recipe.inputs if not given.optional for v in given.variables}
        about = any(fixed & {*m.value} for m in reading.of(Kind.VARIABLE))
        return nearness.meaning, nearness.words, min(unused, 3), min(len(filling.missing(recipe, {})), 2), about


def topic(reading: Reading) -> str:
    """What a request is about, without the mentions that any recipe may be asked with."""
    return reading.text.without(
        (m.start, m.end)
        for m in reading.mentions
        if m.kind in ANY_RECIPE and not reading.text.plain[m.start : m.end].startswith(_TELLING)
    ).plain.replace("~", "")
