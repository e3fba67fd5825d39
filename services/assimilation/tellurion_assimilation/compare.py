"""Methods side by side on held-out cases of the atmosphere: their analyses, and the forecasts that start from these."""

from __future__ import annotations

import math
import time
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tellurion_assimilation.analysis import Analysis, Case, analyse
from tellurion_assimilation.background_errors import ZonalErrors
from tellurion_assimilation.catalogue import LEARNED, MEMBERS, RADIUS
from tellurion_assimilation.held_out import HOURS, HeldOut, held_out
from tellurion_assimilation.judge import Judge
from tellurion_assimilation.paired import COMPONENTS, Cases
from tellurion_assimilation.prior import Prior
from tellurion_assimilation.systems.atmosphere import Atmosphere
from tellurion_core.errors import Cancelled
from tellurion_core.predictor import CancelCheck
from tellurion_core.progress import Progress
from tellurion_geo import SigmaGrid

Array = NDArray[np.float64]

FILTER_MEMBERS = 20
"""Of an ensemble method; others draw their members from what they know."""
FILTER_OPTIONS: Mapping[str, Mapping[str, Any]] = {"letkf": {"localization": RADIUS}}


def compare(
    methods: Sequence[str],
    *,
    atmosphere: Atmosphere,
    errors: ZonalErrors,
    scale: Array,  # [C] standard deviations of the climate
    observed: float,
    cases: int,
    seed: int,
    members: int = MEMBERS,
    cancelled: CancelCheck = lambda: False,
    progress: Progress = lambda fraction, message: None,
) -> Cases:
    """Analyses by these methods of so many held-out cases, of which `observed` of the cells are seen.

    Raises InvalidInput for what `held_out` refuses; Cancelled soon after `cancelled()`.
    """
    layout = atmosphere.layout
    grid = SigmaGrid(layout.sigma, layout.latitude, layout.longitude)
    judge = Judge(layout, scale)
    components: dict[str, list[Mapping[str, float]]] = {name: [] for name in methods}
    spent = dict.fromkeys(methods, 0.0)
    runs = []
    progress(0.0, "the runs go their own ways")
    known = held_out(
        atmosphere, errors, observed=observed, cases=cases, members=FILTER_MEMBERS, seed=seed, cancelled=cancelled
    )
    for number, one in enumerate(known):
        case = Case.of(grid, one.background, one.ensemble, one.observations)
        analyses = []
        for name in methods:
            if cancelled():
                raise Cancelled("the comparison was cancelled")
            progress((number + len(analyses) / len(methods)) / cases, f"case {number + 1} of {cases}: {name}")
            started = time.perf_counter()
            analyses.append(
                analyse(
                    name,
                    case,
                    members=members,
                    seed=seed + number,
                    options=FILTER_OPTIONS.get(name, {}),
                    errors=errors,
                    prior=Prior.shipped(LEARNED[name][1]) if name in LEARNED else None,
                    cancelled=cancelled,
                    progress=lambda fraction, message: None,
                )
            )
            spent[name] += time.perf_counter() - started
        for name, found in zip(methods, _components(one, analyses, atmosphere, judge), strict=True):
            components[name].append(found)
        runs.append(one.run)
    arrays = {
        name: {part: np.array([each[part] for each in found]) for part in COMPONENTS}
        for name, found in components.items()
    }
    return Cases(arrays, runs, {name: seconds / len(runs) for name, seconds in spent.items()})


def _components(
    one: HeldOut, analyses: Sequence[Analysis], atmosphere: Atmosphere, judge: Judge
) -> Iterator[Mapping[str, float]]:
    """Of each analysis of a case; their forecasts run together."""
    means = np.stack([each.mean for each in analyses]).reshape(-1, *atmosphere.layout.shape).astype(np.float32)
    for each, forecast in zip(analyses, atmosphere.forecast(means, HOURS), strict=True):
        scores, count = judge.assess(each.members, one.truth), len(each.members)
        balance = judge.balance(each.members, one.truth)
        yield {
            "square": judge.rmse(each.mean, one.truth) ** 2,
            "square_later": judge.rmse(forecast, one.later) ** 2,
            "square_member": scores.rmse**2 + scores.spread**2 * (count - 1) / count,
            "square_members": scores.rmse**2,
            "variance": scores.spread**2 * (count + 1) / count,
            "crps": scores.crps,
            "physics": math.nan if balance is None else balance.physics,
        }
