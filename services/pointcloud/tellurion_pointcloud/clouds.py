"""Clouds made comparable: checked, brought into the unit ball, and sampled, whatever the order of their points."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tellurion_core.errors import InvalidInput
from tellurion_pointcloud.geometry import farthest_points, voxels

LARGEST = 1e9
"""Of a coordinate, either way; beyond it 64-bit floats tell no tenth of a micrometre apart."""
COMPARED = 1 << 16
"""Points among which farthest ones are looked for: of more, one of each cell of a grid is kept first."""
CELL = 1 / 64
"""Side of a cell to begin with, in the unit ball."""
SMALLEST_CELL = CELL / 1024

Floats = NDArray[np.floating[Any]]


@dataclass(frozen=True, eq=False)
class Normalised:
    """A cloud in the unit ball: points · scale + centre are where they came from."""

    points: NDArray[np.float32]
    """[N, 3] around their centroid, the farthest at 1."""
    centre: NDArray[np.float64]
    """[3]."""
    scale: float


def check_points(points: Floats, field: str) -> None:
    """Raises InvalidInput unless there are points [N, 3], all finite and at most LARGEST."""
    if not len(points):
        raise InvalidInput.of(field, received="no points", accepted="at least one")
    usable = (points >= -LARGEST) & (points <= LARGEST)  # which NaN is not
    if not usable.all():
        row, column = np.argwhere(~usable)[0]
        received = f"{'xyz'[column]} = {points[row, column]:g} of point {row}"
        raise InvalidInput.of(field, received=received, accepted=f"finite coordinates of at most {LARGEST:g}")


def normalised(points: Floats) -> Normalised:
    """Points [N ≥ 1, 3] without their place and size, to 1e-6; points that are all one stay at the centre."""
    columns = np.array(points.T, np.float64, order="C")
    middle = (columns.min(1) + columns.max(1)) / 2
    columns -= middle[:, None]  # first, so that a mean of small numbers is taken
    mean = columns.mean(1)
    columns -= mean[:, None]
    extent = float(np.abs(columns).max()) or 1.0
    columns /= extent  # so that no square is too small for a float
    squared = np.square(columns[0])
    for axis in columns[1:]:
        squared += np.square(axis)
    radius = float(np.sqrt(squared.max())) or 1.0
    columns /= radius
    return Normalised(columns.T.astype(np.float32), middle + mean, extent * radius)


def resampled(points: Floats, count: int) -> tuple[NDArray[np.int64], Normalised]:
    """`count` of points [N ≥ 1, 3] as models are asked: spread evenly, about the centroid of those that are taken.

    Their indices [count], and what they are in the unit ball.
    """
    index = sampled(normalised(points).points, count)
    return index, normalised(points[index])


def sampled(points: NDArray[np.float32], count: int) -> NDArray[np.int64]:
    """Indices [count] of points [N, 3] in the unit ball: farthest ones, or all and some of them repeated.

    The places chosen do not depend on the order of the points. Cost grows with count times the points that are
    compared: of more than COMPARED and `count` those that stay one to a cell, at most eight times as many.
    """
    if len(points) > max(COMPARED, count):
        kept = _one_of_each_cell(points, count)
        return kept[_spread(points[kept], count)]
    return _spread(points, count)


def _spread(points: NDArray[np.float32], count: int) -> NDArray[np.int64]:
    """Indices [count] of the farthest of points [N, 3], or of all and some of them repeated."""
    times, rest = divmod(count, len(points))
    all_of_them = np.tile(np.arange(len(points)), times)
    return np.concatenate([all_of_them, farthest_points(points[None], rest)[0]]) if rest else all_of_them


def _one_of_each_cell(points: NDArray[np.float32], count: int) -> NDArray[np.int64]:
    """The point next to the mean of each cell, the first by x, y, z of those equally near.

    Cells are as small as leaves COMPARED points, and smaller where they would leave fewer than `count`.
    """
    size = CELL
    cells = voxels(points, size)
    while len(cells.means) > COMPARED:
        cells = voxels(points, size := 2 * size)
    while len(cells.means) < count and size > SMALLEST_CELL:
        cells = voxels(points, size := size / 2)
    apart = np.square(points - cells.means[cells.index]).sum(1)
    least = np.full(len(cells.means), np.inf, np.float32)
    np.minimum.at(least, cells.index, apart)
    nearest = np.flatnonzero(apart == least[cells.index])
    order = np.lexsort([*points[nearest].T[::-1], cells.index[nearest]])
    _, first = np.unique(cells.index[nearest[order]], return_index=True)
    return nearest[order[first]]
