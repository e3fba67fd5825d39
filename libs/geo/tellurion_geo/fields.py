"""Gridded sea temperature, read from CF NetCDF and Zarr in whatever order its axes come."""

from __future__ import annotations

from dataclasses import dataclass
from math import prod
from os import PathLike

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from tellurion_core.errors import InvalidInput
from tellurion_geo.coordinates import Coordinates
from tellurion_geo.datasets import numbers, opened
from tellurion_geo.grid import Grid
from tellurion_geo.identification import DEPTH, TIME, temperature_name, text
from tellurion_geo.units import celsius, check_metres

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
        return _Reading(dataset, temperature_name(dataset, variable, FIELD), units, max_cells).field(times)


class _Reading:
    """One variable with its coordinates."""

    def __init__(self, dataset: xr.Dataset, name: str, units: str | None, max_cells: int) -> None:
        self.dataset, self.data, self.max_cells = dataset, dataset[name], max_cells
        self.coordinates = Coordinates(dataset, name, FIELD, largest=max_cells)
        self.path = self.coordinates.path(name)
        self.units = units if units is not None else self.data.attrs.get("units")
        self.horizontal: tuple[str, ...] = ()

    def field(self, times: slice) -> Field:
        lat, lon, self.horizontal = self.coordinates.horizontal()
        depth, depth_dimension = self._depth()
        year, month, time_dimension = self._time()
        chosen = np.arange(year.size)[times]
        shape = (chosen.size, depth.size, *(lat.shape if lat.ndim == 2 else (lat.size, lon.size)))
        if not 0 < prod(shape) <= self.max_cells:
            received = f"{' × '.join(map(str, shape))} cells"
            raise InvalidInput.of(self.path, received=received, accepted=f"1…{self.max_cells} cells at once")
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
        values = celsius(numbers(at_time, self.path), self.units, self.path)
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
            raise InvalidInput.of(self.path, received=received, accepted="time, depth, latitude, longitude")

    def _depth(self) -> tuple[NDArray[np.float64], str | None]:
        """[Z] metres, positive down, in the file's order, and their dimension."""
        name = self.coordinates.find(DEPTH)
        if name is None:
            return np.zeros(1), None
        check_metres(self.dataset[name].attrs.get("units"), self.coordinates.path(name))
        return self.coordinates.depth(name)

    def _time(self) -> tuple[NDArray[np.int32], NDArray[np.int32], str | None]:
        """[T] year and month, and their dimension."""
        name = self.coordinates.find(TIME)
        return (np.zeros(1, np.int32), np.zeros(1, np.int32), None) if name is None else self.coordinates.time(name)


def _once_round(lon: NDArray[np.float64]) -> NDArray[np.intp]:
    """The order of meridians eastward, each once: a file may repeat the first one a turn later."""
    return np.unique(lon, return_index=True)[1]
