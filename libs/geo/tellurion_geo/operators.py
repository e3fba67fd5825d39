"""Observation operators: what a gridded field would show where an instrument was."""

from __future__ import annotations

from itertools import product

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from tellurion_core.errors import InvalidInput
from tellurion_geo.grid import Grid

LEAST_WET_WEIGHT = 1e-6
"""Below this share of wet corners a point lies on a dry cell for all that its position can say."""

Bracket = tuple[tuple[NDArray[np.int64], NDArray[np.int64]], NDArray[np.float64], NDArray[np.bool_]]
"""The two neighbours' indices [N], the second one's weight [N], and whether the point is within reach [N]."""


def point_operator(
    grid: Grid,
    wet: NDArray[np.bool_],  # [Z, Y, X]
    latitude: NDArray[np.float64],  # [N] degrees north
    longitude: NDArray[np.float64],  # [N] degrees east, any turn
    depth: NDArray[np.float64],  # [N] metres, positive down
) -> tuple[sparse.csr_array, NDArray[np.bool_]]:
    """The linear operator H [N, Z·Y·X] from a field to points, and which points are usable [N].

    Bilinear in the horizontal, round the globe when the grid spans it, and linear in depth; weights are renormalised
    over the wet corners, so that a row sums to 1 and no land value is ever read. Within the outermost half cell the
    outermost centre counts. A point without a wet corner, outside the grid, deeper than its deepest level or not
    finite is not usable, and its row is zero.

    Raises InvalidInput when shapes disagree.
    """
    _check_shapes(grid, wet, latitude, longitude, depth)
    axes = (_along_depth(grid, depth), _along_latitude(grid, latitude), _along_longitude(grid, longitude))
    inside = axes[0][2] & axes[1][2] & axes[2][2]

    index = np.int32 if max(wet.size, 8 * len(inside)) < 2**31 else np.int64
    cells = np.empty((len(inside), 8), dtype=index)
    weights = np.empty((len(inside), 8))
    for corner, sides in enumerate(product((0, 1), repeat=3)):
        z, y, x = (axis[0][side] for axis, side in zip(axes, sides, strict=True))
        share_z, share_y, share_x = (axis[1] if side else 1 - axis[1] for axis, side in zip(axes, sides, strict=True))
        cells[:, corner] = np.ravel_multi_index((z, y, x), grid.shape)
        weights[:, corner] = share_z * share_y * share_x * (wet[z, y, x] & inside)

    total = weights.sum(axis=1)
    usable = total > LEAST_WET_WEIGHT
    weights[~usable] = 0.0
    weights[usable] /= total[usable, None]
    present = weights > 0
    rows = np.concatenate([[0], np.cumsum(present.sum(axis=1))]).astype(index)
    h = sparse.csr_array((weights[present], cells[present], rows), shape=(len(inside), wet.size))
    h.sum_duplicates()  # the two sides of an outermost half cell are the same cell
    return h, usable


def _check_shapes(grid: Grid, wet: NDArray[np.bool_], *positions: NDArray[np.float64]) -> None:
    if wet.shape != grid.shape:
        raise InvalidInput.of("wet", received=f"shape {wet.shape}", accepted=f"the grid's shape {grid.shape}")
    shapes = {np.shape(p) for p in positions}
    if len(shapes) != 1 or len(shapes.pop()) != 1:
        received = ", ".join(str(np.shape(p)) for p in positions)
        raise InvalidInput.of("latitude, longitude, depth", received=received, accepted="three arrays of one shape [N]")


def _along_depth(grid: Grid, depth: NDArray[np.float64]) -> Bracket:
    shallowest = grid.depth_bounds[0, 0]
    return _bracket(grid.depth, depth, (depth >= shallowest) & (depth <= grid.depth[-1]))


def _along_latitude(grid: Grid, latitude: NDArray[np.float64]) -> Bracket:
    south, north = grid.lat_bounds[0, 0], grid.lat_bounds[-1, 1]
    return _bracket(grid.lat, latitude, (latitude >= south) & (latitude <= north))


def _bracket(centres: NDArray[np.float64], at: NDArray[np.float64], inside: NDArray[np.bool_]) -> Bracket:
    at = np.clip(np.where(inside, at, centres[0]), centres[0], centres[-1])
    low = np.clip(np.searchsorted(centres, at, side="right") - 1, 0, max(centres.size - 2, 0))
    high = np.minimum(low + 1, centres.size - 1)
    step = np.where(high > low, centres[high] - centres[low], 1.0)
    return (low, high), (at - centres[low]) / step, inside


def _along_longitude(grid: Grid, longitude: NDArray[np.float64]) -> Bracket:
    inside = np.isfinite(longitude)
    at = np.mod(np.where(inside, longitude, 0.0), 360.0)
    low = (np.searchsorted(grid.lon, at, side="right") - 1) % grid.lon.size
    high = (low + 1) % grid.lon.size
    steps = grid.lon_steps
    eastward = np.mod(at - grid.lon[low], 360.0)
    share = eastward / steps[low]
    if (outside := grid.open_step) is not None:
        bounds = grid.lon_bounds
        in_gap = low == outside
        near_west = eastward <= bounds[outside, 1] - grid.lon[outside]
        east = (outside + 1) % grid.lon.size
        near_east = steps[outside] - eastward <= grid.lon[east] - bounds[east, 0]
        share = np.where(in_gap, np.where(near_west, 0.0, 1.0), share)
        inside = inside & (~in_gap | near_west | near_east)
    return (low, high), share, inside
