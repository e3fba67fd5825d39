"""Many realisations at once."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray


def crps(members: NDArray[np.float64], observed: NDArray[np.float64]) -> NDArray[np.float64]:
    """[T] fair continuous ranked probability score of members [M, T]: mean |x − y| − Σᵢⱼ|xᵢ − xⱼ| / 2M(M − 1).

    Ferro (2014): its expectation does not depend on the size of the ensemble. In the units of the values.
    """
    m = members.shape[0]
    error = np.abs(members - observed).mean(axis=0)
    # Σᵢⱼ |xᵢ − xⱼ| of sorted values: each counts as often as it is the larger less the smaller.
    spread = 2 * ((2 * np.arange(1, m + 1) - m - 1)[:, None] * np.sort(members, axis=0)).sum(axis=0)
    return np.asarray(error - spread / (2 * m * (m - 1)))


def spread_error_ratio(members: NDArray[np.float64], observed: NDArray[np.float64]) -> float:
    """Root-mean-square spread over that of the mean's error, 1 when reliable (Fortin et al. 2014, with (M + 1)/M)."""
    m = members.shape[0]
    spread = np.sqrt((m + 1) / m * members.var(axis=0, ddof=1).mean())
    return float(spread / np.sqrt(np.mean((members.mean(axis=0) - observed) ** 2)))
