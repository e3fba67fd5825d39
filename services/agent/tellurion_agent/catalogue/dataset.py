"""A data set: files that make one series of one variable."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from tellurion_agent.catalogue.record import Box, Extent
from tellurion_agent.catalogue.variables import named
from tellurion_agent.slots import Period


@dataclass(frozen=True, slots=True)
class File:
    """One file of a series."""

    location: str
    size: int
    modified: int
    first: int
    """Months since the year 0."""
    last: int
    steps: int

    @property
    def path(self) -> Path:
        """Where it is."""
        return Path(self.location)


@dataclass(frozen=True)
class DataSet:
    """One variable of one product or of one run of a model; empty where the files do not say."""

    variable: str
    """Standard name."""
    name: str
    """Of the variable in the files."""
    units: str
    """In the files."""
    long_name: str
    statistic: str
    """``mean``, ``maximum``, … over the step."""
    dimensions: tuple[str, ...]
    """Of `time`, `level`, `lat`, `lon`, those it has."""
    calendar: str
    frequency: str
    """``mon``, ``day``, ``yr``, ``6hr``, ``clim`` for a climatology, ``fx`` without time."""
    levels: Extent | None
    box: Box
    project: str
    source: str
    """Model or product."""
    experiment: str
    member: str
    grid_label: str
    version: str
    kind: str
    """``observation``, ``model``, or empty."""
    title: str
    institution: str
    files: tuple[File, ...]
    """By their first step."""
    refused: str = ""
    """Why it cannot be brought into canonical form."""
    assumed: str = ""
    """What the files do not say and their values do."""
    parts: tuple[DataSet, ...] = ()
    """The data sets that it is computed from, where it is in no file (see `derived`)."""

    @property
    def identity(self) -> tuple[str, ...]:
        """Whose it is."""
        return self.project, self.source, self.experiment, self.member, self.grid_label, self.frequency

    @property
    def canonical_units(self) -> str:
        """What `canonical` gives."""
        variable = named(self.variable)
        return variable.units if variable is not None else self.units

    @property
    def period(self) -> Period | None:
        """The calendar years that it touches; None for a climatology and what has no time."""
        if self.frequency == "clim" or "time" not in self.dimensions:
            return None
        return Period(self.files[0].first // 12, max(file.last for file in self.files) // 12)

    def covered(self, period: Period) -> float:
        """The share of a period's months from which it has a step, as far as the files' ends tell."""
        if self.period is None:
            return 0.0
        start, end = period.first * 12, period.last * 12 + 11
        within = 11 if self.frequency == "yr" else 0  # one step stands for its year
        months: set[int] = set()
        for file in self.files:
            first, last = file.first - file.first % (within + 1), file.last - file.last % (within + 1) + within
            months.update(range(max(first, start), min(last, end) + 1))
        return len(months) / (end - start + 1)

    @cached_property
    def key(self) -> str:
        """Changes when a file of it does: SHA-256 of its names, and of its files' names, sizes and times, in hex."""
        digest = hashlib.sha256(repr((self.variable, self.name, *self.identity)).encode("utf-8", "replace"))
        for file in self.files:
            digest.update(repr((file.location, file.size, file.modified)).encode("utf-8", "replace"))
        return digest.hexdigest()

    @property
    def label(self) -> str:
        """One line for people."""
        names = [self.source, self.experiment, self.member, self.frequency]
        period = self.period
        years = f"{period.first}–{period.last}" if period is not None else ""
        return f"{self.variable.replace('_', ' ')} of {', '.join(filter(None, [*names, years]))}"
