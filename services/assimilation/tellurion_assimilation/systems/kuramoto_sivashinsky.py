"""Kuramoto–Sivashinsky: a flame front, or a thin film, on a circle; a simple partial differential equation with chaos.

u_t = −u u_x − u_xx − u_xxxx, spectral in space, stepped by ETDRK4: the linear terms exactly, the advection by a
fourth-order Runge–Kutta method. Source: Kassam and Trefethen (2005), Fourth-order time-stepping for stiff PDEs.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

Spectrum = NDArray[np.complex128]


@dataclass(frozen=True)
class KuramotoSivashinsky:
    """With the length, grid and step of Bocquet and Farchi (2019).

    On the consistency of the local ensemble square root Kalman filter perturbation update, section 4.2.
    """

    name: ClassVar[str] = "kuramoto_sivashinsky"
    size: int = 128
    length: float = 32 * np.pi
    dt: float = 0.5

    def forecast(self, states: NDArray[np.float64], steps: int) -> NDArray[np.float64]:
        """The states [N, n] some steps later."""
        return self._integrate(states[:, None], steps)[:, 0]

    def tangent(
        self, state: NDArray[np.float64], perturbations: NDArray[np.float64], steps: int
    ) -> NDArray[np.float64]:
        """M′w [K, n] of perturbations w [K, n] along the trajectory from `state` [n]."""
        return self._integrate(np.vstack([state, perturbations])[None], steps)[0, 1:]

    def start(self, rng: np.random.Generator) -> NDArray[np.float64]:
        """Near a point of the attractor, u ~ N(·, 0.001 I)."""
        return self._spun_up + np.sqrt(0.001) * rng.standard_normal(self.size)

    @cached_property
    def _spun_up(self) -> NDArray[np.float64]:
        """Kassam and Trefethen's initial field at time 150."""
        x = 2 * np.pi * np.arange(1, self.size + 1) / self.size
        return self.forecast((np.cos(x) * (1 + np.sin(x)))[None], round(150 / self.dt))[0]

    def _integrate(self, trajectories: NDArray[np.float64], steps: int) -> NDArray[np.float64]:  # [N, 1 + K, n]
        etd, v = self._coefficients, np.fft.rfft(trajectories)
        for _ in range(steps):
            n_v = self._advection(v)
            a = etd.half * v + etd.stage * n_v
            n_a = self._advection(a)
            b = etd.half * v + etd.stage * n_a
            n_b = self._advection(b)
            c = etd.half * a + etd.stage * (2 * n_b - n_v)
            n_c = self._advection(c)
            v = etd.whole * v + etd.first * n_v + etd.middle * (n_a + n_b) + etd.last * n_c
        return np.fft.irfft(v, self.size)

    def _advection(self, v: Spectrum) -> Spectrum:  # [N, 1 + K, n/2 + 1]
        """That of the state, −(u²/2)_x, and of perturbations along it, −(u w)_x."""
        u = np.fft.irfft(v, self.size)
        flux = u * u[:, :1]
        flux[:, 0] /= 2
        return -self._derivative * np.fft.rfft(flux)

    @cached_property
    def _derivative(self) -> Spectrum:
        return 1j * self._wavenumbers * (np.arange(self.size // 2 + 1) < self.size / 2)  # none at the grid's own wave

    @cached_property
    def _wavenumbers(self) -> NDArray[np.float64]:
        return 2 * np.pi / self.length * np.arange(self.size // 2 + 1)

    @cached_property
    def _coefficients(self) -> _Coefficients:
        return _Coefficients.of(self._wavenumbers**2 - self._wavenumbers**4, self.dt)


@dataclass(frozen=True)
class _Coefficients:
    """Of ETDRK4, each [n/2 + 1]; names after the paper's a, b, c and its last line."""

    whole: NDArray[np.float64]
    half: NDArray[np.float64]
    stage: NDArray[np.float64]
    first: NDArray[np.float64]
    middle: NDArray[np.float64]
    last: NDArray[np.float64]

    @classmethod
    def of(cls, linear: NDArray[np.float64], dt: float) -> _Coefficients:
        """Of the linear operator's eigenvalues; means over a circle round each, where no term cancels another."""
        z = dt * linear[:, None] + np.exp(1j * np.pi * (np.arange(32) + 0.5) / 32)  # its upper half: z is real
        e = np.exp(z)

        def mean(values: Spectrum) -> NDArray[np.float64]:
            return dt * values.mean(axis=1).real

        return cls(
            whole=np.exp(dt * linear),
            half=np.exp(dt * linear / 2),
            stage=mean((np.exp(z / 2) - 1) / z),
            first=mean((-4 - z + e * (4 - 3 * z + z**2)) / z**3),
            middle=mean(2 * (2 + z + e * (z - 2)) / z**3),
            last=mean((-4 - 3 * z - z**2 + e * (4 - z)) / z**3),
        )
