"""Latitude and longitude in canonical form: ascending, once round the globe; curvilinear grids are regridded."""

from __future__ import annotations

from dataclasses import dataclass

import dask.array as da
import numpy as np
import xarray as xr
from numpy.typing import NDArray

from tellurion_agent.catalogue.axes import Axes
from tellurion_core.errors import InvalidInput
from tellurion_geo import Curvilinear, Grid, regridding, suited_method
from tellurion_geo.datasets import check_size, numbers
from tellurion_geo.longitudes import normalised_longitude
from tellurion_geo.units import check_degrees

LARGEST = 20_000_000
"""Cells of a curvilinear grid."""
LARGEST_TARGET = 1440
"""Cells along the equator of the grid that a curvilinear one is regridded to, at most: 0.25°."""
WIDE = 300.0
"""Degrees of longitude from which a grid is taken to go round the globe."""


@dataclass(frozen=True, eq=False)
class Rectilinear:
    """The horizontal axes that a variable has, in the file's order; None where it has none."""

    lat: NDArray[np.float64] | None
    lon: NDArray[np.float64] | None
    """Within [0, 360)."""

    def arranged(self, field: xr.DataArray) -> xr.DataArray:
        """A field along `lat` and `lon` in ascending order, each meridian once, with both coordinates."""
        if self.lat is not None:
            field = _ordered(field, "lat", self.lat, np.argsort(self.lat, kind="stable"))
            field["lat"].attrs.update(standard_name="latitude", units="degrees_north")
        if self.lon is not None:
            # Some files repeat the first meridian a turn later.
            field = _ordered(field, "lon", self.lon, np.unique(self.lon, return_index=True)[1])
            field["lon"].attrs.update(standard_name="longitude", units="degrees_east")
        return field

    def same(self, other: Rectilinear) -> bool:
        """Whether the cells are the same, but for rounding."""
        pairs = ((self.lat, other.lat), (self.lon, other.lon))
        return all(
            (a is None) == (b is None) and (a is None or (a.shape == b.shape and np.allclose(a, b, atol=1e-3)))
            for a, b in pairs
        )


@dataclass(frozen=True, eq=False)
class Regridded:
    """A curvilinear grid."""

    grid: Curvilinear

    def arranged(self, field: xr.DataArray) -> xr.DataArray:
        """A field along the grid's rows and columns, called `lat` and `lon`, on a regular grid of like cells."""
        target = self._target()
        method = suited_method(self.grid, target)
        weights = regridding(self.grid, target, method)
        whole = field.chunk({"lat": -1, "lon": -1})
        sizes = (*whole.data.chunks[:-2], (target.lat.size,), (target.lon.size,))
        values = da.map_blocks(weights, whole.data, chunks=sizes, dtype=np.float64)
        coordinates = {name: field[name] for name in field.coords if not {"lat", "lon"} & set(field[name].dims)}
        on_target = xr.DataArray(values, {**coordinates, "lat": target.lat, "lon": target.lon}, field.dims, field.name)
        on_target["lat"].attrs.update(standard_name="latitude", units="degrees_north")
        on_target["lon"].attrs.update(standard_name="longitude", units="degrees_east")
        return on_target.assign_attrs(field.attrs, regridded=f"{method}, from a curvilinear grid")

    def same(self, other: Regridded) -> bool:
        """Whether the cells are the same, but for rounding."""
        mine, others = self.grid, other.grid
        return mine.lat.shape == others.lat.shape and all(
            np.allclose(a, b, atol=1e-3, equal_nan=True) for a, b in ((mine.lat, others.lat), (mine.lon, others.lon))
        )

    def _target(self) -> Grid:
        lat, lon = self.grid.lat, self.grid.lon
        known = np.isfinite(lat) & np.isfinite(lon)
        south, north = np.floor(lat[known].min()), np.ceil(lat[known].max())
        west, east = _span(lon[known])
        if round_globe := east - west > WIDE:
            west, east = 0.0, 360.0
        cells = (east - west) / lat.shape[1] if round_globe else (north - south) / lat.shape[0]
        step = 1 / max(np.round(1 / cells), 1) if cells < 1 else np.round(cells * 2) / 2
        step = max(step, 360 / LARGEST_TARGET)
        south, north = max(south, -90.0), min(north, 90.0)
        return Grid(np.zeros(1), _centres(south, north, step), np.sort(_centres(west, east, step) % 360))


def horizontal(dataset: xr.Dataset, axes: Axes, path: str) -> Rectilinear | Regridded:
    """The cells of a variable. Raises InvalidInput for `<path>.<coordinate>` when they are no places on the globe."""
    values = {}
    for name, low, high in ((axes.lat, -90.0, 90.0), (axes.lon, -360.0, 720.0)):
        if not name:
            continue
        check_degrees(dataset[name].attrs.get("units"), f"{path}.{name}")
        check_size(dataset[name], LARGEST, f"{path}.{name}")
        read = numbers(dataset[name], f"{path}.{name}")
        outside = ~((read >= low - 1e-3) & (read <= high)) & ~(np.isnan(read) & axes.curvilinear)
        if outside.any():
            received = f"{read[outside].flat[0]:g}"
            raise InvalidInput.of(f"{path}.{name}", received=received, accepted=f"{low:g}…{high:g}")
        values[name] = read
    lat, lon = values.get(axes.lat), values.get(axes.lon)
    lon = normalised_longitude(lon) if lon is not None else None
    if not axes.curvilinear:
        return Rectilinear(lat, lon)
    return Regridded(Curvilinear(lat, lon, _corners(dataset, axes)))


def _corners(dataset: xr.Dataset, axes: Axes) -> NDArray[np.float64] | None:
    """[Y, X, 4, 2] where the file has them."""
    names = [str(dataset[name].attrs.get("bounds", "")) for name in (axes.lat, axes.lon)]
    shape = (*dataset[axes.lat].shape, 4)
    if any(name not in dataset.variables or dataset[name].shape != shape for name in names):
        return None
    return np.stack([numbers(dataset[name], name) for name in names], axis=-1)


def _ordered(field: xr.DataArray, name: str, values: NDArray[np.float64], order: NDArray[np.intp]) -> xr.DataArray:
    identity = np.array_equal(order, np.arange(values.size))
    reverse = np.array_equal(order, np.arange(values.size)[::-1])
    arranged = field if identity else field.isel({name: slice(None, None, -1) if reverse else order})
    return arranged.assign_coords({name: values[order]})


def _span(lon: NDArray[np.float64]) -> tuple[float, float]:
    """Whole degrees from the western to the eastern end of longitudes, which is above 360 across Greenwich."""
    filled = np.unique(np.floor(lon))
    widest = int(np.argmax(np.diff(filled, append=filled[0] + 360)))
    west = filled[(widest + 1) % filled.size]
    return float(west), float(west + np.ceil(((lon - west) % 360).max()))


def _centres(low: float, high: float, step: float) -> NDArray[np.float64]:
    return low + step * (np.arange(max(round((high - low) / step), 2)) + 0.5)
