"""Twin experiments: a truth that is hidden, observed with errors, and estimated cycle after cycle with the same model.

The settings of a system's own are those of the literature that its figures are compared with: for Lorenz-96 Sakov and
Oke (2008), for Lorenz-63 Sakov, Oliver and Bertino (2012), for Kuramoto–Sivashinsky Bocquet and Farchi (2019).
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from types import MappingProxyType
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray
from scipy import sparse
from threadpoolctl import threadpool_limits

from tellurion_assimilation.cycling import SERIES, Twin, Verdict, cycled
from tellurion_assimilation.localization import Circle
from tellurion_assimilation.methods import Method, build, needs, parameters
from tellurion_assimilation.methods.ensemble import MEMORY_LIMIT, EnsembleMethod, check_members
from tellurion_assimilation.methods.gaussian import Gaussian
from tellurion_assimilation.methods.letkf import LETKF
from tellurion_assimilation.observations import Observations
from tellurion_assimilation.scores import assess, rmse
from tellurion_assimilation.systems.system import System
from tellurion_core.errors import InvalidInput
from tellurion_core.predictor import CancelCheck
from tellurion_core.progress import Progress

Array = NDArray[np.float64]

CLIMATE_TRAJECTORIES = 100
"""Whose states are the climate, each at as many times."""
CLIMATE_SPIN_UP = 50.0
"""Units of time before the first of these."""
PATIENCE = 100
"""Cycles over which an estimate must be bad to count as lost."""


@dataclass(frozen=True)
class Setting:
    """What is observed, and how well. Raises InvalidInput for what cannot be."""

    interval: int = 1
    """Steps of the system between analyses."""
    observed: float = 1.0
    """Share of the variables, evenly spaced and at least one; of the atmosphere's cells, others each time."""
    variance: float = 1.0
    """Of the observations' errors, R = variance · I."""
    burn_in: float = 20.0
    """Units of time that are not scored."""

    def __post_init__(self) -> None:
        if self.interval < 1:
            raise InvalidInput.of("interval", received=self.interval, accepted="at least 1 step")
        if not 0 < self.observed <= 1:
            raise InvalidInput.of("observed", received=self.observed, accepted="a share above 0, at most 1")
        if not (math.isfinite(self.variance) and self.variance > 0):
            raise InvalidInput.of("variance", received=self.variance, accepted="a finite number above 0")
        if not (math.isfinite(self.burn_in) and self.burn_in >= 0):
            raise InvalidInput.of("burn_in", received=self.burn_in, accepted="units of time, at least 0")

    def scored_from(self, dt: float, cycles: int) -> int:
        """The first cycle after the burn-in, in steps of `dt`. Raises InvalidInput unless there is one."""
        burn_in = round(self.burn_in / (self.interval * dt))
        if cycles <= burn_in:
            raise InvalidInput.of("cycles", received=cycles, accepted=f"more than the {burn_in} of the burn-in")
        return burn_in

    def network(self, size: int) -> Observations:
        """The instruments on a circle of that many variables, before they have read anything."""
        count = max(1, round(self.observed * size))
        at = np.arange(count) * size // count
        operator = sparse.csr_array((np.ones(count), at, np.arange(count + 1)), shape=(count, size))
        return Observations(np.zeros(count), np.full(count, math.sqrt(self.variance)), operator, at[:, None])


SETTINGS: Mapping[str, Setting] = MappingProxyType(
    {
        "lorenz63": Setting(interval=25, variance=2.0),
        "lorenz96": Setting(),
        "kuramoto_sivashinsky": Setting(interval=2, burn_in=200.0),
        "atmosphere": Setting(interval=48, observed=0.01, burn_in=480.0),
    }
)


@dataclass(frozen=True, eq=False)
class SystemTwin:
    """An `Experiment` on a small system, whose truth is made before it begins."""

    method: Method
    system: System
    setting: Setting
    truth: Array
    """[cycles, n]."""
    values: Array
    """[cycles, p] what is observed of it."""
    first: Array | Gaussian
    burn_in: int
    rng: np.random.Generator
    """Of the method."""
    patience: ClassVar[int] = PATIENCE

    @cached_property
    def climate(self) -> float:
        """Of the scored part of the truth."""
        return math.sqrt(self.truth[self.burn_in :].var(axis=0).mean())

    def nature(self) -> Iterator[tuple[Array, Observations]]:
        """See `Experiment`."""
        network = self.setting.network(self.system.size)
        return zip(self.truth, map(network.reading, self.values), strict=True)

    def forecast(self, estimate: Array | Gaussian) -> Array | Gaussian:
        """See `Experiment`."""
        return self.method.forecast(estimate, self.system, self.setting.interval)

    def analyse(self, background: Array | Gaussian, observations: Observations) -> Array | Gaussian:
        """See `Experiment`."""
        return self.method.assimilate(background, observations, self.rng)

    def rmse(self, estimate: Array | Gaussian, truth: Array) -> float:
        """See `Experiment`."""
        return rmse(estimate, truth)

    def assess(self, analysis: Array | Gaussian, truth: Array) -> Verdict:
        """See `Experiment`."""
        scores = assess(analysis, truth)
        return Verdict(scores.rmse, scores)


