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
    _farthest(by_axis(clouds, block=BLOCK), clouds.shape[1], index)
    return index


@compiled()
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


@compiled(parallel=True)
def _farthest(clouds: Any, count: int, index: Any) -> None:
    """Of clouds [B, 3, N], in whole blocks of which `count` are points, the index [B, G]."""
    for b in numba.prange(len(clouds)):
        _sample(clouds[b, 0], clouds[b, 1], clouds[b, 2], count, index[b])


@compiled()
def _sample(x: Any, y: Any, z: Any, count: int, index: Any) -> None:
    """One cloud's index [G].

    Squared distances from every point to its nearest chosen one are compared by their bits, as integers, whose maximum
    the compiler takes in vectors; chosen points and those beyond the last are at −1.
    """
    distance = np.full(x.size, np.float32(-1), np.float32)
    bits = distance.view(np.int32)
    largest = np.empty(x.size // BLOCK, np.int32)
    px, py, pz = _mean(x[:count]), _mean(y[:count]), _mean(z[:count])
    distance[:count] = np.float32(np.inf)
    for g in range(index.size):
        for i in range(x.size):
            dx, dy, dz = x[i] - px, y[i] - py, z[i] - pz
            d = dx * dx + dy * dy + dz * dz
            distance[i] = d if d < distance[i] else distance[i]
        farthest, chosen = np.int32(-1), -1
        for block in range(largest.size):
            part, most = bits[block * BLOCK : (block + 1) * BLOCK], np.int32(-1)
            for i in range(BLOCK):
                most = part[i] if part[i] > most else most
            largest[block] = most
            farthest = max(farthest, most)
        for block in range(largest.size):
            if largest[block] == farthest:
                for i in range(block * BLOCK, block * BLOCK + BLOCK):
                    if bits[i] == farthest and (chosen < 0 or before(x, y, z, i, chosen)):
                        chosen = i
        if g == 0:
            distance[:count] = np.float32(np.inf)
        index[g] = chosen
        distance[chosen] = -1
        px, py, pz = x[chosen], y[chosen], z[chosen]
