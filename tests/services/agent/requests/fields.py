"""Fields on regular grids, and direct NumPy computations of what is asked of them.

Nothing here comes from the agent: truths must not share its faults. Regions end on edges of cells, so that choosing
cells by their centres and weighting them by their overlap are the same; on a regular grid a cell's area goes as the
cosine of its latitude, exactly.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]
Box = tuple[float, float, float, float]
"""South, north, west, east in degrees; the east may lie beyond Greenwich."""

EARTH_RADIUS = 6.371e6
DAYS = np.array([31, 28.25, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31])


@dataclass(frozen=True)
class Series:
    """Values by month."""

    year: NDArray[np.int64]
    month: NDArray[np.int64]
    values: Array

    def between(self, first: int, last: int) -> Series:
        """The years from `first` to `last`, both whole."""
        inside = (self.year >= first) & (self.year <= last)
        return Series(self.year[inside], self.month[inside], self.values[inside])

    def mean(self, months: Sequence[int] = range(1, 13), *, by_days: bool = False) -> float:
        """The mean over months of the year, equally weighted or by their lengths; missing ones left out."""
        inside = np.isin(self.month, list(months)) & np.isfinite(self.values)
        weights = DAYS[self.month[inside] - 1] if by_days else None
        return float(np.average(self.values[inside], weights=weights))

    def means(self, months: Sequence[int] = range(1, 13)) -> tuple[float, float]:
        """Both conventions' means."""
        return self.mean(months), self.mean(months, by_days=True)

    def annual(self, months: Sequence[int] = range(1, 13), *, by_days: bool = False) -> tuple[Array, Array]:
        """Years, and the mean of each."""
        inside = np.isin(self.month, list(months)) & np.isfinite(self.values)
        weights = (DAYS[self.month - 1] if by_days else np.ones(self.month.size)) * inside
        years, of = np.unique(self.year, return_inverse=True)
        total = np.bincount(of, weights * np.where(inside, self.values, 0))
        return years.astype(float), total / np.bincount(of, weights)

    def climatology(self) -> Array:
        """The mean of each month of the year, January first."""
        return np.array([np.nanmean(self.values[self.month == month]) for month in range(1, 13)])

    def anomalies(self, first: int | None = None, last: int | None = None) -> Series:
        """Departures from the climatology of a base period, by default all of it."""
        base = self if first is None or last is None else self.between(first, last)
        return replace(self, values=self.values - base.climatology()[self.month - 1])

    def at(self, year: int, month: int) -> float:
        """One month's value."""
        return float(self.values[(self.year == year) & (self.month == month)][0])

    def running(self, width: int) -> Series:
        """Centred running means; the ends, which lack a full window, are NaN."""
        values = np.full(self.values.size, np.nan)
        half = width // 2
        values[half : self.values.size - half] = np.convolve(self.values, np.ones(width) / width, "valid")
        return replace(self, values=values)

    def __sub__(self, other: Series) -> Series:
        return replace(self, values=self.values - other.values)


