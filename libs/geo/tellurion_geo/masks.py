"""Which cells of a field are sea."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray


def wet_mask(values: NDArray[np.floating]) -> NDArray[np.bool_]:
    """Cells [Z, Y, X] that have a finite value at every time of `values` [T, Z, Y, X].

    A cell that is dry, or unknown, in any month is not part of the sea that a statistic over the months can speak of.
    """
    return np.isfinite(values).all(axis=0)
