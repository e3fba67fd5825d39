"""The nearest point of a large cloud, by a k-d tree, and the Chamfer distance.

A tree of our own because scipy's takes quadratic time on many equal points and breaks ties by the order of the points.

Source: Friedman, Bentley and Finkel 1977, An algorithm for finding best matches in logarithmic expected time, ACM
Transactions on Mathematical Software 3, doi 10.1145/355744.355745; Fan, Su and Guibas 2017, A point set generation
network for 3D object reconstruction from a single image (Chamfer).
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numba
import numpy as np
from numpy.typing import NDArray

from tellurion_core.kernels import compiled
from tellurion_pointcloud.geometry import cuda
from tellurion_pointcloud.geometry.checks import points_of

LEAF = 16
"""Points at which a node is not divided any more."""
PIECE = 512
"""Queries of one piece of work."""
DEPTH = 64
"""Of the stack of nodes; every division halves the points."""


class Chamfer(NamedTuple):
    """Distances between two clouds."""

    l1: float
    """(mean d₁ + mean d₂) / 2, in the units of the points."""
    l2: float
    """mean d₁² + mean d₂², in their square."""


class _Tree(NamedTuple):
    """Points in the order of the leaves, and boxes around the points of each node."""

    points: NDArray[np.float32]
    """[P, 3]."""
    order: NDArray[np.int64]
    """[P], where each point stood."""
    span: NDArray[np.int64]
    """[M, 2] first and last but one point of a node."""
    child: NDArray[np.int64]
    """[M], the first of a node's two children, which stand side by side; 0 for a leaf."""
    box: NDArray[np.float32]
    """[M, 2, 3], least and largest coordinates."""


def nearest(queries: Any, points: Any) -> tuple[NDArray[np.float32], NDArray[np.int64]]:
    """Squared distance [Q] from each query [Q, 3] to its nearest point [P, 3], and the index [Q] of that.

    Of points equally near the first by x, y, z; of equal points any. The coordinates count as float32. Points may be as
    many and as equal as they like.

    Raises:
        InvalidInput: there are no queries or points, or they are not finite.
    """
    if cuda.holds(points):
        return cuda.nearest(queries, points)
    return _matched(_tree(queries, "queries"), _tree(points, "points"))


def chamfer(a: Any, b: Any) -> Chamfer:
    """The Chamfer distances of two clouds [N, 3] and [M, 3].

    Raises:
        InvalidInput: a cloud is empty or not finite.
    """
    if cuda.holds(a):
        there, back = cuda.nearest(a, b)[0].cpu().numpy(), cuda.nearest(b, a)[0].cpu().numpy()
    else:
        first, second = _tree(a, "a"), _tree(b, "b")
        there, back = _matched(first, second)[0], _matched(second, first)[0]
    there, back = there.astype(np.float64), back.astype(np.float64)
    return Chamfer(float(np.sqrt(there).mean() + np.sqrt(back).mean()) / 2, float(there.mean() + back.mean()))


