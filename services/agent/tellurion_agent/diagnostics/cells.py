"""The cells of a rectilinear grid on the sphere: their bounds, areas and sections."""

from __future__ import annotations

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from tellurion_geo.grid import Grid

EARTH_RADIUS = 6.371e6
"""Metres; the sphere of the same volume (Moritz 1980, Geodetic Reference System 1980)."""


def latitude_bounds(lat: NDArray[np.float64]) -> NDArray[np.float64]:
    """[Y, 2] degrees north, midway between ascending centres; a lone cell is one degree high."""
    if lat.size == 1:
        return np.clip([[lat[0] - 0.5, lat[0] + 0.5]], -90.0, 90.0)
    return Grid(np.zeros(1), lat, np.array([0.0, 180.0])).lat_bounds


def longitude_bounds(lon: NDArray[np.float64]) -> NDArray[np.float64]:
    """[X, 2] degrees east, midway between ascending centres within [0, 360); a lone cell is one degree wide."""
    if lon.size == 1:
        return np.array([[lon[0] - 0.5, lon[0] + 0.5]])
    return Grid(np.zeros(1), np.array([-45.0, 45.0]), lon).lon_bounds


def areas(field: xr.DataArray) -> xr.DataArray:
    """Areas [lat, lon] in m² of the cells of a field: R² Δλ (sin φ₂ − sin φ₁), exact for any size of cell."""
    heights = np.diff(np.sin(np.radians(latitude_bounds(np.asarray(field.lat.values, float)))), axis=1)
    widths = np.diff(np.radians(longitude_bounds(np.asarray(field.lon.values, float))), axis=1)
    return xr.DataArray(
        EARTH_RADIUS**2 * heights * widths.T,
        coords={"lat": field.lat.values, "lon": field.lon.values},
        dims=("lat", "lon"),
        attrs={"units": "m2", "standard_name": "cell_area"},
    )


def widths(field: xr.DataArray) -> xr.DataArray:
    """Lengths [lat, lon] in m of the parallels through the cells: R cos φ Δλ."""
    angle = np.diff(np.radians(longitude_bounds(np.asarray(field.lon.values, float))), axis=1)[:, 0]
    across = xr.DataArray(angle, coords={"lon": field.lon.values}, dims="lon")
    return EARTH_RADIUS * np.cos(np.radians(field.lat)) * across
