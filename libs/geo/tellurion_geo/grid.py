"""The grid of an ocean analysis: depth × latitude × longitude, rectilinear, and the bounds of its cells."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from tellurion_core.errors import InvalidInput

DEEPEST = 12_000.0
"""Metres; the ocean's deepest point lies at about 10 935 m."""
CLOSED_STEP = 1.5
"""A step between neighbouring meridians up to this many times the next largest one is a step like the others."""


@dataclass(frozen=True, eq=False)
class Grid:
    """A rectilinear grid of cell centres; the arrays become read-only float64.

    Raises InvalidInput when an axis is empty, not finite, not strictly ascending or out of range.
    """

    depth: NDArray[np.float64]
    """[Z] metres, positive down, ascending."""
    lat: NDArray[np.float64]
    """[Y] degrees north, ascending, at least two."""
    lon: NDArray[np.float64]
    """[X] degrees east, ascending within [0, 360), at least two."""

    def __post_init__(self) -> None:
        axes = (("depth", 1, 0.0, DEEPEST), ("lat", 2, -90.0, 90.0), ("lon", 2, 0.0, np.nextafter(360.0, 0.0)))
        for name, fewest, low, high in axes:
            object.__setattr__(self, name, _axis(name, getattr(self, name), fewest, low, high))

    @property
    def shape(self) -> tuple[int, int, int]:
        """(Z, Y, X)."""
        return self.depth.size, self.lat.size, self.lon.size

    @property
    def lon_steps(self) -> NDArray[np.float64]:
        """[X] degrees from each meridian eastward to the next; the last goes round to the first."""
        return np.diff(self.lon, append=self.lon[0] + 360.0)

    @property
    def open_step(self) -> int | None:
        """Index of the step in `lon_steps` that lies outside a regional grid; None when the grid spans the globe.

        A region across Greenwich has it inside the axis: 0…20, 340…359.
        """
        largest = int(np.argmax(self.lon_steps))
        others = np.delete(self.lon_steps, largest)
        return None if self.lon_steps[largest] <= CLOSED_STEP * others.max() else largest

    @property
    def depth_bounds(self) -> NDArray[np.float64]:
        """[Z, 2] metres: midway between levels, the outer ones as far beyond, not above the surface.

        A grid of one level is bounded by the surface and by as much below.
        """
        levels = self.depth if self.depth.size > 1 else np.r_[self.depth, 3 * self.depth]
        return np.clip(_bounds(levels)[: self.depth.size], 0.0, None)

    @property
    def lat_bounds(self) -> NDArray[np.float64]:
        """[Y, 2] degrees north: midway between centres, the outer ones as far beyond, not beyond the poles."""
        return np.clip(_bounds(self.lat), -90.0, 90.0)

    @property
    def lon_bounds(self) -> NDArray[np.float64]:
        """[X, 2] degrees east: midway between centres; may reach below 0 or above 360 to stay beside the centre."""
        half = self.lon_steps / 2
        if (outside := self.open_step) is not None:
            half[outside] = np.nan
        west, east = np.roll(half, 1), half
        west, east = np.where(np.isnan(west), east, west), np.where(np.isnan(east), west, east)
        return np.stack([self.lon - west, self.lon + east], axis=1)


def _axis(name: str, values: ArrayLike, fewest: int, low: float, high: float) -> NDArray[np.float64]:
    array = np.array(values, dtype=np.float64)
    accepted = f"at least {fewest} finite ascending values in {low:g}…{high:g}"
    if array.ndim != 1 or array.size < fewest:
        raise InvalidInput.of(f"grid.{name}", received=f"shape {array.shape}", accepted=accepted)
    wrong = ~((array >= low) & (array <= high))
    wrong[1:] |= ~(np.diff(array) > 0)
    if wrong.any():
        first = int(np.argmax(wrong))
        raise InvalidInput.of(f"grid.{name}[{first}]", received=f"{array[first]:g}", accepted=accepted)
    array.flags.writeable = False
    return array


def _bounds(centres: NDArray[np.float64]) -> NDArray[np.float64]:
    """[n, 2] edges midway between `centres` [n ≥ 2]; the outer cells are symmetric."""
    middle = (centres[1:] + centres[:-1]) / 2
    edges = np.r_[2 * centres[0] - middle[0], middle, 2 * centres[-1] - middle[-1]]
    return np.stack([edges[:-1], edges[1:]], axis=1)
