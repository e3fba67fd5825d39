"""Methods side by side on real winds: analyses of held-out months from few observations and the month before."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cache, cached_property, partial
from importlib import resources
from itertools import pairwise
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray

from tellurion_assimilation.catalogue import VARIATIONAL
from tellurion_assimilation.gaussian_prior import GaussianPrior
from tellurion_assimilation.guidance import analyse
from tellurion_assimilation.paired import Cases
from tellurion_assimilation.scores import assess
from tellurion_assimilation.systems.winds import ERROR, Stations, Winds
from tellurion_assimilation.wind_background import SampledErrors, WindBackground
from tellurion_assimilation.wind_oi import WindCorrelation, WindOI
from tellurion_core.errors import Cancelled, NotFound
from tellurion_core.predictor import CancelCheck
from tellurion_core.progress import Progress

Array = NDArray[np.float64]

AUTOENCODER_FILE, PRIOR_FILE = "winds-autoencoder.safetensors", "winds-prior.safetensors"
CORRELATION = WindCorrelation(length=800.0, divergent=0.15)
"""Of optimal interpolation: the best on the last 20 training months (`training.wind_oi`)."""
LASTING: Mapping[str, float | None] = {"climatology": 0.0, "persistence": 1.0, "damped_persistence": None}
"""By forecast, the share of the month before's departure that it takes to last; None where it is learned."""
MEMBERS = 16


@cache
def wind_prior() -> GaussianPrior:
    """That of weights/. Raises NotFound where this distribution came without it."""
    with resources.as_file(resources.files("tellurion_assimilation").joinpath("weights")) as folder:
        try:
            return GaussianPrior.load(folder / PRIOR_FILE, folder / AUTOENCODER_FILE)
        except FileNotFoundError as error:
            raise NotFound(f"this distribution came without the weights {Path(error.filename).name}") from error


def compare_winds(
    methods: Sequence[str],
    months: Winds,
    *,
    background: WindBackground,
    prior: GaussianPrior | None = None,
    observed: float,
    seed: int,
    correlation: WindCorrelation = CORRELATION,
    members: int = MEMBERS,
    cancelled: CancelCheck = lambda: False,
    progress: Progress = lambda fraction, message: None,
) -> Cases:
    """Analyses by these methods of all months but the first, of which `observed` of the cells are seen.

    The first month is only known; the prior is that of weights/ where none is given. Raises InvalidInput where no cell
    is seen; Cancelled soon after `cancelled()`.
    """
    analyst = _Analyst(background, prior, correlation, members)
    departures = months.anomalies(background.climatology)
    components: dict[str, list[Mapping[str, float]]] = {name: [] for name in methods}
    spent = dict.fromkeys(methods, 0.0)
    for number, (before, truth) in enumerate(pairwise(departures)):
        rng = np.random.default_rng([seed, number])
        stations = Stations.drawn(months, observed, rng)
        exact = stations.of(truth)
        values = exact + ERROR * rng.standard_normal(exact.shape)
        for done, name in enumerate(methods):
            if cancelled():
                raise Cancelled("the comparison was cancelled")
            progress((number + done / len(methods)) / (len(months) - 1), f"{months.months[number + 1]}: {name}")
            started = time.perf_counter()
            analysis = analyst.analysis(name, before, stations, values, seed * len(months) + number, cancelled)
            spent[name] += time.perf_counter() - started
            components[name].append(_components(analysis, truth, months.area))
    cases = len(months) - 1
    arrays = {
        name: {part: np.array([each[part] for each in found]) for part in found[0]}
        for name, found in components.items()
    }
    return Cases(arrays, ["winds"] * cases, {name: seconds / cases for name, seconds in spent.items()})


@dataclass(frozen=True, eq=False)
class _Analysis:
    mean: NDArray[np.floating]
    """[2, Y, X] departures from the climatology, m/s, as all states here."""
    members: NDArray[np.floating]
    """[N, 2, Y, X]."""


@dataclass(frozen=True, eq=False)
class _Analyst:
    background: WindBackground
    prior: GaussianPrior | None
    correlation: WindCorrelation
    members: int

    def analysis(
        self, name: str, before: Array, stations: Stations, values: Array, seed: int, cancelled: CancelCheck
    ) -> _Analysis:
        """By the named method."""
        rng = np.random.default_rng(seed)
        if name in LASTING:
            return self._forecast(before, LASTING[name], rng)
        if name == "oi":
            forecast = self._forecast(before, None, rng)
            perturbed = values + ERROR * rng.standard_normal((self.members, *values.shape))
            states = np.concatenate([forecast.mean[None], forecast.members])
            mean, *members = self._oi.analyses(states, stations, np.concatenate([values[None], perturbed]))
            return _Analysis(mean, np.stack(members))
        scale = self.background.scale
        guided = partial(
            analyse,
            background=(self.background.lasting * before / scale).astype(np.float32),
            observations=stations.observations(values, scale),
            errors=self._errors,
            members=self.members,
            seed=seed,
            cancelled=cancelled,
        )
        found = guided(self._white, steps=1) if name == VARIATIONAL else guided(self._learned)
        return _Analysis(*(scale * each for each in found))

    def _forecast(self, before: Array, lasting: float | None, rng: np.random.Generator) -> _Analysis:
        """With members that are off by what such forecasts of training months were off by, either way."""
        mean = (self.background.lasting if lasting is None else lasting) * before
        errors = self.background.errors(lasting)
        drawn = errors[rng.choice(len(errors), self.members, replace=False)]
        return _Analysis(mean, mean + rng.choice([-1.0, 1.0], (self.members, 1, 1, 1)) * drawn)

    @cached_property
    def _learned(self) -> GaussianPrior:
        return self.prior or wind_prior()

    @cached_property
    def _white(self) -> GaussianPrior:
        """Under which `dps` is 3D-Var."""
        return replace(self._learned, excess=torch.zeros_like(self._learned.excess))

    @cached_property
    def _errors(self) -> SampledErrors:
        errors = self.background.errors() / self.background.scale
        return SampledErrors(errors.reshape(len(errors), -1))

    @cached_property
    def _oi(self) -> WindOI:
        winds = self.background.winds
        return WindOI(self.correlation, winds.latitude, winds.longitude, self.background.scale)


def _components(analysis: _Analysis, truth: Array, area: Array) -> Mapping[str, float]:
    """Scores by area, in m/s."""
    channels, _, width = truth.shape
    weights = np.broadcast_to(area[:, None] / (channels * width), truth.shape).ravel()
    count = len(analysis.members)
    scores = assess(analysis.members.reshape(count, -1).astype(np.float64), truth.ravel(), weights)
    eastward, northward = ((analysis.mean - truth) ** 2).mean(axis=2) @ area
    return {
        "square": (eastward + northward) / 2,
        "square_eastward": eastward,
        "square_northward": northward,
        "square_member": float(((analysis.members - truth) ** 2).mean(axis=(0, 1, 3)) @ area),
        "square_members": scores.rmse**2,
        "variance": scores.spread**2 * (count + 1) / count,
        "crps": scores.crps,
    }
