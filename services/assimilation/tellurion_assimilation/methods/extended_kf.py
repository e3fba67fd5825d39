"""Method `extended_kf`: the Kalman filter, with its covariance carried along by the tangent-linear model.

x_f = M(x_a), P_f = λ M′P_a M′ᵀ. Source: Jazwinski (1970), Stochastic processes and filtering theory, ch. 8.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from tellurion_assimilation.methods.ensemble import check_inflation
from tellurion_assimilation.methods.gaussian import Gaussian
from tellurion_assimilation.observations import Observations
from tellurion_assimilation.systems.system import Linearised
from tellurion_core.errors import InvalidInput


@dataclass(frozen=True)
class ExtendedKF:
    """For a system that knows its tangent-linear model."""

    inflation: float = 1.0
    """Factor of the forecast's covariance for each unit of time: λ = inflation^t."""

    def __post_init__(self) -> None:
        check_inflation(self.inflation)

    def forecast(self, analysis: Gaussian, system: Linearised, steps: int) -> Gaussian:
        """The mean by the system, the covariance by its tangent. Raises InvalidInput for a system that has none."""
        if not hasattr(system, "tangent"):
            raise InvalidInput.of("system", received=system.name, accepted="one with a tangent-linear model")

        def propagated(rows: NDArray[np.float64]) -> NDArray[np.float64]:
            return system.tangent(analysis.mean, rows, steps)

        covariance = self.inflation ** (steps * system.dt) * propagated(propagated(analysis.covariance).T)
        mean = system.forecast(analysis.mean[None], steps)[0]
        return Gaussian(mean, (covariance + covariance.T) / 2)  # the asymmetry of rounding would grow as errors do

    def assimilate(self, background: Gaussian, observations: Observations, rng: np.random.Generator) -> Gaussian:
        """The Kalman filter's analysis."""
        return background.updated(observations)
