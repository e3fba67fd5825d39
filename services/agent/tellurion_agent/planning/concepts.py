"""Concepts of the field, by the words that speak of them: what tells one analysis from another.

The table is `concepts.csv`, of regular expressions on a request in lower case. A request has a concept or not; how
often a recipe's phrases have it is how much it belongs to the recipe.
"""

from __future__ import annotations

import csv
import re
from collections.abc import Iterator, Sequence
from importlib.resources import files

import numpy as np
from numpy.typing import NDArray

from tellurion_agent.planning.extraction.mention import Role
from tellurion_agent.planning.extraction.reading import Reading
from tellurion_agent.planning.places import places
from tellurion_agent.slots import Kind


def _table() -> Iterator[tuple[str, re.Pattern[str]]]:
    with (files(__package__) / "concepts.csv").open(encoding="utf-8", newline="") as table:
        for row in csv.DictReader(table):
            yield row["concept"], re.compile(rf"(?<![\w-])(?:{row['words']})(?![\w])")


_PATTERNS = dict(_table())
SMOOTHING = 1.0
"""Phrases that a recipe is thought to have in which concepts are as frequent as anywhere."""
CONCEPTS = (
    *_PATTERNS,
    "two periods",
    "base period",
    "one year",
    "two variables",
    "two sources",
    "many sources",
    "two regions",
    "quantity",
    "experiment",
    "level",
)


def spoken(plain: str) -> Iterator[str]:
    """Those that words in lower case speak of."""
    yield from (name for name, pattern in _PATTERNS.items() if pattern.search(plain))


def concepts(reading: Reading) -> Iterator[str]:
    """Those that a request speaks of, in words or by what it mentions."""
    yield from spoken(reading.text.plain)
    periods = reading.of(Kind.PERIOD)
    counted = {kind: len({str(m.value) for m in reading.of(kind)}) for kind in Kind}
    for name, holds in {
        "two periods": counted[Kind.PERIOD] > 1,
        "base period": any(m.role is Role.BASE for m in periods),
        "one year": any(m.value.first is not None and m.value.first == m.value.last for m in periods),
        "two variables": counted[Kind.VARIABLE] > 1,
        "two sources": counted[Kind.SOURCE] == 2,
        "many sources": counted[Kind.SOURCE] > 2,
        "two regions": len(places(reading)) > 1,
        "quantity": any(m.value.units for m in reading.of(Kind.NUMBER)),
        "experiment": counted[Kind.EXPERIMENT] > 0,
        "level": counted[Kind.LEVEL] > 0,
    }.items():
        if holds:
            yield name


class Profiles:
    """How much each concept belongs to each of the recipes, learned from the readings of their phrases."""

    def __init__(self, phrases: Sequence[Sequence[Reading]]) -> None:
        counts = np.array([np.sum([_vector(reading) for reading in readings], axis=0) for readings in phrases])
        sizes = np.array([[len(readings)] for readings in phrases])
        everywhere = (counts.sum(0) + 0.5) / (sizes.sum() + 1)
        here = (counts + SMOOTHING * everywhere) / (sizes + SMOOTHING)
        self._with = np.log(here / everywhere)
        self._without = np.log((1 - here) / (1 - everywhere))

    def belonging(self, reading: Reading) -> NDArray[np.float64]:
        """[recipes]: log of how much likelier the request's concepts are there than anywhere (naive Bayes)."""
        spoken = _vector(reading)
        return self._with @ spoken + self._without @ (1 - spoken)


def _vector(reading: Reading) -> NDArray[np.float64]:
    spoken = set(concepts(reading))
    return np.array([name in spoken for name in CONCEPTS], dtype=np.float64)
