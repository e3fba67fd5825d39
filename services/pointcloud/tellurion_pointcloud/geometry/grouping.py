"""Points near other points: k nearest, balls, and the patches of a cloud.

Source: Qi, Yi, Su and Guibas 2017, PointNet++ (balls, groups around farthest points); Yu et al. 2022, Point-BERT
(patches of the k nearest, relative to their centre).
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numba
import numpy as np
from numpy.typing import NDArray

from tellurion_core.errors import InvalidInput
from tellurion_core.kernels import compiled
from tellurion_pointcloud.geometry import cuda
from tellurion_pointcloud.geometry.checks import by_axis, check_count, check_pair, points_of
from tellurion_pointcloud.geometry.sampling import FAST, before, farthest_points

BLOCK = 32
"""Points whose least distance is taken first, so that blocks without a neighbour are passed over."""
CHUNK = 16
"""Queries of one piece of work."""


class Patches(NamedTuple):
    """Groups of the nearest points around farthest points."""

    centres: NDArray[np.float32]
    """[B, G, 3]."""
    points: NDArray[np.float32]
    """[B, G, K, 3], relative to the centre, nearest first."""
    index: NDArray[np.int64]
    """[B, G, K], of the points in their cloud."""


def grouped(clouds: Any, groups: int, size: int) -> Patches:
    """The clouds [B, N, 3] as `groups` patches of the `size` points nearest to farthest points.

    Raises:
        InvalidInput: a cloud has fewer than `groups` or `size` points, or is empty or not finite.
    """
    if cuda.holds(clouds):
        return Patches(*cuda.grouped(clouds, groups, size))
    clouds = points_of(clouds, "clouds", axes=3).astype(np.float32)
    cloud = np.arange(len(clouds))[:, None]
    centres = clouds[cloud, farthest_points(clouds, groups)]
    index = neighbours(centres, clouds, size)
    return Patches(centres, clouds[cloud[..., None], index] - centres[:, :, None], index)


def neighbours(queries: Any, clouds: Any, k: int) -> NDArray[np.int64]:
    """Indices [B, Q, k] of the k points of clouds [B, N, 3] nearest to each query [B, Q, 3], nearest first.

    Of points equally near, the first by x, y, z come first. The coordinates count as float32.

    Raises:
        InvalidInput: a cloud has fewer than k points, or anything is empty or not finite.
    """
    if cuda.holds(clouds):
        return cuda.neighbours(queries, clouds, k)
    return _near(queries, clouds, np.inf, k)[0]


def within(queries: Any, clouds: Any, radius: float, k: int) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """The ball query: indices [B, Q, k] of the nearest points not farther than `radius`, and how many [B, Q], at most k.

    Nearest first, as by `neighbours`; rows with fewer than k are filled up with the point nearest to the query, and so
    are those with none. Everything counts as float32.

    Raises:
        InvalidInput: the radius is not positive; a cloud has fewer than k points, or anything is empty or not finite.
    """
    if not 0 < radius < np.inf:
        raise InvalidInput.of("radius", received=radius, accepted="a positive length, in the units of the points")
    if cuda.holds(clouds):
        return cuda.within(queries, clouds, radius, k)
    return _near(queries, clouds, radius, k)


def _near(queries: Any, clouds: Any, radius: float, k: int) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    queries, clouds = points_of(queries, "queries", axes=3), points_of(clouds, "clouds", axes=3)
    check_pair(queries, clouds)
    check_count(k, "k", most=clouds.shape[1])
    index = np.empty((*queries.shape[:2], k), np.int64)
    count = np.empty(queries.shape[:2], np.int64)
    _nearest(by_axis(queries), by_axis(clouds), np.float32(radius) ** 2, index, count)
    return index, count


@compiled(parallel=True, fastmath=FAST)
def _nearest(queries: Any, clouds: Any, limit: Any, index: Any, count: Any) -> None:
    """Of queries [B, 3, Q] and clouds [B, 3, N] the index [B, Q, k] and count [B, Q] of points up to a squared distance."""
    chunks = (queries.shape[2] + CHUNK - 1) // CHUNK
    for piece in numba.prange(queries.shape[0] * chunks):
        b, chunk = piece // chunks, piece % chunks
        x, y, z = clouds[b, 0], clouds[b, 1], clouds[b, 2]
        k = index.shape[2]
        distance = np.empty(x.size, np.float32)
        least = np.empty((x.size + BLOCK - 1) // BLOCK, np.float32)
        best = np.empty(k, np.float32)
        for q in range(chunk * CHUNK, min((chunk + 1) * CHUNK, queries.shape[2])):
            px, py, pz = queries[b, 0, q], queries[b, 1, q], queries[b, 2, q]
            for block in range(least.size):
                low = np.float32(np.inf)
                for i in range(block * BLOCK, min((block + 1) * BLOCK, x.size)):
                    dx, dy, dz = x[i] - px, y[i] - py, z[i] - pz
                    d = dx * dx + dy * dy + dz * dz
                    distance[i] = d
                    low = d if d < low else low
                least[block] = low
            row = index[b, q]
            found = _select(x, y, z, distance, least, limit, best, row)
            count[b, q] = found
            if found == 0:
                _select(x, y, z, distance, least, np.float32(np.inf), best[:1], row[:1])
            row[max(found, 1) :] = row[0]


@compiled()
def _select(x: Any, y: Any, z: Any, distance: Any, least: Any, limit: Any, best: Any, row: Any) -> int:
    """How many of the distances are at most `limit`; the least of them to `best`, in order, and their indices to `row`."""
    found, k, worst = 0, row.size, limit
    for block in range(least.size):
        if least[block] > worst:
            continue
        for i in range(block * BLOCK, min((block + 1) * BLOCK, x.size)):
            d = distance[i]
            if d > worst or (found == k and d == worst and not before(x, y, z, i, row[k - 1])):
                continue
            j = min(found, k - 1)
            while j > 0 and (d < best[j - 1] or (d == best[j - 1] and before(x, y, z, i, row[j - 1]))):
                best[j] = best[j - 1]
                row[j] = row[j - 1]
                j -= 1
            best[j] = d
            row[j] = i
            found = min(found + 1, k)
            if found == k:
                worst = best[k - 1]
    return found
