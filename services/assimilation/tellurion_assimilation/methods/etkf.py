"""Method `etkf`: the ensemble transform Kalman filter, with the symmetric square root.

P̃ = [(N − 1) I + S Sᵀ]⁻¹, w = P̃ S d, T = [(N − 1) P̃]^½. Source: Hunt, Kostelich and Szunyogh (2007), Efficient data
assimilation for spatiotemporal chaos, eqs. 20–24; Bishop, Etherton and Majumdar (2001).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from tellurion_assimilation.methods.ensemble import TransformMethod
from tellurion_core.kernels import compiled


@dataclass(frozen=True)
class ETKF(TransformMethod):
    """Mean and covariance are exactly those of the Kalman filter with the ensemble's own covariance."""

    def transform(
        self, s: NDArray[np.float64], d: NDArray[np.float64], rng: np.random.Generator
    ) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """By the eigenvectors of P̃⁻¹."""
        return _transform(s, d)


@compiled()
def _transform(s, d):
    count = len(s)
    precision, v = np.linalg.eigh(s @ s.T + (count - 1) * np.eye(count))
    v = np.ascontiguousarray(v)
    return v @ (v.T @ (s @ d) / precision), v * np.sqrt((count - 1) / precision) @ v.T
