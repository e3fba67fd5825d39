"""What the network is told beside the state: where there is land, and how the climatology slopes."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from tellurion_geo import Grid
from tellurion_ocean.prior import Prior

RUN = 2.0
"""Degrees of arc over which a sideways slope is taken."""
RISE = 0.08
"""Share of the depth, at most `HIGHEST` metres, over which a vertical slope is taken."""
HIGHEST = 8.0
STEEPEST = 5.0
"""Slopes beyond so many standard deviations are cut."""


def surroundings(prior: Prior, month: int, unit: float = 1.0) -> NDArray[np.float32]:
    """[4 Z + 2, Y, X]: ocean or land; slopes of the climatology downward, northward and eastward; sine and cosine of φ.

    Slopes are in multiples of `unit` · std over RISE and RUN: what a displaced front or a heaved thermocline would do.
    They are zero where a neighbour is land, or outside a regional grid, and downward where there is one level.
    """
    grid, wet = prior.grid, prior.wet
    field = prior.to_field(prior.climatology(month))
    std = np.where(wet, unit * prior.to_field(prior.std), np.inf)
    rise = np.minimum(RISE * grid.depth, HIGHEST)[:, None, None]
    down = np.gradient(field, grid.depth, axis=0) * rise if len(grid.depth) > 1 else np.zeros_like(field)
    north = np.gradient(field, grid.lat, axis=1) * RUN
    cosine = np.cos(np.radians(grid.lat))
    east = _eastward(field, grid) * RUN / np.maximum(cosine, 0.2)[:, None]
    slopes = [np.clip(np.nan_to_num(slope) / std, -STEEPEST, STEEPEST) for slope in (down, north, east)]
    latitude = np.broadcast_to(np.stack([np.sin(np.radians(grid.lat)), cosine])[:, :, None], (2, *wet.shape[1:]))
    return np.concatenate([wet.astype(np.float32), *slopes, latitude]).astype(np.float32)


def _eastward(field: NDArray[np.floating], grid: Grid) -> NDArray[np.floating]:
    """[Z, Y, X] change per degree of longitude, between both neighbours, round the globe; NaN where one is missing."""
    step = field[..., np.r_[1 : len(grid.lon), 0]] - field
    if grid.open_step is not None:
        step[..., grid.open_step] = np.nan
    return (step + np.roll(step, 1, axis=-1)) / (grid.lon_steps + np.roll(grid.lon_steps, 1))


def season(month: int) -> NDArray[np.float32]:
    """[2] cosine and sine of the year at the middle of the month."""
    year = 2 * np.pi * (month - 0.5) / 12
    return np.array([np.cos(year), np.sin(year)], np.float32)
