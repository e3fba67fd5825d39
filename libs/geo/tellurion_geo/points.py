"""Observations of sea temperature at points, read from CF files."""

from __future__ import annotations

from dataclasses import dataclass
from os import PathLike

import numpy as np
from numpy.typing import NDArray

from tellurion_core.errors import InvalidInput
from tellurion_geo.calendars import year_and_month
from tellurion_geo.datasets import opened
from tellurion_geo.grid import DEEPEST
from tellurion_geo.identification import DEPTH, LATITUDE, LONGITUDE, TIME, Coordinate, downward, temperature_name, text
from tellurion_geo.longitudes import normalised_longitude
from tellurion_geo.samples import Samples
from tellurion_geo.units import celsius, check_degrees, check_difference, check_metres

MAX_POINTS = 5_000_000
FIELD = "observations"
GOOD_FLAGS = (1, 2)
"""Good and probably good, in the flags of Argo (reference table 2), SeaDataNet (L20) and GTSPP."""


@dataclass(frozen=True, eq=False)
class Points:
    """Sea temperature observed at N points; arrays [N], those that the file has no usable value for left out."""

    latitude: NDArray[np.float64]
    """Degrees north."""
    longitude: NDArray[np.float64]
    """Degrees east within [0, 360)."""
    depth: NDArray[np.float64]
    """Metres, positive down."""
    temperature: NDArray[np.float64]
    """°C, as observed: neither checked against a background nor converted from one kind of temperature to another."""
    uncertainty: NDArray[np.float64]
    """Standard error of the temperature in °C, NaN where the file gives none."""
    year: NDArray[np.int32]
    """Calendar year, 0 where the file gives no time."""
    month: NDArray[np.int32]
    """1…12, 0 where the file gives no time."""
    quantity: str
    """CF standard name of the temperature, empty when the file does not say which it is."""
    missing: int
    """How many samples were left out because their temperature or position is missing."""
    flagged: int
    """How many more were left out because the file's quality flag is not good."""

    def __len__(self) -> int:
        return len(self.temperature)


def read_points(path: str | PathLike[str], *, max_points: int = MAX_POINTS) -> Points:
    """Observations from a CF file: dimension `obs`, or discrete sampling geometries of points and profiles.

    Variables are recognised by CF attributes, then by name. Temperature is in °C or kelvin by its units, depth in
    metres by its `positive` attribute. Without depth a sea surface temperature is at 0 m. Quality flags beside the
    temperature (`<name>_qc`, or an ancillary variable that is a flag) are honoured.

    Raises InvalidInput naming the field under `observations` when the file is not whole NetCDF or Zarr, has no
    temperature, units, position or usable value, or has values that cannot be: infinite, out of range, a negative
    uncertainty; and, from the declared shape, when it has more than `max_points` samples.
    """
    with opened(path, FIELD) as dataset:
        name = temperature_name(dataset, None, FIELD)
        return _Reading(Samples(dataset, name, largest=max_points, field=FIELD), name).points()


