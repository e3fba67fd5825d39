"""Method `3dvar`: the state that fits background and observations best, for a given covariance of background errors.

min ½‖x − x_b‖²_{B⁻¹} + ½‖y − H x‖²_{R⁻¹}, in the control variable of B = U Uᵀ: x = x_b + U v with

    (I + Uᵀ Hᵀ R⁻¹ H U) v = Uᵀ Hᵀ R⁻¹ (y − H x_b)

by conjugate gradients; B needs no inverse, and no eigenvalue lies below 1. Source: Lorenc (1986), Analysis methods for
numerical weather prediction; Parrish and Derber (1992), The National Meteorological Center's spectral
statistical-interpolation analysis system.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from tellurion_assimilation.methods.ensemble import COPIES, check_memory
from tellurion_assimilation.methods.gaussian import Gaussian, check_size
from tellurion_assimilation.observations import Observations
from tellurion_assimilation.systems.system import System
from tellurion_core.errors import InvalidInput, ResourceExhausted

Array = NDArray[np.float64]

TOLERANCE = 1e-11
"""Of the residual, relative to the right-hand side."""
ITERATION_LIMIT = 2000


class BackgroundErrors(Protocol):
    """A covariance B = U Uᵀ [n, n], by its root U [n, k]."""

    @property
    def control_size(self) -> int:
        """Columns k of the root."""

    def root(self, v: Array, /) -> Array:
        """U v [..., n] of v [..., k]."""

    def root_adjoint(self, x: Array, /) -> Array:
        """Uᵀ x [..., k] of x [..., n]."""


@dataclass(frozen=True, eq=False)
class DenseErrors:
    """B as a matrix. Raises InvalidInput where it is not symmetric and positive definite."""

    covariance: Array
    """[n, n]."""

    def __post_init__(self) -> None:
        b = self.covariance
        if b.ndim != 2 or b.shape[0] != b.shape[1]:
            raise InvalidInput.of("background_errors", received=f"shape {b.shape}", accepted="a square matrix")
        check_size(len(b))
        if not (np.isfinite(b).all() and np.allclose(b, b.T, rtol=1e-8, atol=1e-12 * np.abs(b).max(initial=0))):
            accepted = "finite and symmetric"
            raise InvalidInput.of("background_errors", received="a matrix that is not", accepted=accepted)
        self._factor  # noqa: B018 – fails here rather than in the first analysis

    @property
    def control_size(self) -> int:
        """All n, for a square root."""
        return len(self.covariance)

    def root(self, v: Array, /) -> Array:
        """L v of Cholesky's B = L Lᵀ."""
        return v @ self._factor.T

    def root_adjoint(self, x: Array, /) -> Array:
        """Lᵀ x."""
        return x @ self._factor

    @cached_property
    def _factor(self) -> Array:
        try:
            return np.linalg.cholesky(self.covariance)
        except np.linalg.LinAlgError:
            least = np.linalg.eigvalsh(self.covariance)[0]
            raise InvalidInput.of(
                "background_errors", received=f"least eigenvalue {least:.3g}", accepted="a positive definite matrix"
            ) from None


