"""Puts requests into words: phrases for regions, periods, sources and variables, chosen by the seed.

A wording is a text with slots. The development seed shows only those without a mark. Those that begin with `*` are held
out from it; those that begin with `+` or `=` are of two other hands, and shown by the seeds of `HANDS` alone.
"""

from __future__ import annotations

import re
import string
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TypeVar

import numpy as np

from .fields import Box
from .request import Expected, Request
from .world import World

DEVELOPMENT_SEED = 1
"""The seed on which thresholds are calibrated."""
LOOKED_AT_SEEDS = (2, 3, 5, 7)
"""The seeds whose failures were looked at and mended: no longer blind. 2 and 3 show the wordings held out."""
REPORTING_SEEDS = (11, 13)
"""The seeds on which results are reported: they show the wordings of the latest hand only."""
HANDS = {5: "+", 7: "+"} | dict.fromkeys(REPORTING_SEEDS, "=")
"""The seeds that show wordings of one other hand only, and the mark of those."""

Slots = Mapping[str, str | Sequence[str]]
T = TypeVar("T")


@dataclass(frozen=True)
class Case:
    """What fills a wording, and what is right then."""

    slots: Slots
    expected: Expected
    why: str


@dataclass(frozen=True)
class Ask:
    """One wording's circumstances: what it asks, which slots it names, and a generator to draw from."""

    world: World
    kind: str
    text: str
    named: frozenset[str]
    rng: np.random.Generator

    def one(self, choices: Sequence[T]) -> T:
        """One of them."""
        return choices[int(self.rng.integers(len(choices)))]


def requests(
    world: World, topic: str, wordings: Mapping[str, Sequence[str]], case: Callable[[Ask], Case]
) -> Iterator[Request]:
    """A topic's requests: as many for every seed, though other seeds than development show other wordings.

    The seeds of `HANDS` show those of one other hand; the rest, those held out and as many open ones as are missing.
    """
    rng = world.rng("wording", topic)
    number = 0
    for kind, texts in wordings.items():
        held, other = ([text[1:] for text in texts if text[0] == mark] for mark in ("*", HANDS.get(world.seed)))
        open_ = [text for text in texts if text[0] not in "*+="]
        if world.seed in HANDS:
            shown = [(text, True) for text in other[: len(open_)]]
        elif world.seed != DEVELOPMENT_SEED:
            kept = sorted(rng.permutation(len(open_))[: max(len(open_) - len(held), 0)])
            shown = [(open_[at], False) for at in kept] + [(text, True) for text in held[: len(open_)]]
        else:
            shown = [(text, False) for text in open_]
        for text, held_out in shown:
            named = frozenset(name for _, name, _, _ in string.Formatter().parse(text) if name)
            found = case(Ask(world, kind, text, named, rng))
            chosen = {n: v if isinstance(v, str) else v[int(rng.integers(len(v)))] for n, v in found.slots.items()}
            said = _mistyped(_tidy(text.format(**chosen)), rng)
            number += 1
            yield Request(f"{topic}-{number:02d}", topic, said, found.expected, found.why, held_out)


def _tidy(text: str) -> str:
    text = re.sub(r"\s+", " ", text).strip()
    text = re.sub(r"\b(averaged|mean) (over )?(?=\1\b)", "", text)
    return re.sub(r" ([,.?!;:])", r"\1", text)


def _mistyped(text: str, rng: np.random.Generator) -> str:
    """One request in sixteen has two letters of a long word swapped."""
    words = [match for match in re.finditer(r"(?<![\w-])[a-z]{7,}(?![\w-])", text)]
    if rng.random() > 1 / 16 or not words:
        return text
    word = words[int(rng.integers(len(words)))]
    at = word.start() + int(rng.integers(2, word.end() - word.start() - 2))
    return text[:at] + text[at + 1] + text[at] + text[at + 2 :]