class _Reading:
    """One file's samples on their way to points: all are read, the usable ones kept, those checked."""

    def __init__(self, samples: Samples, name: str) -> None:
        self.samples, self.dataset, self.name = samples, samples.dataset, name
        self.attrs = self.dataset[name].attrs
        self.quantity = text(self.attrs, "standard_name")

    def points(self) -> Points:
        temperature = self.samples.numbers(self.name)
        latitude_name, latitude = self._coordinate(LATITUDE, "latitude")
        longitude_name, longitude = self._coordinate(LONGITUDE, "longitude")
        depth_name, depth = self._depth()
        missing = np.isnan(temperature) | np.isnan(latitude) | np.isnan(longitude) | np.isnan(depth)
        flagged = ~missing & ~self._good()
        keep = ~missing & ~flagged
        if not keep.any():
            received = f"{keep.size} observations, {missing.sum()} of them missing, {flagged.sum()} flagged as not good"
            raise InvalidInput.of(f"{FIELD}.{self.name}", received=received, accepted="at least one finite value")

        self._check(self.name, np.isfinite(temperature), keep, temperature, "a finite number")
        self._check(latitude_name, np.abs(latitude) <= 90, keep, latitude, "-90…90 degrees north")
        self._check(longitude_name, (longitude >= -180) & (longitude <= 540), keep, longitude, "-180…540 degrees east")
        in_sea = (depth >= 0) & (depth <= DEEPEST)
        self._check(depth_name, in_sea, keep, depth, f"0…{DEEPEST:g} m, positive down")
        year, month = self._time(keep)
        return Points(
            latitude=latitude[keep],
            longitude=normalised_longitude(longitude[keep]),
            depth=np.abs(depth[keep]),  # no negative zero
            temperature=celsius(temperature[keep], self.attrs.get("units"), f"{FIELD}.{self.name}"),
            uncertainty=self._uncertainty(keep),
            year=year,
            month=month,
            quantity=self.quantity,
            missing=int(missing.sum()),
            flagged=int(flagged.sum()),
        )

    def _check(
        self, name: str, good: NDArray[np.bool_], keep: NDArray[np.bool_], values: NDArray[np.float64], accepted: str
    ) -> None:
        wrong = keep & ~good
        if wrong.any():
            first = int(np.argmax(wrong))
            raise InvalidInput.of(self.samples.index(name, first), received=f"{values[first]:g}", accepted=accepted)

    def _coordinate(self, coordinate: Coordinate, plain_name: str) -> tuple[str, NDArray[np.float64]]:
        name = coordinate.found(self.dataset, self.name)
        if name is None:
            accepted = f"a variable `{plain_name}` in degrees"
            raise InvalidInput.of(f"{FIELD}.{plain_name}", received="no such variable", accepted=accepted)
        check_degrees(self.dataset[name].attrs.get("units"), f"{FIELD}.{name}")
        return name, self.samples.numbers(name)

    def _depth(self) -> tuple[str, NDArray[np.float64]]:
        name = DEPTH.found(self.dataset, self.name)
        if name is None:
            if self.quantity == "sea_surface_temperature":
                return "depth", np.zeros(self.samples.data.size)
            raise InvalidInput.of(f"{FIELD}.depth", received="no such variable", accepted="`depth` in m, positive down")
        attrs = self.dataset[name].attrs
        check_metres(attrs.get("units"), f"{FIELD}.{name}")
        values = self.samples.numbers(name)
        return name, values if downward(attrs, name, f"{FIELD}.{name}") else -values

    def _time(self, keep: NDArray[np.bool_]) -> tuple[NDArray[np.int32], NDArray[np.int32]]:
        name = TIME.found(self.dataset, self.name)
        if name is None:
            return np.zeros(keep.sum(), np.int32), np.zeros(keep.sum(), np.int32)
        attrs = self.dataset[name].attrs
        values = self.samples.numbers(name)[keep]
        return year_and_month(values, attrs.get("units"), attrs.get("calendar"), f"{FIELD}.{name}")

    def _uncertainty(self, keep: NDArray[np.bool_]) -> NDArray[np.float64]:
        name = self._beside("standard_error", ("_uncertainty", "_error"))
        if name is None:
            return np.full(keep.sum(), np.nan)
        check_difference(self.dataset[name].attrs.get("units"), f"{FIELD}.{name}")
        values = self.samples.numbers(name)
        possible = np.isnan(values) | ((values >= 0) & np.isfinite(values))
        self._check(name, possible, keep, values, "at least 0 °C, finite, or missing")
        return values[keep]

    def _good(self) -> NDArray[np.bool_]:
        name = self._beside("status_flag", ("_qc",)) or self._beside("quality_flag", ())
        if name is None:
            return np.ones(self.samples.data.size, dtype=bool)
        flags = self.samples.raw(name)
        if flags.dtype.kind in "SU":
            return np.isin(np.char.strip(flags.astype("U")), [str(flag) for flag in GOOD_FLAGS])
        return np.isin(flags, GOOD_FLAGS)

    def _beside(self, modifier: str, endings: tuple[str, ...]) -> str | None:
        """The variable that says something about the temperature: by CF modifier or ancillary, else by its name."""
        ancillary = text(self.attrs, "ancillary_variables").split()
        for name in filter(lambda n: n in self.dataset.variables, ancillary):
            if text(self.dataset[name].attrs, "standard_name").endswith(modifier) or name.casefold().endswith(endings):
                return name
        wanted = {f"{base}{ending}".casefold() for base in (self.name, "temperature") for ending in endings}
        return next((str(name) for name in self.dataset.variables if str(name).casefold() in wanted), None)
