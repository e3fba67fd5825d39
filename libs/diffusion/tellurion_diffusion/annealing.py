"""Annealed posterior sampling: condition a draw at every level, and let the noise in between mix the rest."""

from __future__ import annotations

import math
from collections.abc import Callable

import torch
from torch import Tensor

from tellurion_diffusion.denoisers import Denoiser
from tellurion_diffusion.samplers import NoiseSource, OnStep, level_of
from tellurion_diffusion.schedules import levels


@torch.no_grad()
def anneal(
    denoise: Denoiser,
    sigmas: Tensor,
    *,
    noise: NoiseSource,
    condition: Callable[[Tensor], Tensor],
    on_step: OnStep | None = None,
) -> Tensor:
    """Draws [B, S] from the posterior of flat states, by decoupled annealing (Zhang et al. 2024).

    From x = η, at each level σ with signal s and noise n, s′ and n′ those of the next,

        draw = D(x, σ) + n η′          x₀ given x, with the covariance n²C of the Gaussian N(0, C)
        conditioned = condition(draw)  x₀ given x and the observations
        x = s′ conditioned + n′ η″

    and the last `conditioned` is returned. `condition` is Matheron's update of the Gaussian N(0, C), a linear map that
    does not depend on σ when the state holds the observations' errors, or the observed values, beside the field, so
    that they are diffused with it: u + C Hᵀ(H C Hᵀ)⁻¹(y − H u).

    For data that are N(0, C) it is exact with any levels, one too. For others the covariance n²C is an approximation
    that is exact as σ → 0, and later levels correct what earlier ones left: the answer tends to the posterior as levels
    grow in number and reach low enough.

    `noise(k)` gives η ~ N(0, C) [B, S]: k = 0 is the start, 2i + 1 the draw at level i, 2i + 2 the way to the next; the
    last level needs only the former. `on_step` is told (done, total) after each level.

    Raises InvalidInput for levels that are not decreasing.
    """
    values = levels(sigmas)
    x = noise(0)
    for index, sigma in enumerate(values):
        estimate = denoise(x, level_of(x, sigma))
        conditioned = condition(estimate + sigma / math.hypot(1, sigma) * noise(2 * index + 1))
        if index + 1 < len(values):
            after = values[index + 1]
            x = (conditioned + after * noise(2 * index + 2)) / math.hypot(1, after)
        if on_step is not None:
            on_step(index + 1, len(values))
    return conditioned
