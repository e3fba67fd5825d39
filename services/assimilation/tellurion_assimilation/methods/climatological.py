"""Methods `climatology` and `oi`, whose background is always the climate: no forecast is made from their analyses."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from tellurion_assimilation.methods.gaussian import Gaussian
from tellurion_assimilation.observations import Observations
from tellurion_assimilation.systems.system import System


@dataclass(frozen=True, eq=False)
class Climatology:
    """What is known without any observation."""

    climate: Gaussian
    """Mean and covariance of the system's states."""

    def forecast(self, analysis: Gaussian, system: System, steps: int) -> Gaussian:
        """The climate."""
        return self.climate

    def assimilate(self, background: Gaussian, observations: Observations, rng: np.random.Generator) -> Gaussian:
        """The background."""
        return background


@dataclass(frozen=True, eq=False)
class OptimalInterpolation(Climatology):
    """The climate updated by one time's observations. Source: Gandin (1963)."""

    def assimilate(self, background: Gaussian, observations: Observations, rng: np.random.Generator) -> Gaussian:
        """The Kalman filter's analysis."""
        return background.updated(observations)
