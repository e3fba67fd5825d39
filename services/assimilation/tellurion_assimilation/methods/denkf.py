"""Method `denkf`: the deterministic ensemble Kalman filter.

The mean by the gain K, the anomalies by half of it: (I − ½KH)P(I − ½KH)ᵀ is the analysis covariance but for a term of
second order in KH. Source: Sakov and Oke (2008), A deterministic formulation of the ensemble Kalman filter.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from tellurion_assimilation.methods.ensemble import TransformMethod, ensemble_gain


@dataclass(frozen=True)
class DEnKF(TransformMethod):
    """A_a = A − ½ A (K H)ᵀ."""

    def transform(
        self, s: NDArray[np.float64], d: NDArray[np.float64], rng: np.random.Generator
    ) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Half the gain for the anomalies."""
        gain = ensemble_gain(s)
        return gain @ d, np.eye(len(s)) - s @ gain.T / 2
