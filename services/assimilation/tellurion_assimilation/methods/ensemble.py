"""What all ensemble Kalman filters share: the analysis as a transform of anomalies, inflation and rotation.

With members as rows, E = x̄ + A [N, n], their departures as observed S = A Hᵀ R^-½ [N, p] and the innovation
d = R^-½ (y − H x̄) [p], each filter is a vector w [N] and a matrix T [N, N]:

    E_a = x̄ + w A + λ Ω T A

with the inflation λ and a random rotation Ω. Source: Hunt, Kostelich and Szunyogh (2007); for Ω, Sakov and Oke (2008),
Implications of the form of the ensemble transformation in the ensemble square root filters.
"""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from dataclasses import dataclass
from functools import lru_cache, partial

import numpy as np
from numpy.typing import NDArray
from scipy.linalg import helmert

from tellurion_assimilation.observations import Observations
from tellurion_assimilation.systems.system import System
from tellurion_core.errors import InvalidInput
from tellurion_core.kernels import compiled

MEMORY_LIMIT = 4 * 2**30
"""Bytes that the arrays of one analysis may take."""
COPIES = 5
"""Of an ensemble, and of what is observed of it, in memory during one analysis: background, anomalies, analysis, …"""


@dataclass(frozen=True)
class EnsembleMethod(ABC):
    """An ensemble filter; a subclass says how it makes an analysis."""

    inflation: float = 1.0
    """Factor of the anomalies after the analysis."""
    rotate: bool = False
    """Mixes the anomalies by a random rotation that keeps their mean and covariance."""

    def __post_init__(self) -> None:
        check_inflation(self.inflation)

    def forecast(self, ensemble: NDArray[np.float64], system: System, steps: int) -> NDArray[np.float64]:
        """The members [N, n] after some steps of the system."""
        return system.forecast(ensemble, steps)

    @abstractmethod
    def assimilate(
        self, ensemble: NDArray[np.float64], observations: Observations, rng: np.random.Generator
    ) -> NDArray[np.float64]:
        """The analysis ensemble [N, n] of a background ensemble [N, n]; without observations it is the background.

        Raises InvalidInput for one member, more than memory allows, members that are not finite, or another n than
        that of the observations' operator; FloatingPointError or LinAlgError where double precision does not hold it.
        """

    def mixed(self, rows: NDArray[np.float64], rng: np.random.Generator) -> NDArray[np.float64]:
        """λ Ω X [N, …] of anomalies, or of their transform T."""
        rows = self.inflation * rows if self.inflation != 1 else rows
        return rotation(len(rows), rng) @ rows if self.rotate else rows


@dataclass(frozen=True)
class TransformMethod(EnsembleMethod):
    """A filter without localisation: one w and T for the whole state."""

    @abstractmethod
    def transform(
        self, s: NDArray[np.float64], d: NDArray[np.float64], rng: np.random.Generator
    ) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Vector w [N] and matrix T [N, N] from S [N, p] and d [p]."""

    def assimilate(
        self, ensemble: NDArray[np.float64], observations: Observations, rng: np.random.Generator
    ) -> NDArray[np.float64]:
        """See `EnsembleMethod`."""
        check_ensemble(ensemble, observations)
        if not len(observations):
            return ensemble.copy()
        seen = observations.of(ensemble)
        mean, seen_mean = ensemble.mean(axis=0), seen.mean(axis=0)
        s = np.ascontiguousarray((seen - seen_mean) / observations.errors)
        d = (observations.values - seen_mean) / observations.errors
        if not math.isfinite(np.vdot(s, s)):
            raise FloatingPointError("the spread of the ensemble is too many of the observations' errors")
        w, t = self.transform(s, d, rng)
        return mean + (w + self.mixed(t, rng)) @ (ensemble - mean)


def ensemble_gain(s: NDArray[np.float64]) -> NDArray[np.float64]:
    """Weights G [N, p] of the gain K = Aᵀ G R^-½.

    G = (S Sᵀ + (N − 1) I)⁻¹ S = S (Sᵀ S + (N − 1) I)⁻¹, of which the smaller system is solved.
    """
    count, p = s.shape
    if p < count:
        return np.linalg.solve(s.T @ s + (count - 1) * np.eye(p), s.T).T
    return np.linalg.solve(s @ s.T + (count - 1) * np.eye(count), s)


def rotation(count: int, rng: np.random.Generator) -> NDArray[np.float64]:
    """A random orthogonal Ω [N, N] with Ω 1 = 1, uniform among these.

    It takes one orthonormal frame of the anomalies' space, that of Helmert, to another, a random one.
    """
    columns = rng.standard_normal((count, count))
    columns[:, 0] = 1.0
    return _orthonormal(columns) @ _helmert(count)


_helmert = lru_cache(partial(helmert, full=True))


@compiled()
def _orthonormal(columns):
    """By Gram and Schmidt; compiled, because that takes a third of the time that NumPy's call does."""
    frame, r = np.linalg.qr(columns)
    return frame * np.sign(np.diag(r))


def check_inflation(inflation: float) -> None:
    """Raises InvalidInput for what is no factor."""
    if not (math.isfinite(inflation) and inflation > 0):
        raise InvalidInput.of("inflation", received=inflation, accepted="a finite number above 0")


def check_ensemble(ensemble: NDArray[np.float64], observations: Observations) -> None:
    """Raises InvalidInput for members that no ensemble method can use."""
    n = observations.operator.shape[1]
    if ensemble.ndim != 2 or ensemble.shape[1] != n:
        accepted = f"[N, {n}], as the observations' operator has it"
        raise InvalidInput.of("ensemble", received=f"shape {ensemble.shape}", accepted=accepted)
    check_members(len(ensemble), n, len(observations))
    if not np.isfinite(ensemble).all():
        member, variable = np.argwhere(~np.isfinite(ensemble))[0]
        where = f"ensemble[{member}, {variable}]"
        raise InvalidInput.of(where, received=str(ensemble[member, variable]), accepted="a finite number")


def check_members(members: int, size: int, seen: int = 0) -> None:
    """Raises InvalidInput for fewer than two members, or more of this size, so many observed, than memory allows."""
    if members < 2:
        raise InvalidInput.of("members", received=members, accepted="at least 2 for an ensemble method")
    check_memory(members, COPIES * (size + seen) + 6 * members)


def check_memory(members: int, each: int) -> None:
    """Raises InvalidInput for more members, of so many numbers each, than memory allows."""
    needed = 8 * members * each
    if needed > MEMORY_LIMIT:
        received, accepted = f"{members}, that take {needed / 2**30:.3g} GiB", f"at most {MEMORY_LIMIT / 2**30:.3g} GiB"
        raise InvalidInput.of("members", received=received, accepted=accepted)


def too_accurate(observations: Observations) -> InvalidInput:
    """What is said of observations that an analysis cannot hold beside what it knows."""
    received = f"errors from {observations.errors.min():g} on, of values up to {np.abs(observations.values).max():g}"
    accepted = "errors that double precision holds beside the ensemble's spread and the innovation, about 1e-6 of them"
    return InvalidInput.of("observations.errors", received=received, accepted=accepted)
