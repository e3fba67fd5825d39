"""The coordinates of one variable of a CF dataset, read and checked."""

from __future__ import annotations

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from tellurion_core.errors import InvalidInput
from tellurion_geo.calendars import year_and_month
from tellurion_geo.datasets import check_size, numbers
from tellurion_geo.grid import DEEPEST
from tellurion_geo.identification import LATITUDE, LONGITUDE, Coordinate, downward
from tellurion_geo.longitudes import normalised_longitude
from tellurion_geo.units import check_degrees


class Coordinates:
    """Those of `variable`, in the file's order; every error is an InvalidInput for `<field>.<name>`."""

    def __init__(self, dataset: xr.Dataset, variable: str, field: str, *, largest: int) -> None:
        """`largest` is how many values a coordinate may have."""
        self.dataset, self.variable = dataset, variable
        self._field, self._largest = field, largest

    def find(self, coordinate: Coordinate) -> str | None:
        """The name of a coordinate, None when there is none."""
        return coordinate.found(self.dataset, self.variable)

    def name(self, coordinate: Coordinate) -> str:
        """The name of a coordinate that there must be."""
        if (name := self.find(coordinate)) is not None:
            return name
        missing = min(coordinate.standard_names)
        accepted = f"a coordinate of {self.variable} with standard_name {missing}"
        raise InvalidInput.of(self.path(missing), received="no such variable", accepted=accepted)

    def time(self, name: str) -> tuple[NDArray[np.int32], NDArray[np.int32], str | None]:
        """[T] year and month, and the dimension of the variable along which they lie."""
        attrs = self.dataset[name].attrs
        values, along = self._axis(name)
        return *year_and_month(values, attrs.get("units"), attrs.get("calendar"), self.path(name)), along

    def depth(self, name: str, *, unit: float = 1.0) -> tuple[NDArray[np.float64], str | None]:
        """[Z] metres, positive down, of levels given in units of `unit` metres; and their dimension."""
        values, along = self._axis(name)
        depth = unit * (values if downward(self.dataset[name].attrs, name, self.path(name)) else -values)
        self._check_within(name, depth, 0, DEEPEST)
        return np.abs(depth), along  # no negative zero

    def horizontal(self) -> tuple[NDArray[np.float64], NDArray[np.float64], tuple[str, str]]:
        """Latitude, [Y] or [Y, X]; longitude within [0, 360), [X] or [Y, X]; and the two dimensions."""
        names = self.name(LATITUDE), self.name(LONGITUDE)
        for name in names:
            check_degrees(self.dataset[name].attrs.get("units"), self.path(name))
        lat, lon = map(self.numbers, names)
        lat_dimensions, lon_dimensions = (tuple(map(str, self.dataset[name].dims)) for name in names)
        curvilinear = lat.ndim == 2 and lat_dimensions == lon_dimensions
        if not curvilinear and not (lat.ndim == lon.ndim == 1 and lat_dimensions != lon_dimensions):
            received = ", ".join(f"{name}{self.dataset[name].shape}" for name in names)
            accepted = "two axes, or two variables on the same two dimensions; regrid an unstructured grid first"
            raise InvalidInput.of(self.path(names[0]), received=received, accepted=accepted)
        self._check_within(names[0], lat, -90, 90)
        self._check_within(names[1], lon, -360, 720)
        return lat, normalised_longitude(lon), lat_dimensions if curvilinear else (*lat_dimensions, *lon_dimensions)

    def numbers(self, name: str) -> NDArray[np.float64]:
        """The values of a variable beside, NaN where the file has none."""
        check_size(self.dataset[name], self._largest, self.path(name))
        return numbers(self.dataset[name], self.path(name))

    def path(self, name: str) -> str:
        """What an error calls a variable."""
        return f"{self._field}.{name}"

    def _axis(self, name: str) -> tuple[NDArray[np.float64], str | None]:
        """The values of a one-dimensional or scalar coordinate, and the variable's dimension that they lie along."""
        dimensions = self.dataset[name].dims
        if len(dimensions) > 1:
            received = f"dimensions {dimensions}"
            raise InvalidInput.of(self.path(name), received=received, accepted="one dimension, or none")
        along = str(dimensions[0]) if dimensions and dimensions[0] in self.dataset[self.variable].dims else None
        values = np.atleast_1d(self.numbers(name))
        if along is None and values.size > 1:
            accepted = f"a dimension of {self.variable}"
            raise InvalidInput.of(self.path(name), received=f"dimension {dimensions[0]}", accepted=accepted)
        return values, along

    def _check_within(self, name: str, values: NDArray[np.float64], low: float, high: float) -> None:
        wrong = ~((values >= low) & (values <= high)) & ~(np.isnan(values) & (values.ndim == 2))
        if wrong.any():
            raise InvalidInput.of(self.path(name), received=f"{values[wrong].flat[0]:g}", accepted=f"{low:g}…{high:g}")
