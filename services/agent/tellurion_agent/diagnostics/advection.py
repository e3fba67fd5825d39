"""How currents carry heat about, cell by cell."""

from __future__ import annotations

import numpy as np
import xarray as xr

from tellurion_agent.diagnostics.cells import EARTH_RADIUS


def zonal(velocity: xr.DataArray, temperature: xr.DataArray) -> xr.DataArray:
    """−u ∂T/∂x in K s⁻¹, by central differences; round the Earth where the grid goes round it."""
    t = temperature
    step = float(t.lon[1] - t.lon[0]) if t.sizes["lon"] > 1 else 0.0
    if t.sizes["lon"] > 2 and np.isclose(t.sizes["lon"] * step, 360.0, rtol=1e-3):
        t = t.pad(lon=1, mode="wrap").assign_coords(lon=np.r_[t.lon[-1] - 360.0, t.lon, t.lon[0] + 360.0])
    slope = t.differentiate("lon").sel(lon=temperature.lon)
    metres = np.radians(1.0) * EARTH_RADIUS * np.cos(np.radians(temperature.lat))
    rate: xr.DataArray = -velocity * slope / metres
    return rate


def meridional(velocity: xr.DataArray, temperature: xr.DataArray) -> xr.DataArray:
    """−v ∂T/∂y in K s⁻¹, by central differences."""
    rate: xr.DataArray = -velocity * temperature.differentiate("lat") / (np.radians(1.0) * EARTH_RADIUS)
    return rate


def vertical(velocity: xr.DataArray, temperature: xr.DataArray) -> xr.DataArray:
    """−w ∂T/∂z in K s⁻¹, w upward and levels in m downward, by central differences."""
    return velocity * temperature.differentiate("level")
