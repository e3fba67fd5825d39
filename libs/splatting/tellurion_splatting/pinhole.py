"""What the matrix of a pinhole camera may be, and how many pixels its image may have."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

MAX_PIXELS = 1 << 26
PINHOLE = "[[fx, 0, cx], [0, fy, cy], [0, 0, 1]] with finite focal lengths above zero and no skew"


def is_pinhole(K: NDArray[np.float64]) -> bool:
    """Whether a matrix [3, 3] is as PINHOLE says."""
    zeros = K[0, 1] == K[1, 0] == K[2, 0] == K[2, 1] == 0
    return bool(np.isfinite(K).all() and K[0, 0] > 0 and K[1, 1] > 0 and zeros and K[2, 2] == 1)
