"""Time stamps that align between data sets: each step's own middle is where its month, day or year is.

Models stamp a month at its middle, its first or its last day. Here every month is stamped on its 15th, a year on the
1st of July, a day at noon; the months of a climatology belong to no year, and stand in year 1 without a leap day.
"""

from __future__ import annotations

import cftime
import numpy as np
import xarray as xr
from numpy.typing import NDArray

CLIMATOLOGY_CALENDAR = "noleap"
NANOSECOND_YEARS = range(1678, 2262)
GREGORIAN = frozenset({"standard", "proleptic_gregorian"})


def stamped(dates: NDArray[np.object_], frequency: str) -> NDArray[np.object_]:
    """[T] dates of the steps as stamps, in their calendar."""
    if frequency == "mon":
        return np.array([date.replace(day=15, hour=0, minute=0, second=0, microsecond=0) for date in dates])
    if frequency == "yr":
        return np.array([date.replace(month=7, day=1, hour=0, minute=0, second=0, microsecond=0) for date in dates])
    if frequency == "day":
        return np.array([date.replace(hour=12, minute=0, second=0, microsecond=0) for date in dates])
    return dates


def climatological(months: NDArray[np.integer]) -> NDArray[np.object_]:
    """[T] stamps of months of a climatology."""
    return np.array([cftime.datetime(1, int(month), 15, calendar=CLIMATOLOGY_CALENDAR) for month in months])


def coordinate(stamps: NDArray[np.object_]) -> xr.DataArray:
    """[time] stamps in ascending order, datetime64 where the calendar is that of the civil world, else cftime."""
    first, last = stamps[0], stamps[-1]
    if first.calendar in GREGORIAN and first.year in NANOSECOND_YEARS and last.year in NANOSECOND_YEARS:
        units = "microseconds since 1970-01-01"
        # Before 1582 the two calendars differ; dates of these years are the same in both.
        values = cftime.date2num(stamps, units, first.calendar).astype("datetime64[us]").astype("datetime64[ns]")
        return xr.DataArray(values, dims="time", name="time", attrs={"calendar": first.calendar})
    return xr.DataArray(stamps, dims="time", name="time", attrs={"calendar": first.calendar})
