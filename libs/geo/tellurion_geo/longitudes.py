"""Longitude is an angle: one value for each meridian, whichever turn a file counts it in."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray


def normalised_longitude(longitude: ArrayLike) -> NDArray[np.float64]:
    """Degrees east within [0, 360), same shape; NaN stays NaN."""
    turned = np.mod(np.asarray(longitude, dtype=np.float64), 360.0)
    # The remainder of a tiny negative angle rounds to 360 itself.
    return np.where(turned >= 360.0, 0.0, turned)
