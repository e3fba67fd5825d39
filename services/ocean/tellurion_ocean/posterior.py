"""Method `posterior`: an ensemble from a diffusion prior that knows more than its Gaussian anchor, given observations.

The diffusion adds noise of the anchor's own covariance C, not white noise: x = s z + n η with η ~ N(0, C), so that all
scales drown together and the anchor's denoiser is s x. A network adds what it has learned, D(x, σ) = s x + n net(x, σ).
From x = η, level after level, one draws z ~ N(D(x, σ), n²C), makes it a draw of the posterior by Matheron's rule,
z + G (y − (Hz + e)), and adds the next level's noise. The observations' errors e are diffused with the field, so that
one gain G serves all levels. With a correction of zero the members are those of `hybrid`, in law, whatever the levels.

The mean is not that of the members alone: each has a mirror image, which sees the same random numbers with the other
sign, so that whatever is linear, all of the Gaussian part above all, cancels between the two (antithetic variates).
Each has a Gaussian twin too, which sees the same random numbers and no network: the variance is that of the anchor
times the ratio of the members' to the twins' (a ratio estimator). Eight members alone would cost an eighth of skill.

Sources: Pidstrigach et al. (2023), Infinite-dimensional diffusion models, for noise of the prior's covariance; Zhang et
al. (2024), Improving diffusion inverse problem solving with decoupled noise annealing; Wilson et al. (2020) for
Matheron's rule.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from tellurion_core.predictor import CancelCheck
from tellurion_core.progress import Progress
from tellurion_diffusion import anneal, edm, noise, signal
from tellurion_ocean.analysis import Analysis
from tellurion_ocean.anchor import Anchor
from tellurion_ocean.cancellation import never, silent, stop_if
from tellurion_ocean.network import Correction, Network, check_finite
from tellurion_ocean.observations import Observations
from tellurion_ocean.prior import Prior, smoothed

STEPS = 12
"""Levels when nothing else is said, each with two network evaluations a member. Few leave something of the anchor: of a
field with f times its variance an exact network would give 1.07, 0.94 and 0.83 of the right variance for f = 0.5, 1.7
and 4 where nothing is observed."""
LARGEST, SMALLEST = 1.5, 0.2
"""σ of the first and the last level, chosen by that measure: 12 levels between 5 and 0.05 do as well as 7 here."""
LEAST_MEMBERS = 8
"""Members that the mean and its error are computed from, even where fewer are asked for."""
BATCH = 8
"""Members sampled at once."""
STEP_LIMIT = 1000
DRAWN_VALUES = 10_000_000
"""Values of noise drawn at once, for several steps: the waves that they are sums of are then computed once for all."""
MOST_AHEAD = 8
"""Steps that noise is drawn ahead for."""
SPREAD_SMOOTHING = 8.0
"""Degrees over which the ratio of variances is averaged."""
RATIOS = 0.25, 4.0
"""What the ratio of a few members' variances is trusted to be."""


def analyse(
    prior: Prior,
    observations: Observations,
    month: int,
    *,
    network: Network,
    steps: int = STEPS,
    members: int = 0,
    seed: int = 0,
    cancelled: CancelCheck = never,
    progress: Progress = silent,
) -> Analysis:
    """The posterior.

    Time grows with members · steps, with the cells, and little with the observations. Raises InvalidInput when the
    network has another grid than the prior.
    """
    anchor = Anchor.of(
        prior,
        observations,
        month,
        pattern_share=prior.hyperparameters.pattern_share,
        cancelled=cancelled,
        progress=lambda fraction: progress(0.2 * fraction, "the anchor's gain"),
    )
    correction = network.correction(prior, month, anchor.unit)
    sampler = Sampler(anchor, correction, steps, seed, cancelled)
    count = max(members, LEAST_MEMBERS)
    ensemble, mirrored, twins = np.empty((3, count, len(prior.std)), dtype=np.float32)
    for start in range(0, count, BATCH):
        chosen = range(start, min(start + BATCH, count))

        def report(fraction: float, start: int = start, size: int = len(chosen)) -> None:
            progress(0.2 + 0.8 * (start + size * fraction) / count, "sampling the posterior")

        rows = slice(chosen.start, chosen.stop)
        ensemble[rows], mirrored[rows], twins[rows] = sampler.run(chosen, report)
    pairs = (ensemble + mirrored) / 2
    check_finite(pairs, network)
    mean = np.mean(pairs, axis=0, dtype=np.float64)
    ratio = smoothed(ensemble.var(axis=0), prior.wet, prior.grid, SPREAD_SMOOTHING)
    ratio /= smoothed(twins.var(axis=0), prior.wet, prior.grid, SPREAD_SMOOTHING)
    variance = anchor.variance * np.clip(ratio, *RATIOS)
    variance += pairs.var(axis=0, ddof=1) / count  # of the mean, from so few members
    return Analysis.of_scaled(prior, month, mean, variance, ensemble[:members].T)


