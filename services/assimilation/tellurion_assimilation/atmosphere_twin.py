"""Twin experiments on the global atmosphere: months of weather that no weights have seen, cycled by any method.

Every 48 hours some columns of air are observed, each time others. Of an ensemble method all members are carried to the
next analysis; of a variational or a learned one the mean, around which it has its own idea of the background's errors.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from functools import cached_property
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from tellurion_assimilation.analysis import Analysis, Case, analyse
from tellurion_assimilation.background_errors import ZonalErrors
from tellurion_assimilation.catalogue import MEMBERS, offer
from tellurion_assimilation.cycling import Twin, Verdict, cycled
from tellurion_assimilation.held_out import apart, starts
from tellurion_assimilation.judge import Judge
from tellurion_assimilation.methods.ensemble import check_members
from tellurion_assimilation.observations import Observations
from tellurion_assimilation.systems.atmosphere import Atmosphere
from tellurion_assimilation.systems.atmosphere.columns import Columns, check_observed
from tellurion_assimilation.systems.atmosphere.model import LONGEST_FORECAST
from tellurion_assimilation.twin import SETTINGS, Setting
from tellurion_core.errors import Cancelled, InvalidInput
from tellurion_core.predictor import CancelCheck
from tellurion_core.progress import Progress
from tellurion_geo import SigmaGrid

if TYPE_CHECKING:
    from tellurion_assimilation.prior import Prior

Array = NDArray[np.float64]
States = NDArray[np.float32]

USUAL = SETTINGS[Atmosphere.name]
PATIENCE = 10
"""Cycles, of two days: weather forgets within them."""


@dataclass(frozen=True, eq=False)
class AtmosphereTwin:
    """An `Experiment` whose truth is made as it is needed."""

    method: str
    options: Mapping[str, Any]
    members: int
    prior: Prior | None
    errors: ZonalErrors
    atmosphere: Atmosphere
    setting: Setting
    judge: Judge
    truth: States
    """[C, Y, X] at the time of `first`."""
    first: Analysis
    climate: float
    burn_in: int
    of_nature: np.random.Generator
    of_method: np.random.Generator
    cancelled: CancelCheck
    patience: ClassVar[int] = PATIENCE

    def nature(self) -> Iterator[tuple[Array, Observations]]:
        """See `Experiment`."""
        layout, truth = self.atmosphere.layout, self.truth
        while True:
            truth = self.atmosphere.forecast(truth[None], self._hours)[0]
            seen = Columns.of(truth, layout, self.setting.observed, self.of_nature)
            yield truth.astype(np.float64).ravel(), seen.observations()

    def forecast(self, estimate: Analysis) -> Analysis:
        """See `Experiment`."""
        states = estimate.members if self._carried else estimate.mean[None]
        later = self.atmosphere.forecast(states.reshape(-1, *self.atmosphere.layout.shape), self._hours)
        return _estimate(later.astype(np.float64).reshape(states.shape))

    def analyse(self, background: Analysis, observations: Observations) -> Analysis:
        """See `Experiment`."""
        return analyse(
            self.method,
            Case(self._grid, background.mean, background.members if self._carried else None, observations),
            members=self.members,
            seed=int(self.of_method.integers(2**63)),
            options=self.options,
            errors=self.errors,
            prior=self.prior,
            cancelled=self.cancelled,
            progress=lambda fraction, message: None,
        )

    def rmse(self, estimate: Analysis, truth: Array) -> float:
        """See `Experiment`."""
        return self.judge.rmse(estimate.mean, truth)

    def assess(self, analysis: Analysis, truth: Array) -> Verdict:
        """See `Experiment`."""
        members = analysis.members
        return Verdict(
            self.rmse(analysis, truth), self.judge.assess(members, truth), self.judge.balance(members, truth)
        )

    @property
    def _carried(self) -> bool:
        """Whether all members are forecast."""
        return offer(self.method).ensemble

    @property
    def _hours(self) -> float:
        return self.setting.interval * self.atmosphere.dt

    @cached_property
    def _grid(self) -> SigmaGrid:
        layout = self.atmosphere.layout
        return SigmaGrid(layout.sigma, layout.latitude, layout.longitude)


def atmosphere_twin(
    method: str,
    options: Mapping[str, Any],
    *,
    atmosphere: Atmosphere,
    errors: ZonalErrors,
    scale: Array,  # [C] standard deviations of the climate
    prior: Prior | None = None,
    members: int = MEMBERS,
    setting: Setting = USUAL,
    cycles: int = 200,
    seed: int = 0,
    begin: States | None = None,
    cancelled: CancelCheck = lambda: False,
    progress: Progress = lambda fraction, message: None,
) -> Twin:
    """What the named method with these options makes of `cycles` cycles, burn-in included.

    The truth goes on from one of the states `begin` [R, C, Y, X], by default the shipped ones of the test runs. The
    first estimate is off it by a draw of the background's `errors`, and the members of an ensemble method off that by
    others. A learned method wants a `prior`. The same seed gives the same truth and observations to every method. A
    divergence is reported, not raised.

    Raises InvalidInput for a method that does not analyse, fewer than two members or more than memory allows, what
    `check_setting` refuses, cycles that do not outlast the burn-in; Cancelled.
    """
    method = offer(method, system=atmosphere.name).name
    layout = atmosphere.layout
    check_members(members, layout.size)
    check_setting(setting, atmosphere)
    burn_in = setting.scored_from(atmosphere.dt, cycles)
    of_nature, of_method = map(np.random.default_rng, np.random.SeedSequence(seed).spawn(2))
    begin = starts(layout) if begin is None else begin
    judge = Judge(layout, scale)
    progress(0.0, "the truth goes its own way")
    chosen = int(of_nature.integers(len(begin)))
    truth = apart(atmosphere, begin[chosen : chosen + 1], of_nature)[0]
    off = errors.measured.root(of_method.standard_normal((1 + members, errors.control_size)))
    guess = truth.ravel() + off[0]
    if cancelled():
        raise Cancelled("the twin experiment was cancelled")
    experiment = AtmosphereTwin(
        method=method,
        options={name: value for name, value in options.items() if name != "amplitude"},
        members=members,
        prior=prior,
        errors=replace(errors, modes=errors.modes * math.sqrt(options.get("amplitude", 1.0))),
        atmosphere=atmosphere,
        setting=setting,
        judge=judge,
        truth=truth,
        first=_estimate(guess + off[1:] - off[1:].mean(axis=0)),
        climate=judge.climate(begin),
        burn_in=burn_in,
        of_nature=of_nature,
        of_method=of_method,
        cancelled=cancelled,
    )
    return cycled(experiment, cycles, cancelled=cancelled, progress=progress)


def check_setting(setting: Setting, atmosphere: Atmosphere) -> None:
    """Raises InvalidInput for less than one cell observed, or analyses further apart than a forecast can reach."""
    check_observed(setting.observed, atmosphere.layout)
    if setting.interval * atmosphere.dt > LONGEST_FORECAST:
        accepted = f"at most {LONGEST_FORECAST / atmosphere.dt:g} steps of {atmosphere.dt:g} h"
        raise InvalidInput.of("interval", received=setting.interval, accepted=accepted)


def _estimate(members: Array) -> Analysis:
    return Analysis(members.mean(axis=0), members)
