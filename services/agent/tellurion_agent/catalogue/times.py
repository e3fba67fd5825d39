"""The time axis of one file: dates in the file's own calendar, the middle of each step, what step it is."""

from __future__ import annotations

import re
import warnings
from dataclasses import dataclass

import cftime
import numpy as np
import xarray as xr
from numpy.typing import NDArray

from tellurion_core.errors import InvalidInput
from tellurion_geo.calendars import ACCEPTED
from tellurion_geo.datasets import check_size, numbers
from tellurion_geo.identification import text

LARGEST = 20_000_000
"""Steps of one file."""
CALENDARS = {
    "": "standard",
    "gregorian": "standard",
    "none": "standard",
    "365_day": "noleap",
    "366_day": "all_leap",
    "360": "360_day",
    "365": "noleap",
}
"""Other names of calendars."""
FREQUENCIES = (
    ("1hr", 0.9 / 24, 1.1 / 24),
    ("3hr", 2.9 / 24, 3.1 / 24),
    ("6hr", 5.9 / 24, 6.1 / 24),
    ("day", 0.95, 1.05),
    ("mon", 27.0, 32.0),
    ("yr", 359.0, 367.0),
)
"""As CMIP calls them, with their least and greatest length in days."""
STEPS = {"mon": "mon", "day": "day", "yr": "yr", "6hr": "6hr", "3hr": "3hr", "1hr": "1hr", "year": "yr", "month": "mon"}
MONTHS = re.compile(r"\s*months?\s+since\b", re.IGNORECASE)


@dataclass(frozen=True)
class TimeAxis:
    """What a header and a few values say of it."""

    name: str
    units: str
    calendar: str
    """As CF names it first: ``standard``, ``noleap``, ``360_day``."""
    bounds: str
    """Name of the variable with the bounds of the steps; empty where there is none."""
    years_apart: bool
    """Whether these are the first and last of many such steps, as those of a climatology are (CF 7.4)."""
    climatology: bool
    """Whether the file says that it is one."""

    @classmethod
    def of(cls, dataset: xr.Dataset, name: str, path: str) -> TimeAxis:
        """The axis that this variable is. Raises InvalidInput for `path` when its units or its size are not CF's."""
        attrs = dataset[name].attrs
        check_size(dataset[name], LARGEST, path)
        units = text(attrs, "units").strip()
        written = text(attrs, "calendar").strip().casefold()
        bounds = text(attrs, "climatology") or text(attrs, "bounds")
        usable = bounds in dataset.variables and dataset[bounds].shape == (*dataset[name].shape, 2)
        months = units.casefold() in ("month", "months", "month_of_year") and dataset[name].size == 12
        if " since " not in units and not months:
            raise InvalidInput.of(f"{path}.units", received=units or "no units", accepted=ACCEPTED)
        return cls(
            name=name,
            # Only a calendar of equal months counts in them.
            units=units,
            calendar="360_day" if MONTHS.match(units) else CALENDARS.get(written, written),
            bounds=bounds if usable else "",
            years_apart="climatology" in attrs,
            climatology="climatology" in attrs or months or ("modulo" in attrs and dataset[name].size == 12),
        )

    def middles(self, dataset: xr.Dataset, path: str, which: slice | list[int] = slice(None)) -> NDArray[np.float64]:
        """The middle of each step where it has bounds, else what the file gives; in the file's own time.

        Of bounds years apart it is the first: in the middle of the first and the last January lies a July.
        """
        if self.bounds:
            bounds = numbers(dataset[self.bounds][which], path)
            return bounds[:, 0] if self.years_apart else bounds.mean(axis=1)
        return np.atleast_1d(numbers(dataset[self.name][which], path))

    def dates(self, values: NDArray[np.float64], path: str) -> NDArray[np.object_]:
        """Values of this time as dates; years are counted astronomically. Raises InvalidInput for `path`."""
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore", cftime.CFWarning)  # year 0 is not CF's, but old files have it
                dates = cftime.num2date(
                    values, self.units, self.calendar, only_use_cftime_datetimes=True, has_year_zero=True
                )
        except (ValueError, OverflowError, TypeError) as error:
            received = f"{self.units}, calendar {self.calendar}"
            raise InvalidInput.of(path, received=received, accepted=ACCEPTED) from error
        if np.ma.is_masked(dates) or not np.isfinite(values).all():
            raise InvalidInput.of(path, received="a missing time", accepted="a time for each step")
        return np.ma.getdata(np.atleast_1d(dates))


def frequency_of(days: float) -> str:
    """The name of a step of so many days; its length where it has no name."""
    return next((name for name, least, most in FREQUENCIES if least <= days <= most), f"{days:g} d")
