"""Method `enkf`: the ensemble Kalman filter with perturbed observations.

Each member is updated with observations of its own, y + εᵢ. Source: Burgers, van Leeuwen and Evensen (1998), Analysis
scheme in the ensemble Kalman filter; with perturbations of zero mean, Hunt et al. (2007), section 2.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from tellurion_assimilation.methods.ensemble import TransformMethod, ensemble_gain


@dataclass(frozen=True)
class EnKF(TransformMethod):
    """x_aᵢ = xᵢ + K(y + εᵢ − H xᵢ)."""

    def transform(
        self, s: NDArray[np.float64], d: NDArray[np.float64], rng: np.random.Generator
    ) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Of perturbations whose mean is zero, and whose variance is still 1."""
        count = len(s)
        perturbations = rng.standard_normal(s.shape)
        perturbations -= perturbations.mean(axis=0)
        perturbations *= np.sqrt(count / (count - 1))
        gain = ensemble_gain(s)
        return gain @ d, np.eye(count) + (perturbations - s) @ gain.T
