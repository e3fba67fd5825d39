"""Levels and layers of the ocean and the atmosphere."""

from __future__ import annotations

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from tellurion_agent.recipes.recipe import NoAnswer


def level_bounds(level: xr.DataArray) -> NDArray[np.float64]:
    """[Z, 2] bounds midway between levels, in their order; depths begin at the surface, the outer are symmetric."""
    z = np.asarray(level.values, float)
    middle = (z[1:] + z[:-1]) / 2
    outer = (z[0], z[0] * 3) if z.size == 1 else (2 * z[0] - middle[0], 2 * z[-1] - middle[-1])
    edges = np.r_[outer[0], middle, outer[1]]
    if level.attrs.get("units") != "hPa":
        edges[0] = 0.0
    bounds = np.sort(np.stack([edges[:-1], edges[1:]], axis=1), axis=1)
    return np.clip(bounds, 0.0, None)


def thicknesses(level: xr.DataArray, upper: float, lower: float) -> xr.DataArray:
    """[level] how much of the layer from `upper` to `lower` each cell holds, in the level's units: clipped at its ends.

    Raises NoAnswer when the levels reach less than half of the layer.
    """
    low, high = sorted((upper, lower))
    bounds = level_bounds(level)
    inside = np.clip(np.minimum(bounds[:, 1], high) - np.maximum(bounds[:, 0], low), 0.0, None)
    if inside.sum() < (high - low) / 2:
        z, units = level.values, level.attrs.get("units", "m")
        raise NoAnswer(f"the levels {z.min():g}–{z.max():g} {units} do not reach the layer {low:g}–{high:g} {units}")
    return xr.DataArray(inside, coords={"level": level}, dims="level", attrs={"units": level.attrs.get("units", "m")})


def layer_mean(field: xr.DataArray, upper: float, lower: float) -> xr.DataArray:
    """Mean over a layer, levels weighed with their thickness in it; what is missing, such as rock, is left out."""
    return field.weighted(thicknesses(field.level, upper, lower)).mean("level", keep_attrs=True)


def at_level(field: xr.DataArray, level: float) -> xr.DataArray:
    """Values at a level: its own, or linear between its neighbours; the first also above it, up to the surface.

    Raises NoAnswer when it lies beyond the levels.
    """
    z = field.level.values
    nearest = int(np.argmin(np.abs(z - level)))
    if np.isclose(z[nearest], level, rtol=1e-3, atol=1e-6):
        return field.isel(level=nearest)
    if z.min() < level < z.max():
        above = max(int(np.searchsorted(np.sort(z), level)) - 1, 0)
        order = np.argsort(z)
        first, second = order[above], order[above + 1]
        part = (level - z[first]) / (z[second] - z[first])
        upper, lower = field.isel(level=int(first), drop=True), field.isel(level=int(second), drop=True)
        return ((1 - part) * upper + part * lower).assign_coords(level=float(level)).assign_attrs(field.attrs)
    units = field.level.attrs.get("units", "m")
    if units != "hPa" and level < z.min() <= 20.0:
        return field.isel(level=int(np.argmin(z)))
    raise NoAnswer(f"the levels are {z.min():g}–{z.max():g} {units}; {level:g} {units} lies beyond them")


def isotherm_depth(temperature: xr.DataArray, value: float) -> xr.DataArray:
    """Depth at which a temperature [level, …] first falls through a value from the surface down, linear between levels.

    NaN where it does not: the water is colder at the top, or warmer to its last level.
    """
    z = temperature.level
    below, depth = temperature.shift(level=-1), z.shift(level=-1)
    crosses = (temperature >= value) & (below < value)
    share = (temperature - value) / (temperature - below)
    found = z + share * (depth - z)
    first = crosses & (crosses.cumsum("level") == 1)
    return found.where(first).sum("level", min_count=1).assign_attrs(units="m")
