"""Grids whose rows and columns are not parallels and meridians: places of cells and, where known, their corners."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True, eq=False)
class Curvilinear:
    """A curvilinear grid; NaN where a cell has no position."""

    lat: NDArray[np.float64]
    """[Y, X] degrees north."""
    lon: NDArray[np.float64]
    """[Y, X] degrees east."""
    corners: NDArray[np.float64] | None = None
    """[Y, X, 4, 2] degrees north and east of each cell's corners, in order round the cell; None when not known."""

    @property
    def centres(self) -> NDArray[np.float64]:
        """[Y, X, 3] unit vectors."""
        return on_sphere(self.lat, self.lon)

    @cached_property
    def quadrangles(self) -> tuple[NDArray[np.intp], NDArray[np.float64]]:
        """Indices [N] of the cells, in the flattened grid, that have corners, and those [N, 4, 3], unit vectors.

        Models write zeros, or something else, where they compute nothing: corners count that are around the centre.
        """
        if self.corners is None:
            return np.zeros(0, np.intp), np.zeros((0, 4, 3))
        corners = on_sphere(self.corners[..., 0], self.corners[..., 1])
        middle = corners.mean(axis=-2)
        reach = np.linalg.norm(corners - middle[..., None, :], axis=-1).max(axis=-1)
        around = np.linalg.norm(self.centres - middle, axis=-1) <= reach
        return np.flatnonzero(around), corners[around]

    @property
    def has_corners(self) -> bool:
        """Whether at least half of the cells have them."""
        return 0 < np.isfinite(self.lat).sum() <= 2 * len(self.quadrangles[0])

    @property
    def side(self) -> float:
        """Median length of the cells' sides, radians. Only where there are corners."""
        _, corners = self.quadrangles
        return float(np.median(np.linalg.norm(corners - np.roll(corners, 1, axis=-2), axis=-1)))


def on_sphere(lat: NDArray[np.float64], lon: NDArray[np.float64]) -> NDArray[np.float64]:
    """[..., 3] unit vectors to places in degrees."""
    phi, lam = np.broadcast_arrays(np.radians(lat), np.radians(lon))
    return np.stack([np.cos(phi) * np.cos(lam), np.cos(phi) * np.sin(lam), np.sin(phi)], axis=-1)
