"""Gridded sea temperature, read from CF NetCDF and Zarr in whatever order its axes come."""

from __future__ import annotations

from collections.abc import Hashable
from dataclasses import dataclass
from math import prod
from os import PathLike

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from tellurion_core.errors import InvalidInput
from tellurion_geo.calendars import year_and_month
from tellurion_geo.datasets import check_size, numbers, opened
from tellurion_geo.grid import DEEPEST, Grid
from tellurion_geo.identification import DEPTH, LATITUDE, LONGITUDE, TIME, Coordinate, downward, temperature_name, text
from tellurion_geo.longitudes import normalised_longitude
from tellurion_geo.units import celsius, check_degrees, check_metres

MAX_CELLS = 200_000_000
"""Cells of one answer, 800 MB."""
FIELD = "field"
ALL_TIMES = slice(None)


@dataclass(frozen=True, eq=False)
class Field:
    """Sea temperature on a grid, at T times and Z depths."""

    values: NDArray[np.float32]
    """[T, Z, Y, X] °C, NaN where the file has none."""
    depth: NDArray[np.float64]
    """[Z] metres, positive down, ascending; 0 where the file has no depth."""
    lat: NDArray[np.float64]
    """Degrees north: [Y] ascending, or [Y, X] on a curvilinear grid."""
    lon: NDArray[np.float64]
    """Degrees east within [0, 360): [X] ascending, or [Y, X] on a curvilinear grid."""
    year: NDArray[np.int32]
    """[T] calendar year, 0 where the file gives no time."""
    month: NDArray[np.int32]
    """[T] 1…12, 0 where the file gives no time."""
    quantity: str
    """CF standard name, empty when the file does not say."""

    @property
    def curvilinear(self) -> bool:
        """Whether latitude and longitude are two-dimensional."""
        return self.lat.ndim == 2

    @property
    def grid(self) -> Grid:
        """The rectilinear grid. Raises InvalidInput when the grid is curvilinear: regrid it first."""
        if self.curvilinear:
            raise InvalidInput.of(FIELD, received="a curvilinear grid", accepted="a rectilinear grid")
        return Grid(self.depth, self.lat, self.lon)


def read_field(
    path: str | PathLike[str],
    variable: str | None = None,
    *,
    units: str | None = None,
    times: slice = ALL_TIMES,
    max_cells: int = MAX_CELLS,
) -> Field:
    """A sea temperature on (time, depth, latitude, longitude), any order of the axes, the first two optional.

    `variable` names it where CF attributes do not; `units` gives its units where the file does not; `times` selects
    times by position. Longitudes are brought within [0, 360), axes put in ascending order, depth positive down, packed
    and missing values decoded, kelvin turned into °C. Read one time at a time: memory is the answer and one time more.

    Raises InvalidInput naming the field under `field` when the file or a coordinate cannot be used, or the answer
    would have more than `max_cells` cells.
    """
    with opened(path, FIELD) as dataset:
        return _Reading(dataset, temperature_name(dataset, variable, FIELD), units).field(times, max_cells)