def twin(
    system: System,
    method: str,
    options: Mapping[str, Any],
    *,
    members: int | None = None,
    setting: Setting | None = None,
    cycles: int = 10_000,
    seed: int = 0,
    cancelled: CancelCheck = lambda: False,
    progress: Progress = lambda fraction, message: None,
) -> Twin:
    """What the named method with these options makes of `cycles` cycles, burn-in included.

    The same seed gives the same truth and observations to every method. A divergence is reported, not raised.

    Raises InvalidInput for an unknown method or option, fewer than two members or more than memory allows for an
    ensemble method, members for another, cycles that do not outlast the burn-in; Cancelled soon after `cancelled()`.
    """
    setting = setting or SETTINGS.get(system.name, Setting())
    network = setting.network(system.size)
    parameters(method)
    burn_in = _check(system, network, setting, cycles, seed)
    of_climate, of_method = map(np.random.default_rng, np.random.SeedSequence(seed).spawn(4)[2:])
    known = climate(system, setting, of_climate) if needs(method, "climate") else None
    filter_ = build(method, options, climate=known, domain=Circle(system.size))
    if isinstance(filter_, LETKF):
        filter_ = filter_.fixed(network.positions)
    estimate = _first_guess(system, filter_, members, of_method)
    truth, values = nature(system, setting, cycles, seed)

    experiment = SystemTwin(filter_, system, setting, truth, values, estimate, burn_in, of_method)
    with threadpool_limits(1, "blas"), np.errstate(over="ignore", invalid="ignore"):
        return cycled(experiment, cycles, cancelled=cancelled, progress=progress)


def nature(system: System, setting: Setting, cycles: int, seed: int) -> tuple[Array, Array]:
    """The truth [cycles, n] at the times of the analyses, and what is observed of it [cycles, p]."""
    of_truth, of_errors = map(np.random.default_rng, np.random.SeedSequence(seed).spawn(2))
    truth, state = np.empty((cycles, system.size)), system.start(of_truth)[None]
    for cycle in range(cycles):
        truth[cycle] = state = system.forecast(state, setting.interval)
    network = setting.network(system.size)
    return truth, network.of(truth) + network.errors * of_errors.standard_normal((cycles, len(network)))


def climate(system: System, setting: Setting, rng: np.random.Generator) -> Gaussian:
    """Mean and covariance of the system's states, from trajectories that nobody observes."""
    states = np.stack([system.start(rng) for _ in range(CLIMATE_TRAJECTORIES)])
    states = system.forecast(states, round(CLIMATE_SPIN_UP / system.dt))
    sample = []
    for _ in range(CLIMATE_TRAJECTORIES):
        states = system.forecast(states, setting.interval)
        sample.append(states)
    return Gaussian.of(np.concatenate(sample))


def _first_guess(system: System, method: Method, members: int | None, rng: np.random.Generator) -> Array | Gaussian:
    """Draws from the distribution of initial states, or that distribution as many draws show it."""
    if isinstance(method, EnsembleMethod):
        if members is None:
            raise InvalidInput.of("members", received="none", accepted="at least 2 for an ensemble method")
        check_members(members, system.size)
        return np.stack([system.start(rng) for _ in range(members)])
    if members is not None:
        raise InvalidInput.of("members", received=members, accepted="none for a method without an ensemble")
    return Gaussian.of(np.stack([system.start(rng) for _ in range(4 * system.size)]))


def _check(system: System, network: Observations, setting: Setting, cycles: int, seed: int) -> int:
    """Cycles of the burn-in, once it is known that all can run."""
    if seed < 0:
        raise InvalidInput.of("seed", received=seed, accepted="an integer of at least 0")
    burn_in = setting.scored_from(system.dt, cycles)
    most = MEMORY_LIMIT // (8 * (system.size + 2 * len(network)) + SERIES.itemsize)
    if cycles > most:
        raise InvalidInput.of("cycles", received=cycles, accepted=f"at most {most}, so that the truth fits in memory")
    return burn_in
