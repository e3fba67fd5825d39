"""The years that anomalies are relative to."""

from __future__ import annotations

import numpy as np
import xarray as xr

from tellurion_agent.recipes.recipe import NoAnswer
from tellurion_agent.slots import Period

NORMAL = Period(1991, 2020)
"""The WMO's present standard normal (WMO-No. 1203)."""


def base_period(asked: Period | None, years: np.ndarray, notes: list[str]) -> Period:
    """What was asked for; else 1991–2020 where all of it is there, else all years. Always told in the notes.

    Raises NoAnswer when less than half of it is there.
    """
    first, last = int(years.min()), int(years.max())
    if asked is None:
        base = NORMAL if first <= NORMAL.first and NORMAL.last <= last else Period(first, last)
        notes.append(f"Base period: {base.first}–{base.last}, as none was named.")
        return base
    there = np.unique(years[(years >= asked.first) & (years <= asked.last)]).size
    if 2 * there < asked.last - asked.first + 1:
        raise NoAnswer(f"the base period {asked.first}–{asked.last} is not in the data, which hold {first}–{last}")
    if there < asked.last - asked.first + 1:
        notes.append(f"Of the base period {asked.first}–{asked.last} the data hold {there} years.")
    notes.append(f"Base period: {asked.first}–{asked.last}.")
    return asked


def in_years(field: xr.DataArray, period: Period) -> xr.DataArray:
    """The values of `year`, or of the years of `time`, within a period."""
    year = field.year.values if "year" in field.dims else field.time.dt.year.values
    return field.isel(
        {"year" if "year" in field.dims else "time": np.flatnonzero((year >= period.first) & (year <= period.last))}
    )


def years_of(field: xr.DataArray) -> np.ndarray:
    """[N] of a time axis or of yearly values."""
    return np.asarray(field.year.values if "year" in field.dims else field.time.dt.year.values)
