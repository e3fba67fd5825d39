"""Real monthly winds: eleven years of the U.S. Navy's global analyses, the last 32 months of them for test alone.

There is no model to forecast them with. What stands in for a background is the calendar month's mean, the month before,
or something between them (`wind_background`).
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cache
from importlib import resources
from pathlib import Path

import numpy as np
import xarray as xr
from numpy.typing import NDArray
from scipy import sparse

from tellurion_assimilation.observations import Observations
from tellurion_assimilation.paired import BLOCK
from tellurion_core.errors import InvalidInput
from tellurion_geo.datasets import NETCDF_LIBRARY

TRAINING_MONTHS, TEST_MONTHS = 100, 32
"""From January 1982 to April 1990, and to December 1992."""
FEWEST_MONTHS = BLOCK + 1
"""That are compared: two blocks."""
TRAINING_FILE = "winds_train.nc"
TEST_FILE = "winds_test.nc"
ERROR = 0.5
"""m/s, standard error of an observed month's mean."""


@dataclass(frozen=True, eq=False)
class Winds:
    """Consecutive months of wind near the surface."""

    latitude: NDArray[np.float64]
    """[Y] degrees north, from pole to pole."""
    longitude: NDArray[np.float64]
    """[X] degrees east, from 0."""
    months: NDArray[np.datetime64]
    """[T]."""
    fields: NDArray[np.float32]
    """[T, 2, Y, X] eastward and northward wind, m/s; read-only when read from a file."""

    def __len__(self) -> int:
        return len(self.months)

    @property
    def area(self) -> NDArray[np.float64]:
        """[Y] shares of the sphere of the rows; they sum to 1."""
        half = np.diff(self.latitude).mean() / 2
        edges = np.clip(np.append(self.latitude - half, self.latitude[-1] + half), -90.0, 90.0)
        return np.diff(np.sin(np.radians(edges))) / 2

    @property
    def calendar(self) -> NDArray[np.int64]:
        """[T] month of the year, 0 is January."""
        return self.months.astype("datetime64[M]").astype(np.int64) % 12

    def climatology(self) -> NDArray[np.float64]:
        """[12, 2, Y, X] the mean of each calendar month. Raises InvalidInput when one of them is missing."""
        missing = sorted(set(range(12)) - set(self.calendar.tolist()))
        if missing:
            raise InvalidInput.of("winds", received=f"no month {missing[0] + 1}", accepted="every month of the year")
        return np.stack([self.fields[self.calendar == month].mean(axis=0, dtype=np.float64) for month in range(12)])

    def anomalies(self, climatology: NDArray[np.float64]) -> NDArray[np.float64]:
        """[T, 2, Y, X] departures from a climatology [12, 2, Y, X], which may be that of other years."""
        return self.fields - climatology[self.calendar]

    def part(self, months: slice) -> Winds:
        """Some of the months."""
        return replace(self, months=self.months[months], fields=self.fields[months])

    def persistence(self) -> NDArray[np.float32]:
        """[T − 1, 2, Y, X] for every month but the first: the month before."""
        return self.fields[:-1]


@dataclass(frozen=True, eq=False)
class Stations:
    """Cells in which both components of a month's mean wind are observed."""

    rows: NDArray[np.intp]
    """[P] of the grid."""
    columns: NDArray[np.intp]
    """[P]."""

    @classmethod
    def drawn(cls, winds: Winds, fraction: float, rng: np.random.Generator) -> Stations:
        """A share of all cells, drawn without regard to their area. Raises InvalidInput where that is none of them."""
        height, width = winds.fields.shape[2:]
        if not 0.5 / (height * width) < fraction <= 1:
            accepted = f"at least one of {height * width} cells, at most all"
            raise InvalidInput.of("observed", received=fraction, accepted=accepted)
        cells = rng.choice(height * width, size=round(fraction * height * width), replace=False)
        return cls(*np.divmod(np.sort(cells), width))

    def of(self, states: NDArray[np.floating]) -> NDArray[np.floating]:
        """[…, 2, P] of […, 2, Y, X]."""
        return states[..., self.rows, self.columns]

    def observations(self, values: NDArray[np.float64], scale: NDArray[np.float64]) -> Observations:
        """`values` [2, P] in m/s of a flat state in units of `scale` [2, Y, X]."""
        _, height, width = scale.shape
        cells = (self.rows * width + self.columns) + height * width * np.arange(2)[:, None]  # [2, P]
        entries = self.of(scale).ravel(), cells.ravel(), np.arange(cells.size + 1)
        h = sparse.csr_array(entries, (cells.size, scale.size))
        return Observations(values.ravel(), np.full(cells.size, ERROR), h)


@cache
def training_winds() -> Winds:
    """The first 100 months: what is fitted or tuned sees these alone."""
    return _shipped(TRAINING_FILE)


@cache
def evaluation_winds() -> Winds:
    """The last 32 months: for test alone."""
    return _shipped(TEST_FILE)


def held_out_winds(cases: int) -> Winds:
    """The last of the training months, and so many months after it. Raises InvalidInput."""
    check_months(cases)
    first, then = training_winds().part(slice(-1, None)), evaluation_winds().part(slice(cases))
    months, fields = (np.concatenate(pair) for pair in ((first.months, then.months), (first.fields, then.fields)))
    return replace(first, months=months, fields=fields)


def check_months(cases: int) -> None:
    """Raises InvalidInput for more months than there are for test, or too few for intervals."""
    if not FEWEST_MONTHS <= cases <= TEST_MONTHS:
        raise InvalidInput.of("cases", received=cases, accepted=f"{FEWEST_MONTHS} to {TEST_MONTHS} months")


def _shipped(name: str) -> Winds:
    with resources.as_file(resources.files("tellurion_assimilation").joinpath("data", name)) as path:
        return read_winds(path)


def read_winds(path: Path) -> Winds:
    """A file as `tellurion_assimilation.training.pack` writes it."""
    with NETCDF_LIBRARY, xr.open_dataset(path) as file:
        fields = np.stack([file[name].values for name in ("uas", "vas")], axis=1).astype(np.float32)
        latitude, longitude, months = (file[name].values for name in ("lat", "lon", "time"))
    fields.setflags(write=False)  # the shipped ones are shared by all who ask
    return Winds(latitude, longitude, months.astype("datetime64[M]"), fields)
