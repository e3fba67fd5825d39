"""Lorenz-63: three modes of convection between plates.

dx/dt = σ(y − x), dy/dt = ρx − y − xz, dz/dt = xy − βz. Source: Lorenz (1963), Deterministic nonperiodic flow.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from tellurion_assimilation.systems.runge_kutta import runge_kutta
from tellurion_core.kernels import compiled


@dataclass(frozen=True)
class Lorenz63:
    """With the parameters of the paper, where it is chaotic."""

    name: ClassVar[str] = "lorenz63"
    size: ClassVar[int] = 3
    sigma: float = 10.0
    rho: float = 28.0
    beta: float = 8 / 3
    dt: float = 0.01

    def forecast(self, states: NDArray[np.float64], steps: int) -> NDArray[np.float64]:
        """The states [N, 3] some steps later."""
        return _integrate(states[:, None], steps, self.dt, self._parameters)[:, 0]

    def tangent(
        self, state: NDArray[np.float64], perturbations: NDArray[np.float64], steps: int
    ) -> NDArray[np.float64]:
        """M′w [K, 3] of perturbations w [K, 3] along the trajectory from `state` [3]."""
        return _integrate(np.vstack([state, perturbations])[None], steps, self.dt, self._parameters)[0, 1:]

    def start(self, rng: np.random.Generator) -> NDArray[np.float64]:
        """Near a point of the attractor, x ~ N(·, 2 I), as DAPPER starts those of Sakov, Oliver and Bertino (2012)."""
        return np.array([1.509, -1.531, 25.46]) + np.sqrt(2.0) * rng.standard_normal(3)

    @property
    def _parameters(self) -> tuple[float, float, float]:
        return self.sigma, self.rho, self.beta


@compiled()
def _integrate(trajectories, steps, dt, parameters):
    return runge_kutta(_tendency, trajectories, steps, dt, parameters)


@compiled()
def _tendency(states, parameters, rate):  # [1 + K, 3], a state and perturbations
    sigma, rho, beta = parameters
    x, y, z = states[0]
    rate[0, 0] = sigma * (y - x)
    rate[0, 1] = rho * x - y - x * z
    rate[0, 2] = x * y - beta * z
    for k in range(1, len(states)):
        dx, dy, dz = states[k]
        rate[k, 0] = sigma * (dy - dx)
        rate[k, 1] = rho * dx - dy - x * dz - dx * z
        rate[k, 2] = x * dy + dx * y - beta * dz