class _Reading:
    """One variable with its coordinates."""

    def __init__(self, dataset: xr.Dataset, name: str, units: str | None) -> None:
        self.dataset, self.name = dataset, name
        self.data = dataset[name]
        self.units = units if units is not None else self.data.attrs.get("units")
        self.horizontal: tuple[Hashable, ...] = ()

    def field(self, times: slice, max_cells: int) -> Field:
        lat, lon = self._horizontal(max_cells)
        depth, depth_dimension = self._depth(max_cells)
        year, month, time_dimension = self._time(max_cells)
        chosen = np.arange(year.size)[times]
        shape = (chosen.size, depth.size, *(lat.shape if lat.ndim == 2 else (lat.size, lon.size)))
        if not 0 < prod(shape) <= max_cells:
            received = f"{' × '.join(map(str, shape))} cells"
            raise InvalidInput.of(self._path(self.name), received=received, accepted=f"1…{max_cells} cells at once")
        self._check_dimensions(time_dimension, depth_dimension)

        order = [np.argsort(depth), np.arange(shape[2]), np.arange(shape[3])]
        if lat.ndim == 1:
            order[1:] = np.argsort(lat), _once_round(lon)
            lat, lon = lat[order[1]], lon[order[2]]
        values = np.empty([chosen.size, *map(len, order)], dtype=np.float32)
        for nth, t in enumerate(chosen):
            at_time = self.data if time_dimension is None else self.data.isel({time_dimension: t})
            values[nth] = self._levels(at_time, depth_dimension)[np.ix_(*order)]
        quantity = text(self.data.attrs, "standard_name")
        return Field(values, depth[order[0]], lat, lon, year[chosen], month[chosen], quantity)

    def _levels(self, at_time: xr.DataArray, depth_dimension: str | None) -> NDArray[np.float64]:
        """[Z, Y, X] °C at one time, in the file's order along each axis."""
        values = celsius(numbers(at_time, self._path(self.name)), self.units, self._path(self.name))
        wanted = [d for d in (depth_dimension, *self.horizontal) if d is not None]
        ordered = (
            xr.Variable(at_time.dims, values).squeeze([d for d in at_time.dims if d not in wanted]).transpose(*wanted)
        )
        return ordered.values if depth_dimension is not None else ordered.values[None]

    def _check_dimensions(self, *others: str | None) -> None:
        sizes = self.data.sizes
        extra = [d for d, size in sizes.items() if size > 1 and d not in (*others, *self.horizontal)]
        if extra or not set(self.horizontal) <= set(sizes):
            received = f"dimensions ({', '.join(map(str, sizes))})"
            raise InvalidInput.of(self._path(self.name), received=received, accepted="time, depth, latitude, longitude")

    def _horizontal(self, max_cells: int) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Latitude, [Y] or [Y, X], and normalised longitude, [X] or [Y, X], in the file's order."""
        (lat_name, lat), (lon_name, lon) = self._degrees(LATITUDE, max_cells), self._degrees(LONGITUDE, max_cells)
        lat_dimensions, lon_dimensions = self.dataset[lat_name].dims, self.dataset[lon_name].dims
        if lat.ndim == 2 and lat_dimensions == lon_dimensions:
            self.horizontal = lat_dimensions
        elif lat.ndim == lon.ndim == 1 and lat_dimensions != lon_dimensions:
            self.horizontal = (*lat_dimensions, *lon_dimensions)
        else:
            received = f"{lat_name}{lat_dimensions}, {lon_name}{lon_dimensions}"
            accepted = "two axes, or two variables on the same two dimensions"
            raise InvalidInput.of(self._path(lat_name), received=received, accepted=accepted)
        self._check_within(lat_name, lat, -90, 90)
        self._check_within(lon_name, lon, -360, 720)
        return lat, normalised_longitude(lon)

    def _degrees(self, coordinate: Coordinate, max_cells: int) -> tuple[str, NDArray[np.float64]]:
        name = coordinate.found(self.dataset, self.name)
        if name is None:
            missing = min(coordinate.standard_names)
            raise InvalidInput.of(self._path(missing), received="no such variable", accepted=f"`{missing}` in degrees")
        check_degrees(self.dataset[name].attrs.get("units"), self._path(name))
        return name, self._values(name, max_cells)

    def _depth(self, max_cells: int) -> tuple[NDArray[np.float64], str | None]:
        """[Z] metres, positive down, in the file's order, and their dimension."""
        name = DEPTH.found(self.dataset, self.name)
        if name is None:
            return np.zeros(1), None
        attrs = self.dataset[name].attrs
        check_metres(attrs.get("units"), self._path(name))
        values, dimension = self._axis(name, max_cells)
        depth = values if downward(attrs, name, self._path(name)) else -values
        self._check_within(name, depth, 0, DEEPEST)
        return np.abs(depth), dimension

    def _time(self, max_cells: int) -> tuple[NDArray[np.int32], NDArray[np.int32], str | None]:
        """[T] year and month, and their dimension."""
        name = TIME.found(self.dataset, self.name)
        if name is None:
            return np.zeros(1, np.int32), np.zeros(1, np.int32), None
        attrs = self.dataset[name].attrs
        values, dimension = self._axis(name, max_cells)
        return *year_and_month(values, attrs.get("units"), attrs.get("calendar"), self._path(name)), dimension

    def _axis(self, name: str, max_cells: int) -> tuple[NDArray[np.float64], str | None]:
        """The values of a one-dimensional or scalar coordinate, and the variable's dimension that they lie along."""
        dimensions = self.dataset[name].dims
        if len(dimensions) > 1:
            received = f"dimensions {dimensions}"
            raise InvalidInput.of(self._path(name), received=received, accepted="one dimension, or none")
        along = str(dimensions[0]) if dimensions and dimensions[0] in self.data.dims else None
        values = np.atleast_1d(self._values(name, max_cells))
        if along is None and values.size > 1:
            accepted = f"a dimension of {self.name}"
            raise InvalidInput.of(self._path(name), received=f"dimension {dimensions[0]}", accepted=accepted)
        return values, along

    def _values(self, name: str, max_cells: int) -> NDArray[np.float64]:
        check_size(self.dataset[name], max_cells, self._path(name))
        return numbers(self.dataset[name], self._path(name))

    def _check_within(self, name: str, values: NDArray[np.float64], low: float, high: float) -> None:
        wrong = ~((values >= low) & (values <= high)) & ~(np.isnan(values) & (values.ndim == 2))
        if wrong.any():
            received = f"{values[wrong].flat[0]:g}"
            raise InvalidInput.of(self._path(name), received=received, accepted=f"{low:g}…{high:g}")

    def _path(self, name: str) -> str:
        return f"{FIELD}.{name}"


def _once_round(lon: NDArray[np.float64]) -> NDArray[np.intp]:
    """The order of meridians eastward, each once: a file may repeat the first one a turn later."""
    return np.unique(lon, return_index=True)[1]