class Sampler:
    """Draws members, mirror images and twins; a state [3 B, P + N] is the field at the cells and what was read of it.

    The state is in units of the prior's std times the root of the anchor's amplitude, as the network was trained.
    """

    def __init__(self, anchor: Anchor, correction: Correction, steps: int, seed: int, cancelled: CancelCheck) -> None:
        self._anchor, self._correction, self._seed, self._cancelled = anchor, correction, seed, cancelled
        self._sigmas = edm(steps, LARGEST, SMALLEST)
        self._unit = anchor.unit
        self._cells = len(anchor.variance)
        self._drawn: dict[int, NDArray[np.float32]] = {}
        self._observed = (anchor.seen.values / self._unit).astype(np.float32)

    def run(self, members: range, report: Callable[[float], None]) -> NDArray[np.float32]:
        """The members, their mirror images and their twins, scaled anomalies [3, B, P]. Raises Cancelled."""

        def on_step(done: int, total: int) -> None:
            stop_if(self._cancelled)
            report(done / total)

        sampled = anneal(
            self._denoise,
            self._sigmas,
            noise=lambda draw: self._noise(members, draw),
            condition=self._condition,
            on_step=on_step,
        )
        return self._unit * sampled[:, : self._cells].numpy().reshape(3, len(members), -1)

    def _denoise(self, x: Tensor, sigma: Tensor, /) -> Tensor:
        """For the twins s x; for the others the correction besides, at the cells and in what is observed of them."""
        estimate = signal(sigma) * x
        members = 2 * len(x) // 3
        learned = noise(sigma) * self._correction(x[:members, : self._cells], float(sigma))
        estimate[:members, : self._cells] += learned
        estimate[:members, self._cells :] += torch.from_numpy((self._anchor.seen.operator @ learned.numpy().T).T)
        return estimate

    def _condition(self, draws: Tensor) -> Tensor:
        """Matheron's update."""
        values = draws.numpy()
        misfit = self._observed[:, None] - values[:, self._cells :].T
        values[:, : self._cells] += self._anchor.increment(misfit).T
        values[:, self._cells :] = self._observed
        return draws

    def _noise(self, members: range, step: int) -> Tensor:
        """η [3 B, P + N]: for the members, the other way round for the mirror images, and again for the twins."""
        if step not in self._drawn:
            steps = max(1, DRAWN_VALUES // (len(members) * (self._cells + len(self._observed))))
            ahead = range(step, min(step + min(steps, MOST_AHEAD), 2 * len(self._sigmas)))
            numbers = [2 * STEP_LIMIT * member + k for k in ahead for member in members]
            draws = self._anchor.draw(numbers, self._seed, cancelled=self._cancelled)
            states = np.concatenate([draws.at_cells, draws.observed]).T.astype(np.float32) / self._unit
            self._drawn = dict(zip(ahead, states.reshape(len(ahead), len(members), -1), strict=True))
        eta = self._drawn.pop(step)
        return torch.from_numpy(np.concatenate([eta, -eta, eta]))
