"""Farthest-point sampling.

Source: Eldar, Lindenbaum, Porat and Zeevi 1997, The farthest point strategy for progressive image sampling, IEEE
Transactions on Image Processing 6, doi 10.1109/83.623193.
"""

from __future__ import annotations

import math
from typing import Any

import numba
import numpy as np
from numpy.typing import NDArray

from tellurion_core.kernels import compiled
from tellurion_pointcloud.geometry import cuda
from tellurion_pointcloud.geometry.checks import by_axis, check_count, points_of

BLOCK = 128
"""Points whose largest distance is kept, so that only the few blocks that hold the farthest are looked through."""
FAST = {"nnan", "nsz"}
"""Lets a maximum be taken in vectors; distances round as in IEEE 754, on every machine alike."""


def farthest_points(clouds: Any, count: int) -> NDArray[np.int64]:
    """Indices [B, G] of `count` different points of each cloud [B, N, 3], each farthest from those before it.

    The first is the farthest from the centroid. Of points equally far the first by x, y, z is taken, so that the places
    chosen do not depend on the order of the points; once every place is chosen, repeated points follow in that order.
    The coordinates count as float32. A CUDA tensor is answered by a CUDA tensor.

    Raises:
        InvalidInput: a cloud has fewer than `count` points, or is empty or not finite.
    """
    if cuda.holds(clouds):
        return cuda.farthest_points(clouds, count)
    clouds = points_of(clouds, "clouds", axes=3)
    check_count(count, "count", most=clouds.shape[1])
    index = np.empty((len(clouds), count), np.int64)
    _farthest(by_axis(clouds), index)
    return index


@compiled(inline="always")
def before(x: Any, y: Any, z: Any, i: int, j: int) -> bool:
    """Whether point i comes before point j by x, y, z."""
    if x[i] != x[j]:
        return x[i] < x[j]
    if y[i] != y[j]:
        return y[i] < y[j]
    return z[i] < z[j]


@compiled()
def _mean(values: Any) -> Any:
    """The mean of float32 as a sum of integers, which no order of the values changes."""
    largest = np.float32(0)
    for value in values:
        largest = max(largest, abs(value))
    bits = 62 - math.frexp(float(largest))[1] - math.frexp(float(values.size))[1]
    scale = math.ldexp(1.0, bits)
    total = 0
    for value in values:
        total += int(float(value) * scale)
    return np.float32(total / scale / values.size)


@compiled(parallel=True, fastmath=FAST)
def _farthest(clouds: Any, index: Any) -> None:
    """Of clouds [B, 3, N] the index [B, G], by the squared distance of every point to its nearest chosen one."""
    for b in numba.prange(clouds.shape[0]):
        x, y, z = clouds[b, 0], clouds[b, 1], clouds[b, 2]
        distance = np.full(x.size, np.float32(np.inf), np.float32)
        largest = np.empty((x.size + BLOCK - 1) // BLOCK, np.float32)
        px, py, pz = _mean(x), _mean(y), _mean(z)
        for g in range(-1, index.shape[1] - 1):
            farthest = np.float32(-1)
            for block in range(largest.size):
                most = np.float32(-1)
                for i in range(block * BLOCK, min((block + 1) * BLOCK, x.size)):
                    dx, dy, dz = x[i] - px, y[i] - py, z[i] - pz
                    d = min(distance[i], dx * dx + dy * dy + dz * dz)
                    distance[i] = d
                    most = d if d > most else most
                largest[block] = most
                farthest = max(farthest, most)
            chosen = -1
            for block in range(largest.size):
                if largest[block] == farthest:
                    for i in range(block * BLOCK, min((block + 1) * BLOCK, x.size)):
                        if distance[i] == farthest and (chosen < 0 or before(x, y, z, i, chosen)):
                            chosen = i
            if g < 0:
                distance[:] = np.float32(np.inf)
            index[b, g + 1] = chosen
            distance[chosen] = -1
            px, py, pz = x[chosen], y[chosen], z[chosen]
