"""Analysis, forecast, analysis, …: an estimate follows a hidden truth for many cycles, and is scored at each one."""

from __future__ import annotations

import math
import time
from collections.abc import Iterable
from dataclasses import dataclass
from typing import NamedTuple, Protocol, TypeVar

import numpy as np
from numpy.typing import NDArray

from tellurion_assimilation.observations import Observations
from tellurion_assimilation.scores import Scores, spread_skill
from tellurion_assimilation.scoring import Balance
from tellurion_core.errors import Cancelled, InvalidInput
from tellurion_core.predictor import CancelCheck
from tellurion_core.progress import Progress

Array = NDArray[np.float64]
E = TypeVar("E")

DIVERGENCE_EXCESS = 1.1
"""An estimate is bad with an RMSE of this many standard deviations of the truth: the climate has 1, a state that has
nothing to do with the truth √2."""
ESTIMATE = ("forecast", "analysis", "members", "spread", "crps")
"""Kept of a cycle: RMSE of the forecast, of the analysis, and of its members' own mean; then what they are called."""
SERIES = np.dtype([(name, np.float64) for name in (*ESTIMATE, *Balance._fields)])
UNKNOWN = Balance(math.nan, math.nan, math.nan)


class Verdict(NamedTuple):
    """How good an analysis is."""

    rmse: float
    scores: Scores
    """Of its members, whose mean may be known less well than the analysis."""
    balance: Balance | None = None


class Experiment(Protocol[E]):
    """What is cycled, and what it is held against; states and observations are vectors."""

    @property
    def first(self) -> E:
        """The estimate that the first forecast starts from."""

    @property
    def burn_in(self) -> int:
        """Cycles that are not scored."""

    @property
    def patience(self) -> int:
        """Cycles over which an estimate must be bad to count as lost."""

    @property
    def climate(self) -> float:
        """Standard deviation of the truth: the RMSE that its climate has as an estimate."""

    def nature(self) -> Iterable[tuple[Array, Observations]]:
        """The truth [n] at each analysis, and what is seen of it."""

    def forecast(self, estimate: E) -> E:
        """The next background. Raises InvalidInput, FloatingPointError or LinAlgError where there is none."""

    def analyse(self, background: E, observations: Observations) -> E:
        """The analysis. Raises likewise."""

    def rmse(self, estimate: E, truth: Array) -> float:
        """Of its mean."""

    def assess(self, analysis: E, truth: Array) -> Verdict:
        """All scores."""


@dataclass(frozen=True, eq=False)
class Twin:
    """Means over the scored cycles; NaN where the estimate was not finite."""

    rmse_analysis: float
    rmse_forecast: float
    spread: float
    """Of the analysis, as the next forecast starts from it."""
    crps: float
    """Of the analysis; fair."""
    spread_skill: float
    """1 when the spread is honest: see `scores.spread_skill`."""
    balance: Balance | None
    """Of the winds; None for a system that has none, or an estimate that was lost."""
    seconds: float
    """Of forecasts, analyses and scores; not of the truth."""
    diverged: int | None
    """The cycle from which the estimate was lost: not finite, or worse than the climate; None if all went well."""
    ranks: NDArray[np.int64] | None
    """[N + 1] rank histogram of the analyses; None for a method without members."""


def cycled(
    experiment: Experiment[E],
    cycles: int,
    *,
    cancelled: CancelCheck = lambda: False,
    progress: Progress = lambda fraction, message: None,
) -> Twin:
    """What becomes of the estimate in so many cycles, burn-in included. That it is lost is reported, not raised.

    Kept of a cycle are its scores. Raises InvalidInput for what cannot be cycled even once, Cancelled soon after
    `cancelled()`.
    """
    series = np.full(cycles, np.nan, SERIES)
    estimate, ranks, seconds = experiment.first, None, 0.0
    start = time.monotonic()
    for cycle, (truth, observations) in zip(range(cycles), experiment.nature(), strict=False):
        if cancelled():
            raise Cancelled("the twin experiment was cancelled")
        if cycle % max(1, cycles // 100) == 0:
            progress(cycle / cycles, _told(cycle, cycles, time.monotonic() - start))
        began = time.perf_counter()
        try:
            estimate = experiment.forecast(estimate)
            if not math.isfinite(before := experiment.rmse(estimate, truth)):
                break
            estimate = experiment.analyse(estimate, observations)
            rmse, scores, balance = experiment.assess(estimate, truth)
        except (FloatingPointError, np.linalg.LinAlgError):  # a covariance that is none any more, or nearly infinite
            break
        except InvalidInput:  # only an estimate that is lost can make invalid what the first cycle took
            if not cycle:
                raise
            break
        series[cycle] = before, rmse, scores.rmse, scores.spread, scores.crps, *(balance or UNKNOWN)
        if scores.ranks is not None:
            ranks = np.zeros_like(scores.ranks) if ranks is None else ranks
            ranks += scores.ranks * (cycle >= experiment.burn_in)
        seconds += time.perf_counter() - began
    return _twin(series, ranks, seconds, experiment)


def _twin(series: Array, ranks: NDArray[np.int64] | None, seconds: float, experiment: Experiment[E]) -> Twin:
    scored = series[experiment.burn_in :]
    mean = {name: float(scored[name].mean()) for name in SERIES.names}
    of_spread, of_members = (math.sqrt(np.mean(scored[name] ** 2)) for name in ("spread", "members"))
    balance = Balance(*(mean[name] for name in Balance._fields))
    return Twin(
        rmse_analysis=mean["analysis"],
        rmse_forecast=mean["forecast"],
        spread=mean["spread"],
        crps=mean["crps"],
        spread_skill=spread_skill(of_spread, of_members, math.inf if ranks is None else len(ranks) - 1),
        balance=balance if math.isfinite(balance.physics) else None,
        seconds=seconds,
        diverged=divergence(series, experiment),
        ranks=ranks,
    )


def divergence(series: Array, experiment: Experiment[E]) -> int | None:
    """The first cycle that is not finite, or the first scored one with which a window of bad ones begins."""
    finite = np.logical_and.reduce([np.isfinite(series[name]) for name in ESTIMATE])
    if not finite.all():
        return int(np.argmin(finite))
    error = series["analysis"][experiment.burn_in :]
    window = min(experiment.patience, len(error))
    smooth = np.convolve(error, np.full(window, 1 / window), mode="valid")
    bad = smooth > DIVERGENCE_EXCESS * experiment.climate
    return experiment.burn_in + int(np.argmax(bad)) if bad.any() else None


def _told(done: int, of: int, seconds: float) -> str:
    """How far it is, and how much longer it takes if it goes on like this."""
    left = f", about {math.ceil(seconds * (of - done) / done / 60)} min left" if done and seconds > 10 else ""
    return f"cycle {done + 1} of {of}{left}"