@dataclass(frozen=True)
class Field:
    """Monthly (or daily) values [T, Y, X] or [T, Z, Y, X]; latitudes and longitudes (0 to 360) ascend."""

    values: Array
    year: NDArray[np.int64]
    month: NDArray[np.int64]
    lat: Array
    lon: Array
    lev: Array | None = None
    """Depth in m or pressure in hPa."""
    day: NDArray[np.int64] | None = None

    @cached_property
    def cosines(self) -> Array:
        """Weights [Y, X]."""
        return np.repeat(np.cos(np.radians(self.lat))[:, None], self.lon.size, axis=1)

    @cached_property
    def areas(self) -> Array:
        """Areas of the cells [Y, X], m²."""
        half = np.radians(np.diff(self.lat)[0]) / 2
        phi = np.radians(self.lat)
        bands = np.sin(phi + half) - np.sin(phi - half)
        width = np.radians(np.diff(self.lon)[0])
        return np.repeat((EARTH_RADIUS**2 * bands * width)[:, None], self.lon.size, axis=1)

    def inside(self, box: Box | None) -> NDArray[np.bool_]:
        """Cells [Y, X] in a region; everywhere for None."""
        south, north, west, east = box or (-90, 90, 0, 360)
        rows = (self.lat > south) & (self.lat < north)
        columns = (self.lon - west) % 360 < east - west
        return rows[:, None] & columns[None, :]

    def mean(self, box: Box | None = None) -> Series:
        """The area mean of each month [T] or [T, Z], over the cells that hold a value."""
        weights = self.cosines * self.inside(box)
        held = np.isfinite(self.values)
        total = weights.sum() if held.all() else (held * weights).sum(axis=(-2, -1))
        with np.errstate(invalid="ignore"):
            values = (np.where(held, self.values, 0) * weights).sum(axis=(-2, -1)) / total
        return Series(self.year, self.month, values)

    def between(self, first: int, last: int) -> Field:
        """The years from `first` to `last`."""
        inside = (self.year >= first) & (self.year <= last)
        day = None if self.day is None else self.day[inside]
        return replace(self, values=self.values[inside], year=self.year[inside], month=self.month[inside], day=day)

    def level(self, value: float) -> Field:
        """One level."""
        assert self.lev is not None
        return replace(self, values=self.values[:, int(np.flatnonzero(self.lev == value)[0])], lev=None)

    def climatology(self) -> Array:
        """The mean over time [Y, X], each month of the year counted alike."""
        return np.mean([self.values[self.month == month].mean(axis=0) for month in np.unique(self.month)], axis=0)

    def over(self, image: Array, box: Box | None = None) -> float:
        """The area mean of an image [Y, X]."""
        weights = np.where(np.isfinite(image), self.cosines * self.inside(box), 0.0)
        return float((np.nan_to_num(image) * weights).sum() / weights.sum())

    def with_values(self, values: Array) -> Field:
        """Other values on the same axes."""
        size = (self.year.size, *(() if self.lev is None else (self.lev.size,)), self.lat.size, self.lon.size)
        return replace(self, values=np.broadcast_to(values, size))


def grid(height: float, width: float) -> tuple[Array, Array]:
    """Centres of cells of these sizes in degrees, over the globe."""
    return np.arange(-90 + height / 2, 90, height), np.arange(width / 2, 360, width)


def months(first: int, last: int) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Years and months of whole years."""
    years = np.arange(first, last + 1)
    return np.repeat(years, 12), np.tile(np.arange(1, 13), years.size)


def least_squares(x: Array, y: Array) -> tuple[float, float]:
    """Slope and intercept."""
    slope = float(((x - x.mean()) * (y - y.mean())).sum() / ((x - x.mean()) ** 2).sum())
    return slope, float(y.mean() - slope * x.mean())


def theil_sen(x: Array, y: Array) -> float:
    """The median of all pairs' slopes."""
    first, second = np.triu_indices(x.size, 1)
    return float(np.median((y[second] - y[first]) / (x[second] - x[first])))


def trends(series: Series, months: Sequence[int] = range(1, 13)) -> list[float]:
    """The trend per year by the conventions in use: of annual means, of monthly anomalies, by least squares or Sen."""
    found = []
    for by_days in (False, True):
        years, means = series.annual(months, by_days=by_days)
        found += [least_squares(years, means)[0], theil_sen(years, means)]
    if len(months) == 12:
        anomalies = series.anomalies()
        found.append(least_squares(anomalies.year + (anomalies.month - 0.5) / 12, anomalies.values)[0])
    return found


def mann_kendall(values: Array) -> tuple[float, float]:
    """The standardised statistic and the two-sided p of the plain test (no ties, no autocorrelation)."""
    from math import erfc, sqrt

    size = values.size
    first, second = np.triu_indices(size, 1)
    score = float(np.sign(values[second] - values[first]).sum())
    z = (score - np.sign(score)) / sqrt(size * (size - 1) * (2 * size + 5) / 18)
    return z, erfc(abs(z) / sqrt(2))


def correlation(x: Array, y: Array) -> float:
    """Pearson's r."""
    return float(np.corrcoef(x, y)[0, 1])


def cycle(month: NDArray[np.int64], peak: float) -> Array:
    """One year's cosine that is 1 in the middle of the month `peak`."""
    return np.cos(2 * np.pi * (month - peak) / 12)
