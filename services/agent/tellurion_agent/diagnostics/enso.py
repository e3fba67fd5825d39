"""El Niño and La Niña."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import xarray as xr
from numpy.typing import NDArray

THRESHOLD = 0.5
"""K of the three-month mean, from which the Climate Prediction Center counts an event."""
SEASONS = 5
"""Overlapping three-month means in a row that make an event."""


@dataclass(frozen=True)
class Event:
    """A run of months beyond the threshold."""

    first: int
    """Index of its first three-month mean."""
    last: int
    peak: float
    """The largest departure, with its sign."""


def oni(anomaly: xr.DataArray) -> xr.DataArray:
    """Oceanic Niño Index: centred mean of three months in a row of monthly Niño-3.4 anomalies; NaN where one is not."""
    month = anomaly.time.dt.year.values * 12 + anomaly.time.dt.month.values
    in_a_row = np.zeros(month.size, bool)
    in_a_row[1:-1] = month[2:] - month[:-2] == 2
    mean = anomaly.rolling(time=3, center=True).mean().where(xr.DataArray(in_a_row, dims="time"))
    return mean.assign_attrs(anomaly.attrs)


def events(index: NDArray[np.float64], threshold: float = THRESHOLD, fewest: int = SEASONS) -> list[Event]:
    """Runs of at least `fewest` values ≥ threshold or ≤ −threshold, in their order (CPC's definition of an episode)."""
    found = []
    # CPC's index has one decimal: 0.5 is meant to include what rounding has put a hair below.
    for sign in (1.0, -1.0):
        beyond = np.r_[False, sign * index >= threshold - 1e-9, False]
        edges = np.flatnonzero(np.diff(beyond.astype(int)))
        found += [
            Event(int(a), int(b - 1), sign * float(np.nanmax(sign * index[a:b])))
            for a, b in zip(edges[::2], edges[1::2], strict=True)
            if b - a >= fewest
        ]
    return sorted(found, key=lambda event: event.first)


def is_eastern(nino3: float, nino4: float) -> bool:
    """Whether an El Niño is an eastern-Pacific one: Niño 3 warmer than Niño 4 (Kug et al. 2009; Yeh et al. 2009)."""
    return nino3 > nino4
