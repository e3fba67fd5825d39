"""What the catalogue keeps of one variable in one file."""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from typing import Any

from tellurion_agent.catalogue.naming import Naming


@dataclass(frozen=True)
class Extent:
    """Of a vertical coordinate."""

    count: int
    upper: float
    lower: float
    units: str
    """``m`` or ``hPa``."""


@dataclass(frozen=True)
class Box:
    """Where a grid lies: degrees north, and degrees east within 0…360."""

    shape: tuple[int, ...]
    """Cells along latitude and longitude, or along the one there is; empty for a series."""
    curvilinear: bool = False
    south: float | None = None
    north: float | None = None
    west: float | None = None
    east: float | None = None


@dataclass(frozen=True)
class Record:
    """Facts that need no data values."""

    variable: str
    """Standard name, the variable's name in the file where none is known."""
    name: str
    """In the file."""
    units: str
    long_name: str
    statistic: str
    """``mean``, ``maximum``, …, over the time step; empty where the file does not say."""
    dimensions: tuple[str, ...]
    """Canonical."""
    calendar: str
    """Empty where there is no time."""
    frequency: str
    """As CMIP calls it; ``clim`` for a climatology, ``fx`` without time; empty where the only step says nothing."""
    first: int
    """Months since the year 0 of the first step, and of the last; 0 where there is no time."""
    last: int
    steps: int
    levels: Extent | None
    box: Box
    naming: Naming
    refused: str = ""
    """Why it cannot be brought into canonical form."""
    assumed: str = ""
    """What the file does not say and its values do."""


def to_json(records: Iterable[Record]) -> str:
    """Of one file."""
    return json.dumps([asdict(record) for record in records], separators=(",", ":"))


def from_json(text: str) -> list[Record]:
    """What `to_json` wrote. Raises ValueError, TypeError or KeyError for anything else."""
    return [_record(**fields) for fields in json.loads(text)]


def _record(*, levels: Any, box: Any, naming: Any, **rest: Any) -> Record:
    rest["dimensions"], box["shape"] = tuple(rest["dimensions"]), tuple(box["shape"])
    return Record(levels=Extent(**levels) if levels else None, box=Box(**box), naming=Naming(**naming), **rest)