@dataclass(frozen=True, eq=False)
class Var3D:
    """`analyse` and `sample` serve states of any size; the twin's `forecast` and `assimilate` hold covariances."""

    errors: BackgroundErrors

    def analyse(self, background: Array, observations: Observations) -> Array:
        """The analysis [n] of a background [n]; without observations it is the background.

        Raises InvalidInput for a background that is not finite or of another length, ResourceExhausted when it does not
        converge, FloatingPointError when numbers grow too large.
        """
        _check_finite(background)
        return background + self._increments((observations.values - observations.of(background))[None], observations)[0]

    def sample(self, background: Array, observations: Observations, members: int, rng: np.random.Generator) -> Array:
        """Draws [N, n] from the distribution whose mode is the analysis.

        Each is the analysis of a perturbed background with perturbed observations, which for normal errors is exact.
        Source: Chen and Oliver (2012), randomised maximum likelihood. Raises as `analyse`, and InvalidInput for no
        members, or more than memory allows.
        """
        _check_finite(background)
        if members < 1:
            raise InvalidInput.of("members", received=members, accepted="at least 1")
        check_memory(members, COPIES * (background.size + len(observations)))
        perturbed = background + self.errors.root(rng.standard_normal((members, self.errors.control_size)))
        values = observations.values + observations.errors * rng.standard_normal((members, len(observations)))
        return perturbed + self._increments(values - observations.of(perturbed), observations)

    def forecast(self, analysis: Gaussian, system: System, steps: int) -> Gaussian:
        """The mean by the system, the errors as always."""
        return Gaussian(system.forecast(analysis.mean[None], steps)[0], self._covariance)

    def assimilate(self, background: Gaussian, observations: Observations, rng: np.random.Generator) -> Gaussian:
        """The analysis, with the inverse of the cost's second derivative as the covariance of its errors."""
        s = observations.of(self._root) / observations.errors  # [k, p]
        covariance = self._root.T @ np.linalg.solve(np.eye(len(s)) + s @ s.T, self._root)
        return Gaussian(self.analyse(background.mean, observations), covariance)

    def _increments(self, innovations: Array, observations: Observations) -> Array:  # [N, p] → [N, n]
        h, precision = observations.operator, observations.errors**-2

        def adjoint(departures: Array) -> Array:
            return self.errors.root_adjoint((h.T @ (precision * departures).T).T)

        def hessian(v: Array) -> Array:
            return v + adjoint(observations.of(self.errors.root(v)))

        return self.errors.root(conjugate_gradients(hessian, adjoint(innovations)))

    @cached_property
    def _root(self) -> Array:
        """Uᵀ [k, n]."""
        check_size(self.errors.control_size)
        return self.errors.root(np.eye(self.errors.control_size))

    @cached_property
    def _covariance(self) -> Array:
        return self._root.T @ self._root


def of_climate(climate: Gaussian, amplitude: float = 1.0) -> Var3D:
    """With B = amplitude · the climate's covariance."""
    if not (math.isfinite(amplitude) and amplitude > 0):
        raise InvalidInput.of("amplitude", received=amplitude, accepted="a finite number above 0")
    return Var3D(DenseErrors(amplitude * climate.covariance))


def conjugate_gradients(operator: Callable[[Array], Array], b: Array) -> Array:
    """The solutions v [N, k] of A v = b for several b [N, k], A symmetric and positive definite.

    Raises ResourceExhausted when ITERATION_LIMIT steps are not enough, FloatingPointError for numbers too large to be
    squared. Source: Hestenes and Stiefel (1952).
    """
    v, residual, direction = np.zeros_like(b), b.copy(), b
    square = _dot(residual, residual)
    enough = TOLERANCE**2 * square
    for _ in range(ITERATION_LIMIT):
        if not np.isfinite(square).all():
            raise FloatingPointError("method 3dvar: the innovations are too many of their errors")
        if (square <= enough).all():
            return v
        image = operator(direction)
        step = square / np.maximum(_dot(direction, image), np.finfo(np.float64).tiny)
        v += step * direction
        residual -= step * image
        square, before = _dot(residual, residual), square
        direction = residual + square / np.maximum(before, np.finfo(np.float64).tiny) * direction
    raise ResourceExhausted(
        f"method 3dvar: not converged after {ITERATION_LIMIT} iterations; the observations' errors are very small"
        " beside the background's"
    )


def _dot(a: Array, b: Array) -> Array:  # [N, 1]
    return np.einsum("nk,nk->n", a, b)[:, None]


def _check_finite(background: Array) -> None:
    if not np.isfinite(background).all():
        first = np.flatnonzero(~np.isfinite(background))[0]
        raise InvalidInput.of(f"background[{first}]", received=str(background[first]), accepted="a finite number")
