"""Time stamps that align between data sets: each step's own middle is where its month, day or year is.

Models stamp a month at its middle, its first or its last day. Here every month is stamped on its 15th, a year on the
1st of July, a day at noon; the months of a climatology belong to no year, and stand in year 1 without a leap day.
"""

from __future__ import annotations

import cftime
import numpy as np
import xarray as xr
from numpy.typing import NDArray

from tellurion_core.errors import InvalidInput

CLIMATOLOGY_CALENDAR = "noleap"
NANOSECOND_YEARS = range(1678, 2262)
GREGORIAN = frozenset({"standard", "proleptic_gregorian"})
MICROSECONDS = "microseconds since 1970-01-01"


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
        # Before 1582 the two calendars differ; dates of these years are the same in both.
        values = cftime.date2num(stamps, MICROSECONDS, first.calendar).astype("datetime64[us]").astype("datetime64[ns]")
        return xr.DataArray(values, dims="time", name="time", attrs={"calendar": first.calendar})
    return xr.DataArray(stamps, dims="time", name="time", attrs={"calendar": first.calendar})


def comparable(first: xr.DataArray, second: xr.DataArray) -> tuple[xr.DataArray, xr.DataArray]:
    """Two fields whose times can be compared and put in a row: where one goes beyond datetime64, both are in cftime.

    Raises InvalidInput for `time` when their calendars differ.
    """
    fields = first, second
    calendars = {field.time.dt.calendar for field in fields if field.time.dtype.kind == "O"}
    mixed = any(field.time.dtype.kind == "M" for field in fields)
    if len(calendars) > 1 or (mixed and not calendars <= GREGORIAN):
        received = " and ".join(field.time.dt.calendar for field in fields)
        raise InvalidInput.of("time", received=received, accepted="data sets of one calendar")
    for calendar in calendars:
        first, second = (_in_cftime(field, calendar) for field in fields)
    return first, second


def _in_cftime(field: xr.DataArray, calendar: str) -> xr.DataArray:
    if field.time.dtype.kind == "O":
        return field
    values = field.time.values.astype("datetime64[us]").astype(np.int64)
    stamps = cftime.num2date(values, MICROSECONDS, calendar, only_use_cftime_datetimes=True, has_year_zero=True)
    return field.assign_coords(time=("time", stamps, field.time.attrs))
