"""How much of the sphere each cell of a grid covers."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from tellurion_geo.grid import Grid


def area_weights(grid: Grid) -> NDArray[np.float64]:
    """Cell areas [Y, X], normalised to mean 1.

    The area of a cell on a sphere is Δλ (sin φ₂ − sin φ₁), exact for any cell size.
    """
    height = np.diff(np.sin(np.radians(grid.lat_bounds)), axis=1)
    width = np.diff(grid.lon_bounds, axis=1)
    area = height * width.T
    return area / area.mean()