def period(first: int, last: int) -> dict[str, Sequence[str]]:
    """`period` with a preposition, `years` without; `dashed` where a "to" would mislead."""
    return {
        "period": (
            f"from {first} to {last}", f"between {first} and {last}", f"over {first}-{last}", f"during {first}–{last}",
            f"for the years {first}-{last}", f"in the period {first} to {last}",
        ),
        "years": (f"{first}-{last}", f"{first}–{last}", f"{first} to {last}"),
        "dashed": (f"{first}-{last}", f"{first}–{last}"),
    }  # fmt: skip


def source(name: str, *others: str) -> dict[str, Sequence[str]]:
    """`source` with a preposition, `data` without."""
    names = (name, *others)
    return {
        "source": [f"{word} {n}" for n in names for word in ("in", "from", "according to", "using", "based on")],
        "data": names,
    }


def place(names: Sequence[str]) -> dict[str, Sequence[str]]:
    """`region` with a preposition, `area` without."""
    return {"region": [f"{word} {name}" for name in names for word in ("over", "for", "averaged over")], "area": names}


@dataclass(frozen=True)
class Region:
    """A box and its names."""

    box: Box | None
    names: tuple[str, ...]

    @property
    def slots(self) -> dict[str, Sequence[str]]:
        """`region` and `area`."""
        return place(self.names)


def _latitude(value: float, mark: str = "") -> str:
    return f"{abs(value):g}{mark}{'S' if value < 0 else 'N'}" if value else f"0{mark}"


def _longitude(value: float, mark: str = "") -> str:
    value = (value + 180) % 360 - 180
    return "180" if abs(value) == 180 else f"{abs(value):g}{mark}{'W' if value < 0 else 'E'}"


def boxed(south: float, north: float, west: float, east: float) -> Region:
    """A box, named by its coordinates in several notations."""
    names = [
        f"{_latitude(south)}-{_latitude(north)}, {_longitude(west)}-{_longitude(east)}",
        f"{_latitude(south, '°')}–{_latitude(north, '°')}, {_longitude(west, '°')}–{_longitude(east, '°')}",
        f"the box {_longitude(west)} to {_longitude(east)}, {_latitude(south)} to {_latitude(north)}",
    ]
    if east <= 360:
        names.append(f"lat {south:g} to {north:g}, lon {west:g} to {east:g}")
    return Region((south, north, west, east), tuple(names))


GLOBE = Region(None, ("the globe", "the whole globe", "the entire globe"))
NORTH = Region((0, 90, 0, 360), ("the Northern Hemisphere", "the northern hemisphere", "the NH"))
SOUTH = Region((-90, 0, 0, 360), ("the Southern Hemisphere", "the southern hemisphere", "the SH"))
ARCTIC = Region((60, 90, 0, 360), ("the Arctic (60-90N)", "latitudes north of 60N", "the area north of 60°N"))
ANTARCTIC = Region((-90, -60, 0, 360), ("latitudes south of 60S", "the area south of 60°S", "60-90S"))
TROPICS = Region((-30, 30, 0, 360), ("the tropics (30S-30N)", "the tropical belt 30°S–30°N", "30S to 30N"))
BOXES = (
    boxed(40, 70, 330, 390), boxed(30, 70, 240, 300), boxed(-30, 30, 0, 60), boxed(10, 50, 60, 120),
    boxed(-40, -10, 120, 180), boxed(-20, 20, 330, 390), boxed(20, 60, 120, 240), boxed(-60, -30, 270, 360),
)  # fmt: skip
"""Boxes on the coarse grid's edges; two cross Greenwich."""
EVERYWHERE = (GLOBE, GLOBE, NORTH, SOUTH, ARCTIC, TROPICS, *BOXES)
TEMPERATE = (NORTH, SOUTH, *(box for box in BOXES if box.box and abs(box.box[0] + box.box[1]) > 30))
"""Where seasons are strong."""

TAS = ("near-surface air temperature", "surface air temperature", "2 m temperature", "air temperature at 2m", "tas")
PSL = ("sea level pressure", "mean sea-level pressure", "MSLP", "SLP", "surface pressure reduced to sea level")
PR = ("precipitation", "rainfall", "precip", "precipitation rate")
SST = ("sea surface temperature", "SST", "sea-surface temperature")
