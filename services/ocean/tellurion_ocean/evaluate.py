"""The experiment: observe a month of the atlas sparsely, analyse it, and score the analysis where nothing was observed.

February and August are analysed with a prior of the ten other months; a training month, with a prior of the other nine;
but the shipped network has learned from all ten, so the learned methods are only judged on February and August.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass

import numpy as np
from numpy.typing import NDArray

from tellurion_core.errors import InvalidInput
from tellurion_core.predictor import CancelCheck
from tellurion_core.progress import Progress
from tellurion_geo import area_weights
from tellurion_ocean import scores
from tellurion_ocean.analysis import Analysis
from tellurion_ocean.atlas import EVALUATION_MONTHS, evaluation_atlas, training_atlas
from tellurion_ocean.cancellation import never, silent
from tellurion_ocean.methods import COMPARED, analyse
from tellurion_ocean.observations import DEFAULT_UNCERTAINTY, Observations, quality_control
from tellurion_ocean.prior import Hyperparameters, Prior

OBSERVED = 0.075
"""Share of the wet cells of every level that is observed when nothing else is said."""


@dataclass(frozen=True, eq=False)
class Experiment:
    """A truth, what is observed of it, and a prior that has never seen it."""

    prior: Prior
    month: int
    truth: NDArray[np.float64]
    """[Z, Y, X] °C, land NaN."""
    observed: NDArray[np.bool_]
    """[Z, Y, X] cells that are observed."""
    observations: Observations


def experiment(
    month: int,
    *,
    observed: float = OBSERVED,
    profiles: int | None = None,
    noise: float = 0.0,
    seed: int = 0,
    hyperparameters: Hyperparameters | None = None,
) -> Experiment:
    """One month of the atlas observed at `observed` of every level's wet cells, or along `profiles` whole columns.

    `noise`, °C, is the standard deviation of a random error that is added to the observations; they state at least
    DEFAULT_UNCERTAINTY. Raises InvalidInput.
    """
    if not 1 <= month <= 12:
        raise InvalidInput.of("month", received=month, accepted="1…12")
    if not 0 < observed < 1:
        raise InvalidInput.of("observed", received=observed, accepted="a share of the wet cells, above 0 and below 1")
    if not (np.isfinite(noise) and noise >= 0):
        raise InvalidInput.of("noise", received=noise, accepted="finite °C, not negative")
    if seed < 0:
        raise InvalidInput.of("seed", received=seed, accepted="an integer of at least 0")
    training = training_atlas()
    truth = (evaluation_atlas() if month in EVALUATION_MONTHS else training).of(month).astype(np.float64)
    basis = training.without(month)
    prior = Prior.fit(basis.temperature, basis.months, basis.grid, hyperparameters or Hyperparameters.shipped())
    columns = np.count_nonzero(prior.wet[0])
    if profiles is not None and not 1 <= profiles <= columns:
        raise InvalidInput.of("profiles", received=profiles, accepted=f"1…{columns} columns")
    rng = np.random.default_rng(seed)
    mask = draw_cells(prior.wet, observed, rng) if profiles is None else draw_profiles(prior.wet, profiles, rng)
    z, y, x = np.nonzero(mask)
    readings = truth[mask] + noise * rng.standard_normal(len(z))
    uncertainty = max(noise, DEFAULT_UNCERTAINTY)
    places = prior.grid.lat[y], prior.grid.lon[x], prior.grid.depth[z]
    return Experiment(prior, month, truth, mask, Observations.of(*places, readings, uncertainty))


def draw_cells(wet: NDArray[np.bool_], share: float, rng: np.random.Generator) -> NDArray[np.bool_]:
    """[Z, Y, X] the same share of every level's wet cells, drawn independently level by level."""
    observed = np.zeros_like(wet)
    for level, chosen in zip(wet, observed, strict=True):
        cells = np.flatnonzero(level)
        chosen.flat[rng.choice(cells, round(share * len(cells)), replace=False)] = True
    return observed


def draw_profiles(wet: NDArray[np.bool_], count: int, rng: np.random.Generator) -> NDArray[np.bool_]:
    """[Z, Y, X] whole columns, from the surface down to the sea floor or the deepest level."""
    columns = np.zeros(wet[0].size, dtype=bool)
    columns[rng.choice(np.flatnonzero(wet[0]), count, replace=False)] = True
    return wet & columns.reshape(wet[0].shape)


def evaluate(
    month: int,
    *,
    methods: Sequence[str] = COMPARED,
    observed: float = OBSERVED,
    profiles: int | None = None,
    noise: float = 0.0,
    seed: int = 0,
    members: int = 8,
    cancelled: CancelCheck = never,
    progress: Progress = silent,
) -> dict[str, dict[str, object]]:
    """Scores by method, as `experiment` draws and `score` counts them. Raises as `experiment` and `analyse` do."""
    trial = experiment(month, observed=observed, profiles=profiles, noise=noise, seed=seed)
    accepted, _ = quality_control(trial.observations, trial.prior, month)
    table: dict[str, dict[str, object]] = {}
    for done, method in enumerate(methods):

        def report(fraction: float, message: str, *, done: int = done, method: str = method) -> None:
            progress((done + fraction) / len(methods), f"{method}: {message}")

        start = time.perf_counter()
        result = analyse(
            method, trial.prior, accepted, month, members=members, seed=seed, cancelled=cancelled, progress=report
        )
        seconds = time.perf_counter() - start
        table[method] = score(trial, result, seed=seed) | {"seconds": seconds}
    return table


def score(trial: Experiment, result: Analysis, *, seed: int = 0) -> dict[str, object]:
    """The scores of one analysis; what is not said otherwise is over the unobserved wet cells.

    `masked` and `all_cells` in °C² as `tellurion_ocean.scores` defines them; `spread_skill` from the stated standard
    deviation, `spread_skill_members` from the members' variance and the error of their own mean, NaN for fewer than
    two; `crps` in °C, the fair form when there are members, else that of the stated normal distribution. `seed` is the
    bootstrap's.
    """
    prior, wet = trial.prior, trial.prior.wet
    hidden = wet & ~trial.observed
    squared = (result.mean - trial.truth) ** 2
    truth, mean, std = trial.truth[hidden], result.mean[hidden], result.std[hidden]
    members = result.members[:, hidden]
    year = prior.to_field(np.sum(prior.coefficients[1:] ** 2, axis=0) / 2)  # a harmonic varies by half its square
    _, y, x = np.nonzero(hidden)
    low, high = scores.bootstrap_interval(
        squared[hidden], prior.grid.lat[y], prior.grid.lon[x], np.random.default_rng(seed)
    )
    gaussian = scores.gaussian_crps(mean, std, truth)
    several = len(members) > 1
    return {
        "masked": asdict(scores.masked_error(squared, trial.observed, wet)),
        "all_cells": asdict(scores.all_cells_error(squared, trial.observed, wet)),
        "spread_skill": scores.spread_skill(std**2, squared[hidden]),
        "spread_skill_members": scores.ensemble_spread_skill(members, truth),
        "crps": scores.fair_crps(members, truth) if several else gaussian,
        "crps_gaussian": gaussian,
        "reconstruction_interval": [low, high],
        "area_weighted": scores.weighted_mean(squared, hidden, area_weights(prior.grid)),
        "level_normalised": scores.level_normalised_mean(squared, hidden, np.nanmean(year, axis=(1, 2))),
    }
