"""A ridge fit of EOF amplitudes to scattered departures, with the covariance of its error."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray


def fit_eofs(
    modes: NDArray[np.float64],  # [N, K] EOFs at the observations
    values: NDArray[np.float64],  # [N, V] several sets of departures
    noise: NDArray[np.float64],  # [N] error variance of each, counted as independent
    *,
    amplitude: float,
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Amplitudes b̂ [K, V] and their error covariance [K, K], for b ~ N(0, amplitude · I).

    b̂ = (FᵀV⁻¹F + I/a)⁻¹ FᵀV⁻¹d: Rasmussen and Williams (2006), eq. 2.8.
    """
    weighted = modes / noise[:, None]
    error_covariance = np.linalg.inv(weighted.T @ modes + np.eye(modes.shape[1]) / amplitude)
    return error_covariance @ (weighted.T @ values), error_covariance
