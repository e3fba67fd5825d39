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
from tellurion_pointcloud.geometry.checks import FARTHEST, by_axis, check_count, check_pair, points_of
from tellurion_pointcloud.geometry.sampling import before, farthest_points

INFINITE = np.float32(np.inf).view(np.int32)
PIECE = 16
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
    first = clouds.shape[1] * np.arange(len(clouds))  # in one list of all points, quickest to take from
    places = clouds.reshape(-1, 3)
    centres = places.take(farthest_points(clouds, groups) + first[:, None], 0)
    index = neighbours(centres, clouds, size)
    points = places.take(index + first[:, None, None], 0)
    points -= centres[:, :, None]
    return Patches(centres, points, index)


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
    """The ball query: indices [B, Q, k] of the nearest points within `radius`, and how many [B, Q], at most k.

    A point at the radius is within. Nearest first, as by `neighbours`; rows with fewer than k are filled up with the
    nearest point, and so are those with none. Everything counts as float32.

    Raises:
        InvalidInput: the radius is not positive; a cloud has fewer than k points, or anything is empty or not finite.
    """
    if not 0 < radius <= FARTHEST:
        raise InvalidInput.of("radius", received=radius, accepted=f"a positive length, at most {FARTHEST:g}")
    if cuda.holds(clouds):
        return cuda.within(queries, clouds, radius, k)
    return _near(queries, clouds, radius, k)


def _near(queries: Any, clouds: Any, radius: float, k: int) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    queries, clouds = points_of(queries, "queries", axes=3), points_of(clouds, "clouds", axes=3)
    check_pair(queries, clouds)
    check_count(k, "k", most=clouds.shape[1])
    index = np.empty((*queries.shape[:2], k), np.int64)
    count = np.empty(queries.shape[:2], np.int64)
    limit = (np.float32(radius) ** 2).view(np.int32)
    _nearest(queries.astype(np.float32, order="C"), by_axis(clouds), limit, index, count)
    return index, count


@compiled(parallel=True)
def _nearest(queries: Any, clouds: Any, limit: Any, index: Any, count: Any) -> None:
    """Of queries [B, Q, 3] and clouds [B, 3, N] the index [B, Q, k] and count [B, Q] up to the limit."""
    pieces = (queries.shape[1] + PIECE - 1) // PIECE
    for piece in numba.prange(len(queries) * pieces):
        b, first = piece // pieces, piece % pieces * PIECE
        part = slice(first, first + PIECE)
        _around(queries[b, part], clouds[b, 0], clouds[b, 1], clouds[b, 2], limit, index[b, part], count[b, part])


@compiled()
def _around(queries: Any, x: Any, y: Any, z: Any, limit: Any, index: Any, count: Any) -> None:
    """Of queries [Q, 3] and one cloud the index [Q, k] and count [Q].

    Points are dealt out to columns as cards are. The k-th least of the columns' least distances bounds that of the k-th
    nearest point, and few columns and points are within the bound. Distances are compared by their bits, as integers,
    whose minima the compiler takes in vectors; points are listed without a branch, which no processor could predict.
    """
    k = index.shape[1]
    distance, best = np.empty(x.size, np.float32), np.empty(k, np.int32)
    least = np.empty((4 * k + 15) // 16 * 16, np.int32)
    columns, candidates = np.empty(least.size + 1, np.int64), np.empty(x.size + 1, np.int64)
    bits = distance.view(np.int32)
    for q in range(len(queries)):
        px, py, pz = queries[q]
        for i in range(x.size):
            dx, dy, dz = x[i] - px, y[i] - py, z[i] - pz
            distance[i] = dx * dx + dy * dy + dz * dz
        _deal(bits, least)
        row, many = index[q], _listed(bits, least, min(limit, _bound(least, k)), columns, candidates)
        found = _sorted(x, y, z, bits, candidates[:many], best, row)
        if found == 0:
            many = _listed(bits, least, least.min(), columns, candidates)
            _sorted(x, y, z, bits, candidates[:many], best[:1], row[:1])
        row[max(found, 1) :] = row[0]
        count[q] = found


@compiled()
def _deal(bits: Any, least: Any) -> None:
    """The least number of each column."""
    least[:] = INFINITE
    for start in range(0, bits.size, least.size):
        row = bits[start : start + least.size]
        for j in range(row.size):
            least[j] = row[j] if row[j] < least[j] else least[j]


@compiled()
def _bound(least: Any, k: int) -> Any:
    """A number that k, or a few more, do not exceed."""
    low, high = least.min() - 1, least.max()
    while high - low > 1:
        middle = np.int32((low + high) // 2)
        count = np.int32(0)
        for number in least:
            count += np.int32(number <= middle)
        if count < k:
            low = middle
        else:
            high = middle
            if count <= k + k // 8:
                break
    return high


@compiled()
def _listed(bits: Any, least: Any, bound: Any, columns: Any, candidates: Any) -> int:
    """How many points are within the bound; they are put to `candidates`."""
    some = many = 0
    for column in range(least.size):
        columns[some] = column
        some += least[column] <= bound
    for column in columns[:some]:
        for i in range(column, bits.size, least.size):
            candidates[many] = i
            many += bits[i] <= bound
    return many


@compiled()
def _sorted(x: Any, y: Any, z: Any, bits: Any, candidates: Any, best: Any, row: Any) -> int:
    """How many candidates are put to `row`: the nearest, in order."""
    found, last = 0, row.size - 1
    for i in candidates:
        d = bits[i]
        if found > last and (d > best[last] or (d == best[last] and not before(x, y, z, i, row[last]))):
            continue
        j = min(found, last)
        while j > 0 and (d < best[j - 1] or (d == best[j - 1] and before(x, y, z, i, row[j - 1]))):
            best[j], row[j] = best[j - 1], row[j - 1]
            j -= 1
        best[j], row[j] = d, i
        found = min(found + 1, row.size)
    return found
