"""How many points stand where, seen from above; and areas of about as many points each."""

from __future__ import annotations

from math import frexp

import numpy as np
from numpy.typing import NDArray

from tellurion_core.errors import InvalidInput

CELLS = 1024
"""Cells along the longer side of what is counted, at least half of it."""
FINEST = -1000
"""Exponent of the smallest cell, of points that all stand in one place."""


class Occupancy:
    """Counts of points over square cells of a power of two, which are joined by four as more ground is reached.

    What comes out depends on where the points are and not on their order.
    """

    def __init__(self) -> None:
        self._low = np.full(2, np.inf)
        self._high = np.full(2, -np.inf)
        self._exponent = FINEST
        self._origin = np.zeros(2, np.int64)
        self.counts = np.zeros((0, 0), np.int64)
        """[X, Y] points over each cell."""

    def add(self, points: NDArray[np.float64]) -> None:
        """Counts points [N, 3], N at least 1."""
        low = np.minimum(self._low, points[:, :2].min(axis=0))
        high = np.maximum(self._high, points[:, :2].max(axis=0))
        if (low < self._low).any() or (high > self._high).any():
            self._widen(low, high)
        self.counts += np.bincount(self.cells(points), minlength=self.counts.size).reshape(self.counts.shape)

    def cells(self, points: NDArray[np.float64]) -> NDArray[np.int64]:
        """[N] the cell of each point in `counts`, flat. Raises InvalidInput of points that were not counted."""
        cell = _cells(points[:, :2], self._exponent) - self._origin
        if ((cell < 0) | (cell >= self.counts.shape)).any():
            raise InvalidInput.of("cloud", received="other points than before", accepted="a file that does not change")
        return np.asarray(cell[:, 0] * self.counts.shape[1] + cell[:, 1])

    def _widen(self, low: NDArray[np.float64], high: NDArray[np.float64]) -> None:
        """Counts over cells that reach from `low` to `high`."""
        widest, farthest = float((high - low).max()), float(np.maximum(abs(low), abs(high)).max())
        # No cell is smaller than what its coordinates can tell apart.
        exponent = max(_exponent(widest / CELLS), _exponent(farthest) - 52)
        first, last = _cells(low, exponent), _cells(high, exponent)
        counts = np.zeros(last - first + 1, np.int64)
        held = np.argwhere(self.counts)
        joined = ((held + self._origin) >> min(exponent - self._exponent, 63)) - first
        np.add.at(counts, tuple(joined.T), self.counts[tuple(held.T)])
        self._low, self._high, self._exponent, self._origin, self.counts = low, high, exponent, first, counts


def areas(counts: NDArray[np.int64], most: int, least: int) -> list[tuple[slice, slice]]:
    """Rectangles of cells that hold all points, each halved until it has at most `most` of them.

    One stays whole where it is a single cell, or where a cut would leave fewer than `least` on a side. Source: the k-d
    tree of Bentley 1975, cut across the longer side where the halves are most alike.
    """
    found, waiting = [], [(slice(0, counts.shape[0]), slice(0, counts.shape[1]))]
    while waiting:
        area = _trimmed(counts, waiting.pop())
        cut = _cut(counts[area], least) if counts[area].sum() > most else None
        if cut is None:
            found.append(area)
            continue
        axis, place = cut
        place += area[axis].start
        lower, upper = list(area), list(area)
        lower[axis], upper[axis] = slice(area[axis].start, place), slice(place, area[axis].stop)
        waiting += [(upper[0], upper[1]), (lower[0], lower[1])]
    return found


def _trimmed(counts: NDArray[np.int64], area: tuple[slice, slice]) -> tuple[slice, slice]:
    """The part of an area that holds its points."""
    rows, columns = np.nonzero(counts[area].any(axis=1))[0], np.nonzero(counts[area].any(axis=0))[0]
    left, top = area[0].start, area[1].start
    return slice(left + rows[0], left + rows[-1] + 1), slice(top + columns[0], top + columns[-1] + 1)


def _cut(counts: NDArray[np.int64], least: int) -> tuple[int, int] | None:
    """Axis and first cell of the upper side; None where no cut leaves `least` on both sides."""
    for axis in np.argsort([-side for side in counts.shape], kind="stable"):
        below = counts.sum(axis=1 - axis).cumsum()
        smaller = np.minimum(below, below[-1] - below)
        place = int(smaller.argmax())
        if smaller[place] >= max(least, 1):
            return int(axis), place + 1
    return None


def _cells(places: NDArray[np.float64], exponent: int) -> NDArray[np.int64]:
    """[…, 2] the cell of each place, from the origin of the coordinates; 2**`exponent` is its side."""
    return np.floor(np.ldexp(places, -exponent)).astype(np.int64)


def _exponent(length: float) -> int:
    """Of the smallest power of two that is longer."""
    return max(frexp(length)[1], FINEST) if length else FINEST
