"""Method `enkf_n`: the finite-size ensemble Kalman filter, which finds its inflation from the innovation.

An ensemble of N knows its own covariance only roughly. With that doubt marginalised, the analysis is that of `etkf`
after the anomalies are multiplied by λ, where ζ = λ² minimises the dual cost

    D(ζ) = dᵀ[ζ SᵀS + (N − 1) I]⁻¹d + ε/ζ + c ln ζ,    ε = 1 + 1/N,  c = N/(N − 1)

Source: Bocquet, Raanes and Hannart (2015), Expanding the validity of the ensemble Kalman filter without the intrinsic
need for inflation; ε and c as corrected and weighted by Raanes, Bocquet and Carrassi (2019), Adaptive covariance
inflation in the ensemble Kalman filter by Gaussian scale mixtures.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import brentq

from tellurion_assimilation.methods.ensemble import TransformMethod
from tellurion_core.errors import InvalidInput

LARGEST = 700.0
"""ln ζ, that the exponential function still holds."""


@dataclass(frozen=True)
class EnKFN(TransformMethod):
    """An inflation beyond 1 comes on top of what is found, for a model with errors."""

    certainty: float = 2.0
    """Weight of the prior of λ: 1 where members are as good as independent draws; more where the system is nearly
    linear between analyses, so that they represent their covariance better than that."""

    def __post_init__(self) -> None:
        super().__post_init__()
        if not (math.isfinite(self.certainty) and self.certainty > 0):
            raise InvalidInput.of("certainty", received=self.certainty, accepted="a finite number above 0")

    def transform(
        self, s: NDArray[np.float64], d: NDArray[np.float64], rng: np.random.Generator
    ) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """That of `etkf`, of λA."""
        count = len(s)
        square, v = np.linalg.eigh(s @ s.T)
        square, seen = np.maximum(square, 0), v.T @ (s @ d)
        zeta = self._inflation(square, seen)
        precision = zeta * square + count - 1
        return v @ (zeta * seen / precision), v * np.sqrt(zeta * (count - 1) / precision) @ v.T

    def _inflation(self, square: NDArray[np.float64], seen: NDArray[np.float64]) -> float:
        """ζ = λ², from the eigenvalues [N] of S Sᵀ and the projections [N] of S d on its eigenvectors.

        Raises FloatingPointError for an innovation that none explains.
        """
        count = len(square)
        epsilon, c = self._doubt(square)

        def slope(log_zeta: float) -> float:  # dD/d ln ζ
            zeta = math.exp(log_zeta)
            return c - epsilon / zeta - zeta * float(np.sum((seen / (zeta * square + count - 1)) ** 2))

        low = math.log(epsilon / c)  # where the prior's slope is zero and that of the innovations is negative
        if slope(low) >= 0:  # to rounding, the innovation says nothing
            return epsilon / c
        high = low + 1.0
        while not slope(high) >= 0:
            high += 1.0
            if high > LARGEST:
                raise FloatingPointError("no inflation explains the innovation")
        return math.exp(brentq(slope, low, high, xtol=1e-9))

    def _doubt(self, square: NDArray[np.float64]) -> tuple[float, float]:
        """ε and c, corrected so that no inflation is found where the observations say nothing."""
        count = len(square)
        epsilon, c = (count + 1) / count, count / (count - 1)
        unseen = float(np.mean((count - 1) / (square + count - 1)))  # the mean of I − KH
        correction = (epsilon / c) ** (unseen / 2)
        return self.certainty * epsilon / correction, self.certainty * c * correction
