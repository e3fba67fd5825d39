"""Method `reconmost`: the released ReconMOST procedure, 1000 guided DDPM steps, with the network of `posterior`.

From noise, step after step down the linear β schedule, the mean of each DDPM step is pulled towards the observations:
β · scale · 2 S Hᵀ(y − H x̂₀), with S a 5 × 5 Gaussian on each level (the released option of a soft mask), and no noise
is added. It knows no observation error and seeks a mode, so that its members differ too little: it stands here to be
compared with. Departures from the release: the state is a scaled anomaly, the noise has the prior's covariance,
longitude is a ring; the README run has no soft mask, without which nothing but the network would carry an observation
to its neighbours here. x̂₀ is not clipped to [−1, 1] as in the release, where the scaling of °C puts every temperature
within: an anchored anomaly has no such bounds, and a third of a Gaussian lies beyond them. Source: the released code of
ReconMOST; Ho et al. (2020), algorithm 2.
"""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor

from tellurion_core.predictor import CancelCheck
from tellurion_core.progress import Progress
from tellurion_diffusion import Operator, ReconMOST, SoftMask, ancestral, linear_beta, noise, respaced, signal
from tellurion_ocean.analysis import Analysis
from tellurion_ocean.cancellation import never, silent, stop_if
from tellurion_ocean.departures import departures
from tellurion_ocean.network import Network, check_finite
from tellurion_ocean.observations import Observations
from tellurion_ocean.prior import Prior
from tellurion_ocean.samples import draw

STEPS = 1000
SCALE = 4.0
"""As in the released README run."""
LEAST_MEMBERS = 2
"""Members that the mean and its spread are computed from, even where fewer are asked for."""
BATCH = 8
"""Members sampled at once."""


def analyse(
    prior: Prior,
    observations: Observations,
    month: int,
    *,
    network: Network,
    steps: int = STEPS,
    scale: float = SCALE,
    soft_mask: bool = True,
    through_denoiser: bool = False,
    members: int = 0,
    seed: int = 0,
    cancelled: CancelCheck = never,
    progress: Progress = silent,
) -> Analysis:
    """The mean and the spread of the members; each costs `steps` network evaluations, twice through the denoiser.

    With fewer steps each has a larger β; the scale shrinks in proportion, so that a step pulls no harder than released.
    `soft_mask` spreads the pull to neighbours; `through_denoiser` takes the gradient in the noisy state instead.
    Raises InvalidInput when the network has another grid than the prior, or for steps outside 1…STEPS.
    """
    correction = network.correction(prior, month)
    seen = departures(prior, observations, month)
    hyper = prior.hyperparameters
    operator = seen.operator.astype(np.float32)
    wet = torch.from_numpy(prior.wet)
    soft = SoftMask(periodic=prior.grid.open_step is None)

    def denoise(x: Tensor, sigma: Tensor, /) -> Tensor:
        learned = correction.differentiable if torch.is_grad_enabled() else correction
        return signal(sigma) * x + noise(sigma) * learned(x, float(sigma))

    def spread(gradient: Tensor) -> Tensor:
        field = torch.zeros(len(gradient), *wet.shape, dtype=gradient.dtype)
        field[:, wet] = gradient
        return soft(field)[:, wet]

    guidance = ReconMOST(
        values=torch.from_numpy(seen.values.astype(np.float32)),
        observation=Operator(
            lambda x: torch.from_numpy((operator @ x.numpy().T).T),
            lambda v: torch.from_numpy((operator.T @ v.numpy().T).T),
        ),
        scale=scale * steps / STEPS,
        spread=spread if soft_mask else None,
        through_denoiser=through_denoiser,
    )
    sigmas = respaced(linear_beta(), steps)
    sampled = np.empty((max(members, LEAST_MEMBERS), len(prior.std)), np.float32)
    for start in range(0, len(sampled), BATCH):
        batch = range(start, min(start + BATCH, len(sampled)))

        def on_step(done: int, total: int, batch: range = batch) -> None:
            stop_if(cancelled)
            progress((batch.start + len(batch) * done / total) / len(sampled), "guided sampling")

        eta = draw(
            prior,
            seen,
            batch,
            seed,
            amplitude=1.0,
            residual_variance=hyper.residual_variance,
            pattern_share=hyper.pattern_share,
            cancelled=cancelled,
        ).at_cells.T.astype(np.float32)
        sampled[batch.start : batch.stop] = ancestral(
            denoise,
            torch.from_numpy(eta),
            sigmas,
            guidance=guidance,
            on_step=on_step,
            step_noise=False,
        ).numpy()
    check_finite(sampled, network)
    variance = (1 + 1 / len(sampled)) * sampled.var(axis=0, ddof=1)  # of the mean's error, were the members calibrated
    return Analysis.of_scaled(prior, month, sampled.mean(axis=0), variance, sampled[:members].T)
