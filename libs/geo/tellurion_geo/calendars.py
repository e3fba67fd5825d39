"""CF time: the year and month of each value, in any calendar."""

from __future__ import annotations

import warnings

import cftime
import numpy as np
from numpy.typing import NDArray

from tellurion_core.errors import InvalidInput

LONGEST_SPAN = 20_000
"""Years between the first and the last value of one file."""
ACCEPTED = "CF time, e.g. `days since 1950-01-01` with a CF calendar"


def year_and_month(
    values: NDArray[np.float64],  # [N]
    units: object | None,
    calendar: object | None,
    field: str,
) -> tuple[NDArray[np.int32], NDArray[np.int32]]:
    """Year and month, both [N], of CF time values; 0 and 0 where the value is NaN.

    The months' first instants are put into the file's own time and the values sorted between them, so that the cost
    depends on the span and every calendar of cftime is exact. Old axes start in year 0, which CF has only in some
    calendars: years are counted astronomically here.

    Raises InvalidInput when units or calendar are not CF's, or values are infinite or out of reach.
    """
    year, month = np.zeros(values.shape, np.int32), np.zeros(values.shape, np.int32)
    known = ~np.isnan(values)
    if units is None or " since " not in str(units):
        raise InvalidInput.of(f"{field}.units", received="no units" if units is None else str(units), accepted=ACCEPTED)
    if not known.any():
        return year, month
    try:
        first_year, starts = _month_starts(values[known], str(units), str(calendar or "standard"))
    except (ValueError, OverflowError, TypeError) as error:
        low, high = np.min(values[known]), np.max(values[known])
        received = f"{units}, calendar {calendar or 'standard'}, values {low:g}…{high:g}"
        raise InvalidInput.of(field, received=received, accepted=ACCEPTED) from error
    nth = np.searchsorted(starts, values[known], side="right") - 1
    year[known], month[known] = first_year + nth // 12, nth % 12 + 1
    return year, month


def _month_starts(values: NDArray[np.float64], units: str, calendar: str) -> tuple[int, NDArray[np.float64]]:
    """The first year, and when each month from its January on begins."""
    if not np.isfinite(values).all():
        raise ValueError("infinite time")
    ends = np.array([values.min(), values.max()])
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", cftime.CFWarning)  # year 0 is not CF's
        first, last = cftime.num2date(ends, units, calendar, only_use_cftime_datetimes=True, has_year_zero=True)
        if last.year - first.year > LONGEST_SPAN:
            raise ValueError("time span")
        starts = [
            cftime.datetime(year, month, 1, calendar=first.calendar, has_year_zero=True)
            for year in range(first.year, last.year + 1)
            for month in range(1, 13)
        ]
        return first.year, np.asarray(cftime.date2num(starts, units, calendar, has_year_zero=True), dtype=np.float64)
