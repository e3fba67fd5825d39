"""What a request may name: regions, periods, levels, seasons and the like, as values with types."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import Any


class Kind(StrEnum):
    """Of a slot."""

    VARIABLE = "variable"
    """Standard name: ``sea_water_potential_temperature``."""
    REGION = "region"
    PERIOD = "period"
    LEVEL = "level"
    SEASON = "season"
    CHOICE = "choice"
    """One of the words that the slot lists."""
    NUMBER = "number"
    UNITS = "units"
    SOURCE = "source"
    """A model or an observed product, by the name that the catalogue has."""
    EXPERIMENT = "experiment"


@dataclass(frozen=True)
class Region:
    """A part of the Earth: a box, or a shape by its name within it."""

    name: str
    south: float = -90.0
    """Degrees north."""
    north: float = 90.0
    west: float = 0.0
    """Degrees east, 0 ≤ west < 360."""
    east: float = 360.0
    """Degrees east, west < east ≤ west + 360: beyond 360 where the box crosses Greenwich."""
    surface: str = ""
    """``land`` or ``ocean`` where only that counts; both where empty."""
    shape: str = ""
    """Abbreviation of one of the SREX regions, where the region is that polygon."""


@dataclass(frozen=True)
class Period:
    """Whole years, both included."""

    first: int
    last: int


@dataclass(frozen=True)
class Level:
    """A height, depth or pressure, or a layer between two of them."""

    upper: float
    lower: float
    """As `upper` where it is one level."""
    units: str
    """``m`` of depth, or ``hPa``."""


@dataclass(frozen=True)
class Season:
    """Months of the year, in their order: a season may pass the turn of the year."""

    name: str
    """``DJF``, ``MAM``, ``JJA``, ``SON``, ``annual``, or a month's name."""
    months: tuple[int, ...]


ALL = "all of them"
"""A slot's first choice, that holds where several of the others are named."""


@dataclass(frozen=True)
class Slot:
    """What a recipe has to know."""

    name: str
    kind: Kind
    question: str
    """Asked when it is needed and was not said: ``Which region?``."""
    required: bool = False
    default: Any = None
    """Taken, and told among the assumptions, where it is not required and was not said."""
    choices: tuple[str, ...] = ()
    """Of a CHOICE, the default first."""
    many: bool = False
    """Whether it takes all that are named, as a tuple."""
