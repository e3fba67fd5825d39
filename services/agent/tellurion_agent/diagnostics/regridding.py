"""Conservative means of one rectilinear grid's cells on another's (Jones 1999, first order)."""

from __future__ import annotations

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from tellurion_agent.diagnostics.cells import latitude_bounds, longitude_bounds


def onto(field: xr.DataArray, target: xr.DataArray) -> xr.DataArray:
    """A field on the cells of another: the mean over what they share; NaN where less than half of a cell has values."""
    lat, lon = np.asarray(target.lat.values, float), np.asarray(target.lon.values, float)
    own_lat, own_lon = np.asarray(field.lat.values, float), np.asarray(field.lon.values, float)
    if np.array_equal(lat, own_lat) and np.array_equal(lon, own_lon):
        return field
    south_north = _shared(np.sin(np.radians(latitude_bounds(lat))), np.sin(np.radians(latitude_bounds(own_lat))))
    west_east = sum(_shared(longitude_bounds(lon), longitude_bounds(own_lon) + turn) for turn in (-360.0, 0.0, 360.0))
    rows = xr.DataArray(south_north, coords={"to_lat": lat, "lat": own_lat}, dims=("to_lat", "lat"))
    columns = xr.DataArray(west_east, coords={"to_lon": lon, "lon": own_lon}, dims=("to_lon", "lon"))
    total = xr.dot(xr.dot(field.fillna(0.0), rows, dim="lat"), columns, dim="lon")
    share = xr.dot(xr.dot(field.notnull().astype(float), rows, dim="lat"), columns, dim="lon")
    mean = (total / share.where(share >= 0.5 - 1e-9)).rename(to_lat="lat", to_lon="lon")
    return mean.transpose(*field.dims).assign_attrs(field.attrs).rename(field.name)


def coarser(first: xr.DataArray, second: xr.DataArray) -> xr.DataArray:
    """Whichever of two fields has fewer cells; the first where they have as many."""
    return min(first, second, key=lambda field: field.sizes["lat"] * field.sizes["lon"])


def _shared(target: NDArray[np.float64], source: NDArray[np.float64]) -> NDArray[np.float64]:
    """[targets, sources] share of each target interval [n, 2] that lies in each source interval."""
    low = np.maximum(target[:, None, 0], source[None, :, 0])
    high = np.minimum(target[:, None, 1], source[None, :, 1])
    return np.clip(high - low, 0.0, None) / (target[:, 1] - target[:, 0])[:, None]
