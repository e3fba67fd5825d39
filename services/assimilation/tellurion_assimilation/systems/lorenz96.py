"""Lorenz-96: n variables on a circle of latitude, advected, damped and forced.

dxᵢ/dt = (xᵢ₊₁ − xᵢ₋₂) xᵢ₋₁ − xᵢ + F. Source: Lorenz (1996), Predictability: a problem partly solved.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from tellurion_assimilation.systems.runge_kutta import runge_kutta
from tellurion_core.kernels import compiled


@dataclass(frozen=True)
class Lorenz96:
    """A unit of time is about five days of the atmosphere's."""

    name: ClassVar[str] = "lorenz96"
    size: int = 40
    forcing: float = 8.0
    dt: float = 0.05

    def forecast(self, states: NDArray[np.float64], steps: int) -> NDArray[np.float64]:
        """The states [N, n] some steps later."""
        return _integrate(states[:, None], steps, self.dt, self.forcing)[:, 0]

    def tangent(
        self, state: NDArray[np.float64], perturbations: NDArray[np.float64], steps: int
    ) -> NDArray[np.float64]:
        """M′w [K, n] of perturbations w [K, n] along the trajectory from `state` [n]."""
        return _integrate(np.vstack([state, perturbations])[None], steps, self.dt, self.forcing)[0, 1:]

    def start(self, rng: np.random.Generator) -> NDArray[np.float64]:
        """Far from the attractor, x ~ N((1, 0, …), 0.001 I), as DAPPER starts those of Sakov and Oke (2008)."""
        return np.eye(1, self.size)[0] + np.sqrt(0.001) * rng.standard_normal(self.size)


@compiled()
def _integrate(trajectories, steps, dt, forcing):
    return runge_kutta(_tendency, trajectories, steps, dt, forcing)


@compiled()
def _tendency(z, forcing, rate):  # [1 + K, n], a state x and perturbations w
    x, n = z[0], z.shape[1]
    for i in range(n):
        east, west, west2 = (i + 1) % n, i - 1, i - 2  # a negative index counts from the end
        rate[0, i] = (x[east] - x[west2]) * x[west] - x[i] + forcing
        for k in range(1, len(z)):
            w = z[k]
            rate[k, i] = (w[east] - w[west2]) * x[west] + (x[east] - x[west2]) * w[west] - w[i]
