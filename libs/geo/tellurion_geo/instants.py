"""CF time as a file counts it, and moments of one file in the time of another."""

from __future__ import annotations

import warnings
from dataclasses import dataclass

import cftime
import numpy as np
import xarray as xr
from numpy.typing import NDArray

from tellurion_core.errors import InvalidInput
from tellurion_geo.calendars import ACCEPTED
from tellurion_geo.datasets import check_size, numbers


@dataclass(frozen=True, eq=False)
class Times:
    """Moments, as CF counts them."""

    values: NDArray[np.float64]
    """[N]."""
    units: str
    """`hours since 2001-01-01`."""
    calendar: str

    @classmethod
    def read(cls, dataset: xr.Dataset, name: str, field: str, *, largest: int) -> Times:
        """A time variable, of no or one dimension.

        Raises InvalidInput when it is not CF's, a value is missing, or time goes backwards.
        """
        variable = dataset[name]
        check_size(variable, largest, field)
        values = np.atleast_1d(numbers(variable, field))
        units, calendar = str(variable.attrs.get("units", "")), str(variable.attrs.get("calendar", "standard"))
        if values.ndim > 1 or " since " not in units:
            raise InvalidInput.of(f"{field}.units", received=units or "no units", accepted=ACCEPTED)
        if not np.isfinite(values).all():
            first = int(np.argmin(np.isfinite(values)))
            raise InvalidInput.of(f"{field}[{first}]", received="no value", accepted="a time")
        times = cls(values, units, calendar)
        if (backwards := np.flatnonzero(np.diff(values) < 0)).size:
            first = int(backwards[0]) + 1
            received = f"{times.date(first, field)} after {times.date(first - 1, field)}: time goes backwards"
            raise InvalidInput.of(f"{field}[{first}]", received=received, accepted="times that do not decrease")
        if values.size:
            times.date(0, field)
        return times

    def __len__(self) -> int:
        return len(self.values)

    def date(self, nth: int, field: str) -> cftime.datetime:
        """One of the moments. Raises InvalidInput when no calendar has it."""
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore", cftime.CFWarning)
                return cftime.num2date(
                    self.values[nth], self.units, self.calendar, only_use_cftime_datetimes=True, has_year_zero=True
                )
        except (ValueError, OverflowError, TypeError) as error:
            received = f"{self.values[nth]:g} {self.units}, calendar {self.calendar}"
            raise InvalidInput.of(field, received=received, accepted=ACCEPTED) from error

    def number(self, date: cftime.datetime, field: str) -> float:
        """A date, by the clock and the calendar of these moments; in another calendar the same civil date.

        Raises InvalidInput when their calendar has no such date.
        """
        try:
            parts = (date.year, date.month, date.day, date.hour, date.minute, date.second, date.microsecond)
            same = cftime.datetime(*parts, calendar=self.calendar, has_year_zero=True)
            return float(cftime.date2num(same, self.units, self.calendar, has_year_zero=True))
        except (ValueError, OverflowError, TypeError) as error:
            received = f"calendar {self.calendar}, which has no {date}"
            raise InvalidInput.of(f"{field}.calendar", received=received, accepted="one calendar") from error
