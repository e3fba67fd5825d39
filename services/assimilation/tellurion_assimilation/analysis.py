"""One analysis of a state of the atmosphere, by any method."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from math import prod
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from tellurion_assimilation.background_errors import ZonalErrors
from tellurion_assimilation.catalogue import LEARNED, VARIATIONAL
from tellurion_assimilation.localization import Sphere
from tellurion_assimilation.methods import build, needs
from tellurion_assimilation.methods.ensemble import EnsembleMethod, check_members, too_accurate
from tellurion_assimilation.methods.var3d import Var3D
from tellurion_assimilation.observations import Observations
from tellurion_assimilation.systems.atmosphere import Layout
from tellurion_core.errors import Cancelled, InvalidInput
from tellurion_core.predictor import CancelCheck
from tellurion_core.progress import Progress
from tellurion_geo import SigmaGrid

if TYPE_CHECKING:
    from tellurion_assimilation.prior import Prior

Array = NDArray[np.float64]

LARGEST = float(np.finfo(np.float32).max)
"""Of an analysis, which is told in single precision."""


@dataclass(frozen=True, eq=False)
class Case:
    """What is known before the analysis."""

    grid: SigmaGrid
    background: Array
    """[n] a state [C, Y, X] in C order."""
    ensemble: Array | None
    """[N, n] members around it."""
    observations: Observations

    @classmethod
    def of(
        cls,
        grid: SigmaGrid,
        background: NDArray[np.floating] | None,  # [C, Y, X]
        ensemble: NDArray[np.floating] | None,  # [N, C, Y, X]
        observations: Observations,
    ) -> Case:
        """With the ensemble's mean as the background where there is none, else the ensemble moved to the background.

        Raises InvalidInput for shapes that are not the grid's, values that are not finite, fewer members than two or
        only equal ones, or nothing at all.
        """
        if background is None and ensemble is None:
            raise InvalidInput.of("background", received="nothing", accepted="a background, an ensemble or both")
        if background is not None:
            _check(grid, background, "background")
        if ensemble is None:
            return cls(grid, background.astype(np.float64).ravel(), None, observations)
        _check(grid, ensemble, "ensemble")
        check_members(len(ensemble), prod(grid.shape), len(observations))
        members = ensemble.astype(np.float64).reshape(len(ensemble), -1)
        if not np.ptp(members, axis=0).any():
            raise InvalidInput.of("ensemble", received=f"{len(members)} times the same state", accepted="a spread")
        if background is None:
            return cls(grid, members.mean(axis=0), members, observations)
        centre = background.astype(np.float64).ravel()
        return cls(grid, centre, members + (centre - members.mean(axis=0)), observations)


@dataclass(frozen=True, eq=False)
class Analysis:
    """What is known after it."""

    mean: Array
    """[n] the best estimate."""
    members: Array
    """[K, n] equally likely states."""

    @cached_property
    def std(self) -> Array:
        """[n] one standard deviation of the error, as the members show it around their own mean."""
        return self.members.std(axis=0, ddof=1)


def analyse(
    method: str,
    case: Case,
    *,
    members: int,
    seed: int,
    options: Mapping[str, Any],
    errors: ZonalErrors | None = None,
    prior: Prior | None = None,
    cancelled: CancelCheck,
    progress: Progress,
) -> Analysis:
    """The analysis of a case by the named method, from `options` that it takes.

    A learned method wants a `prior`; it, 3D-Var, and an ensemble method without an ensemble, the covariance of the
    background's `errors`. Without observations the analysis is the background, with the members as they came or as the
    background's errors have them; of a learned method, its unguided samples. The same arguments give the same analysis.

    Raises:
        InvalidInput: fewer than two members, more than memory allows, or another grid than that of `errors` or `prior`;
            observations of which no analysis is finite.
        Cancelled: soon after `cancelled()` turns true.
    """
    check_members(members, case.background.size, len(case.observations))
    _stop_if(cancelled)
    try:
        with np.errstate(over="ignore", invalid="ignore", divide="ignore"):  # what comes of these is refused
            _check_innovations(case)
            if prior is not None:
                guidance = LEARNED[method][0]
                analysis = _sampled(guidance, case, prior, errors, members, seed, options, cancelled, progress)
            else:
                analysis = _classical(method, case, errors, members, seed, options, cancelled, progress)
            _check_held(analysis, case)
    except (FloatingPointError, np.linalg.LinAlgError) as error:
        raise too_accurate(case.observations) from error
    return analysis


def _classical(
    method: str,
    case: Case,
    errors: ZonalErrors | None,
    members: int,
    seed: int,
    options: Mapping[str, Any],
    cancelled: CancelCheck,
    progress: Progress,
) -> Analysis:
    rng = np.random.default_rng(np.random.SeedSequence(seed))
    if errors is not None:
        check_grid(case.grid, errors.layout)
    if method == VARIATIONAL and errors is not None:
        progress(0.0, "minimising")
        var3d = Var3D(errors)
        mean = var3d.analyse(case.background, case.observations)
        _stop_if(cancelled)
        progress(0.3, "sampling")
        return Analysis(mean, Var3D(errors.measured).sample(case.background, case.observations, members, rng))
    ensemble = case.ensemble
    if ensemble is None and errors is not None:
        progress(0.0, "drawing an ensemble")
        anomalies = errors.measured.root(rng.standard_normal((members, errors.control_size)))
        ensemble = case.background + (anomalies - anomalies.mean(axis=0))
    if ensemble is None:
        raise InvalidInput.of("ensemble", received="nothing", accepted=f"an ensemble, for method {method}")
    _stop_if(cancelled)
    progress(0.3, "transforming the ensemble")
    analysed = _filter(method, case.grid, options).assimilate(ensemble, case.observations, rng)
    return Analysis(analysed.mean(axis=0), analysed)


def check_grid(grid: SigmaGrid, layout: Layout) -> None:
    """Raises InvalidInput unless a grid is that of this layout."""
    if not grid.same(SigmaGrid(layout.sigma, layout.latitude, layout.longitude)):
        _, rows, columns = layout.shape
        accepted = (
            f"{layout.levels} levels of equal mass on the {rows} × {columns} Gaussian grid of T{layout.truncation}, "
            "those of the weights"
        )
        received = f"{grid.sigma.size} levels on {grid.shape[1]} × {grid.shape[2]} cells"
        if grid.shape == layout.shape:
            received += ", elsewhere"
        raise InvalidInput.of("grid", received=received, accepted=accepted)


def _filter(method: str, grid: SigmaGrid, options: Mapping[str, Any]) -> EnsembleMethod:
    latitude, longitude = np.meshgrid(grid.lat, grid.lon, indexing="ij")
    domain = Sphere(latitude.ravel(), longitude.ravel()) if needs(method, "domain") else None
    made = build(method, options, domain=domain)
    assert isinstance(made, EnsembleMethod)
    return made


def _sampled(
    guidance: str,
    case: Case,
    prior: Prior,
    errors: ZonalErrors | None,
    members: int,
    seed: int,
    options: Mapping[str, Any],
    cancelled: CancelCheck,
    progress: Progress,
) -> Analysis:
    from tellurion_assimilation.guidance import analyse as sample  # PyTorch takes seconds, and others do without it

    mean, sampled = sample(
        prior,
        case.background.astype(np.float32).reshape(case.grid.shape),
        case.observations,
        guidance,
        errors=errors.measured if errors is not None else None,
        members=members,
        seed=seed,
        cancelled=cancelled,
        progress=progress,
        **options,
    )
    return Analysis(mean.astype(np.float64).ravel(), sampled.astype(np.float64).reshape(members, -1))


def _check_innovations(case: Case) -> None:
    seen = case.observations
    innovations = (seen.values - seen.of(case.background)) / seen.errors
    if not np.isfinite(innovations @ innovations):
        raise too_accurate(seen)


def _check_held(analysis: Analysis, case: Case) -> None:
    states = (analysis.mean, analysis.std, analysis.members)
    if all(np.abs(each).max() <= LARGEST for each in states):
        return
    observations = case.observations
    received = (
        f"values up to {np.abs(observations.values).max(initial=0):g} with errors from"
        f" {observations.errors.min(initial=np.inf):g} on, beside a background up to {np.abs(case.background).max():g}"
    )
    accepted = f"values and errors whose analysis is finite in single precision, up to {LARGEST:.1g}"
    raise InvalidInput.of("observations", received=received, accepted=accepted)


def _check(grid: SigmaGrid, states: NDArray[np.floating], field: str) -> None:
    if states.shape[-3:] != grid.shape:
        c, y, x = grid.shape
        accepted = f"[{c}, {y}, {x}]: u, v and t on each of {grid.sigma.size} levels, and surface pressure"
        raise InvalidInput.of(field, received=f"shape {list(states.shape[-3:])}", accepted=accepted)
    if not np.isfinite(states).all():
        where = np.argwhere(~np.isfinite(states))[0]
        received = f"{states[tuple(where)]:g} in {grid.channels[where[-3]]}"
        raise InvalidInput.of(f"{field}[{', '.join(map(str, where))}]", received=received, accepted="finite values")


def _stop_if(cancelled: CancelCheck) -> None:
    if cancelled():
        raise Cancelled("the analysis was cancelled")
