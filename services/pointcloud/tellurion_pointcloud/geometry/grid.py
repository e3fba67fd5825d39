"""Voxels: points of a cloud by the cell of a grid that they lie in."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from tellurion_core.errors import InvalidInput
from tellurion_pointcloud.geometry import cuda
from tellurion_pointcloud.geometry.checks import BITS, check_span, points_of


class Voxels(NamedTuple):
    """Cells that hold a point, in the order of x, y, z."""

    index: NDArray[np.int64]
    """[N], the voxel of each point."""
    means: NDArray[np.floating]
    """[V, 3], of the points of a voxel."""
    counts: NDArray[np.int64]
    """[V], points of a voxel."""


def voxels(points: Any, size: float) -> Voxels:
    """The points [N, 3] by cubes of side `size`, the first corner of which is at the least x, y, z.

    The points keep their precision.

    Raises:
        InvalidInput: the cloud is empty or not finite, or more than 2²¹ voxels long.
    """
    if not 0 < size < np.inf:
        raise InvalidInput.of("size", received=size, accepted="a positive length, in the units of the points")
    if cuda.holds(points):
        return Voxels(*cuda.voxels(points, size))
    points = points_of(points, "points", axes=2)
    low = points.min(0)
    check_span((points.max(0) - low).max() / size)
    keys = np.zeros(len(points), np.int64)
    for axis in range(3):  # one after the other, for the sake of memory
        keys = (keys << BITS) | ((points[:, axis] - low[axis]) / points.dtype.type(size)).astype(np.int64)
    _, index, counts = np.unique(keys, return_inverse=True, return_counts=True)
    sums = np.stack([np.bincount(index, weights=points[:, axis] - low[axis]) for axis in range(3)], -1)
    return Voxels(index, (low + sums / counts[:, None]).astype(points.dtype), counts)