def _tree(points: Any, field: str) -> _Tree:
    points = points_of(points, field, axes=2).astype(np.float32, order="C")
    order = np.arange(len(points))
    nodes = max(1, 4 * len(points) // LEAF)
    span, child = np.empty((nodes, 2), np.int64), np.zeros(nodes, np.int64)
    box = np.empty((nodes, 2, 3), np.float32)
    used = _build(points, order, span, child, box)
    return _Tree(points, order, span[:used], child[:used], box[:used])


def _matched(queries: _Tree, points: _Tree) -> tuple[NDArray[np.float32], NDArray[np.int64]]:
    squared, index = np.empty(len(queries.points), np.float32), np.empty(len(queries.points), np.int64)
    _search(queries.points, queries.order, *points, squared, index)
    return squared, index


@compiled()
def _build(points: Any, order: Any, span: Any, child: Any, box: Any) -> int:
    """Order the points by leaves and fill in the nodes; how many there are."""
    span[0, 0], span[0, 1] = 0, len(points)
    used, node = 1, 0
    while node < used:
        start, stop = span[node]
        low, high = box[node]
        low[:], high[:] = points[start], points[start]
        for i in range(start, stop):
            for axis in range(3):
                low[axis] = min(low[axis], points[i, axis])
                high[axis] = max(high[axis], points[i, axis])
        axis = np.argmax(high - low)
        if low[axis] == high[axis]:
            span[node, 1] = start + 1
        elif stop - start > LEAF:
            middle = (start + stop) // 2
            _divide(points, order, start, stop, middle, axis)
            child[node] = used
            span[used, 0], span[used, 1] = start, middle
            span[used + 1, 0], span[used + 1, 1] = middle, stop
            used += 2
        node += 1
    return used


@compiled()
def _divide(points: Any, order: Any, start: int, stop: int, middle: int, axis: int) -> None:
    """Hoare's selection: no point before `middle` is larger along the axis than any from there on."""
    low, high = start, stop - 1
    drawn = np.uint64(stop)
    while low < high:
        # A drawn pivot, for there are orders on which any fixed rule takes quadratic time.
        drawn = drawn * np.uint64(6364136223846793005) + np.uint64(1442695040888963407)
        pivot = points[low + np.int64(drawn >> np.uint64(33)) % (high - low + 1), axis]
        i, j = low, high
        while i <= j:
            while points[i, axis] < pivot:
                i += 1
            while points[j, axis] > pivot:
                j -= 1
            if i <= j:
                for c in range(3):
                    points[i, c], points[j, c] = points[j, c], points[i, c]
                order[i], order[j] = order[j], order[i]
                i += 1
                j -= 1
        if middle <= j:
            high = j
        elif middle >= i:
            low = i
        else:
            return


@compiled(parallel=True)
def _search(
    queries: Any, places: Any, points: Any, order: Any, span: Any, child: Any, box: Any, squared: Any, index: Any
) -> None:
    """Squared distances and indices of the points nearest to the queries, put at their places."""
    for piece in numba.prange((len(queries) + PIECE - 1) // PIECE):
        part = slice(piece * PIECE, (piece + 1) * PIECE)
        _follow(queries[part], places[part], points, order, span, child, box, squared, index)


@compiled()
def _follow(
    queries: Any, places: Any, points: Any, order: Any, span: Any, child: Any, box: Any, squared: Any, index: Any
) -> None:
    """The nearest points of queries in a row, each starting from the answer of the one before it, which is near by."""
    stack, apart = np.empty(DEPTH, np.int64), np.empty(DEPTH, np.float32)
    best = 0
    for q in range(len(queries)):
        query = queries[q]
        least = _squared(query, points[best])
        stack[0], apart[0], waiting = 0, 0, 1
        while waiting:
            waiting -= 1
            node = stack[waiting]
            if _beyond(apart[waiting], box[node, 0], least, points[best]):
                continue
            if child[node] == 0:
                for i in range(span[node, 0], span[node, 1]):
                    d = _squared(query, points[i])
                    if d < least or (d == least and _before(points[i], points[best])):
                        least, best = d, i
                continue
            first, second = child[node], child[node] + 1
            near, far = _to_box(query, box[first]), _to_box(query, box[second])
            if far < near or (far == near and _before(box[second, 0], box[first, 0])):
                first, second, near, far = second, first, far, near
            stack[waiting], apart[waiting] = second, far
            stack[waiting + 1], apart[waiting + 1] = first, near
            waiting += 2
        squared[places[q]], index[places[q]] = least, order[best]


@compiled()
def _squared(a: Any, b: Any) -> Any:
    dx, dy, dz = a[0] - b[0], a[1] - b[1], a[2] - b[2]
    return dx * dx + dy * dy + dz * dz


@compiled()
def _to_box(query: Any, box: Any) -> Any:
    """Squared distance to a box, never above that to a point in it: rounding keeps order."""
    zero = np.float32(0)
    dx = max(box[0, 0] - query[0], query[0] - box[1, 0], zero)
    dy = max(box[0, 1] - query[1], query[1] - box[1, 1], zero)
    dz = max(box[0, 2] - query[2], query[2] - box[1, 2], zero)
    return dx * dx + dy * dy + dz * dz


@compiled()
def _before(a: Any, b: Any) -> bool:
    """Whether place a comes before place b by x, y, z."""
    if a[0] != b[0]:
        return a[0] < b[0]
    if a[1] != b[1]:
        return a[1] < b[1]
    return a[2] < b[2]


@compiled()
def _beyond(apart: Any, corner: Any, least: Any, best: Any) -> bool:
    """Whether a box so far apart, whose first place is at `corner`, holds no point better than the best."""
    return apart > least or (apart == least and not _before(corner, best))
