"""The year's cycle as a mean and a few harmonics in time, fitted cell by cell."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray


def harmonic_design(months: Sequence[int], count: int) -> NDArray[np.float64]:
    """[M, 1 + 2·count]: 1, cos ωt, sin ωt, cos 2ωt, … at the middle of each month 1…12."""
    year = 2 * np.pi * (np.asarray(months, dtype=np.float64) - 0.5) / 12
    waves = [wave(k * year) for k in range(1, count + 1) for wave in (np.cos, np.sin)]
    return np.stack([np.ones_like(year), *waves], axis=1)


def fit_harmonics(
    values: NDArray[np.float64],  # [M, P]
    months: Sequence[int],  # [M]
    count: int,
    *,
    ridge: float,
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Coefficients [1 + 2·count, P] and the residual that each month shows when it is left out of the fit [M, P].

    `ridge`, in months, shrinks the second and higher harmonics, which few months determine badly. The left-out residual
    of a linear fit is r / (1 − h) with h its leverage. Source: Hastie, Tibshirani and Friedman, The Elements of
    Statistical Learning (2009), eqs. 3.44 and 7.64.
    """
    design = harmonic_design(months, count)
    penalty = np.diag([0.0] * 3 + [ridge] * (2 * count - 2))
    solver = np.linalg.solve(design.T @ design + penalty, design.T)
    coefficients = solver @ values
    leverage = np.sum(design * solver.T, axis=1)
    return coefficients, (values - design @ coefficients) / (1 - leverage)[:, None]
