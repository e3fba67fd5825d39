"""A state known up to a normal distribution, and how observations change it: the Kalman filter's analysis."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.linalg import solve_triangular

from tellurion_assimilation.observations import Observations
from tellurion_core.errors import InvalidInput

SIZE_LIMIT = 10_000
"""Variables of a state whose covariance is held as a matrix; it then takes 800 MB."""


@dataclass(frozen=True, eq=False)
class Gaussian:
    """N(mean, covariance). Raises InvalidInput for more than SIZE_LIMIT variables."""

    mean: NDArray[np.float64]
    """[n]."""
    covariance: NDArray[np.float64]
    """[n, n]."""

    def __post_init__(self) -> None:
        check_size(len(self.mean))

    @classmethod
    def of(cls, sample: NDArray[np.float64]) -> Gaussian:
        """With the mean and covariance of states [K, n]."""
        check_size(sample.shape[1])
        mean = sample.mean(axis=0)
        anomalies = sample - mean
        return cls(mean, anomalies.T @ anomalies / (len(sample) - 1))

    @property
    def variance(self) -> NDArray[np.float64]:
        """[n]."""
        return np.diagonal(self.covariance)

    def updated(self, observations: Observations) -> Gaussian:
        """N(x + K(y − H x), P − K H P), K = P Hᵀ (H P Hᵀ + R)⁻¹. Source: Kalman (1960)."""
        p_ht = observations.of(self.covariance)  # [n, p]
        factor = np.linalg.cholesky(observations.of(p_ht.T) + np.diag(observations.errors**2))
        innovation = observations.values - observations.of(self.mean)
        gain = solve_triangular(factor, p_ht.T, lower=True, check_finite=False)  # L⁻¹H P, of H P Hᵀ + R = L Lᵀ
        scaled = solve_triangular(factor, innovation, lower=True, check_finite=False)
        return Gaussian(self.mean + scaled @ gain, self.covariance - gain.T @ gain)


def check_size(size: int) -> None:
    """Raises InvalidInput for a state too large to hold its covariance."""
    if size > SIZE_LIMIT:
        accepted = f"at most {SIZE_LIMIT} variables for a method that holds their covariance"
        raise InvalidInput.of("state", received=f"{size} variables", accepted=accepted)
