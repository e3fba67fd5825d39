"""Held-out cases of the atmosphere: truths that no weights have seen, and what a forecaster would know of them.

Several runs go on from states of the test runs, off which a little noise leads them on ways of their own. Each is
observed every 48 hours and followed by a cycle of 3D-Var: the forecast from its analysis is the next background. Every
third time is a case, six days after the one before. The members of a case are forecasts from draws around the analysis
48 hours ago, moved so that their mean is the background, for all methods begin with the same state, and stretched.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from importlib import resources
from itertools import count

import numpy as np
from numpy.typing import NDArray

from tellurion_assimilation.background_errors import ZonalErrors
from tellurion_assimilation.observations import Observations
from tellurion_assimilation.systems.atmosphere import Atmosphere, Layout
from tellurion_assimilation.systems.atmosphere.columns import Columns, check_observed
from tellurion_assimilation.variational_columns import Gain
from tellurion_core.errors import Cancelled
from tellurion_core.predictor import CancelCheck

States = NDArray[np.float32]

HOURS = 48
"""From an analysis to the next background."""
EVERY = 3
"""Analyses from one case to the next."""
NOISE = 1.0
"""K, of what leads a run off the one that it starts from."""
APART = 40 * 24
"""Hours until nothing is left of what the run started from."""
STRETCH = 0.7
"""Factor of the members' departures from their mean, by `training.filter` on the validation run: LETKF's mean is best
with 0.6 of those that were tried, and its spread wants more."""
SETTLING = 10
"""Analyses before the first case: each run begins with another one's state as its background."""


@dataclass(frozen=True, eq=False)
class HeldOut:
    """A case."""

    run: int
    truth: States
    """[C, Y, X]."""
    later: States
    """[C, Y, X] the truth 48 hours later."""
    background: States
    """[C, Y, X]."""
    ensemble: States
    """[N, C, Y, X], of the background as its mean."""
    observations: Observations


def held_out(
    atmosphere: Atmosphere,
    errors: ZonalErrors,
    *,
    observed: float,
    cases: int,
    members: int,
    seed: int,
    begin: States | None = None,
    cancelled: CancelCheck = lambda: False,
) -> Iterator[HeldOut]:
    """So many cases, in order of time and run by run, of which `observed` of the cells are seen.

    Runs go on from the states `begin` [R, C, Y, X], by default the shipped ones of the test runs. Held in memory are a
    few states of each run, and a case's members. A case costs three analyses, and a forecast of 6 days and one of 2
    days for each member. Raises InvalidInput for less than one cell observed; Cancelled.
    """
    layout, rng = atmosphere.layout, np.random.default_rng([seed, 1])
    check_observed(observed, layout)
    if cancelled():
        raise Cancelled("the comparison was cancelled")
    truth = apart(atmosphere, starts(layout) if begin is None else begin, rng)
    background = np.roll(truth, 1, axis=0)
    around: list[States] = []
    for time in count():
        if cancelled():
            raise Cancelled("the comparison was cancelled")
        seen = [Columns.of(state, layout, observed, rng) for state in truth]
        later = atmosphere.forecast(truth, HOURS)
        for run, (drawn, columns) in enumerate(zip(around, seen, strict=False)):
            ensemble = atmosphere.forecast(drawn, HOURS)
            ensemble = background[run] + np.float32(STRETCH) * (ensemble - ensemble.mean(axis=0))
            yield HeldOut(run, truth[run], later[run], background[run], ensemble, columns.observations())
            if not (cases := cases - 1):
                return
        case_next = time >= SETTLING and (time - SETTLING) % EVERY == 0
        analyses, around = np.empty_like(background), []
        for run, columns in enumerate(seen):
            gain = Gain.of(columns, errors)
            analyses[run] = gain.analysis(background[run])
            if case_next:
                around.append(gain.draws(background[run], members, rng))
            del gain  # the next one takes as much memory
        truth, background = later, atmosphere.forecast(analyses, HOURS)


def starts(layout: Layout) -> States:
    """[R, C, Y, X] states of the test runs after their spin-up, those that are shipped.

    Raises InvalidInput for another layout than theirs.
    """
    with resources.files("tellurion_assimilation").joinpath("data", "starts.npz").open("rb") as file:
        packed = np.load(file)
        states = (packed["offset"][:, None, None] + packed["step"][:, None, None] * packed["states"]).astype(np.float32)
    layout.check(states, "starts")
    return states


def apart(atmosphere: Atmosphere, states: States, rng: np.random.Generator) -> States:
    """Where states [R, C, Y, X] are when a little noise has led them on ways of their own."""
    noise = np.zeros_like(states)
    levels = atmosphere.layout.levels
    noise[:, 2 * levels : 3 * levels] = NOISE * rng.standard_normal(noise[:, 2 * levels : 3 * levels].shape)
    return atmosphere.forecast(states + noise, APART)
