"""Samplers: from noise to a field, down the levels of a schedule, one denoiser evaluation a step.

All take a state x [B, …] that starts as a draw η ~ N(0, C) and step from each level to the next; the last step returns
the denoised estimate itself. For a step from σ to the next, smaller σ′, with s, n the signal and noise of σ and s′, n′
those of σ′, DDPM's variance of the step is β = 1 − s²/s′².
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Literal

import torch
from torch import Tensor

from tellurion_core.errors import InvalidInput
from tellurion_diffusion.denoisers import Denoiser
from tellurion_diffusion.guidance import Guidance
from tellurion_diffusion.schedules import levels

NoiseSource = Callable[[int], Tensor]
"""Gives a fresh η ~ N(0, C) of the state's shape for a step by its number, from a generator that the caller holds."""
OnStep = Callable[[int, int], None]
"""Is told (done, total) after each step; what it raises, such as `Cancelled`, ends the sampling."""


@torch.no_grad()
def ancestral(
    denoise: Denoiser,
    x: Tensor,
    sigmas: Tensor,
    *,
    noise: NoiseSource | None = None,
    guidance: Guidance | None = None,
    on_step: OnStep | None = None,
    variance: Literal["large", "small"] = "large",
    step_noise: bool = True,
) -> Tensor:
    """DDPM's ancestral sampling (Ho et al. 2020, algorithm 2), x̂₀ [B, …].

    x′ = s′ β/n² · x̂₀ + (s/s′) n′²/n² · x + √v η, where v is β (`large`, exact for x₀ ~ N(0, C)) or β n′²/n²
    (`small`, exact for a single x₀).

    `step_noise=False` leaves √v η out, as the released ReconMOST's README run does. That is a mode seeker, not a
    sampler: what it returns has far too little variance and no spread to speak of.

    Raises InvalidInput for levels that are not decreasing, or when there is step noise and no source of it.
    """
    if variance not in ("large", "small"):
        raise InvalidInput.of("variance", received=variance, accepted="large or small")
    draw = _source(noise, needed=step_noise)
    for step in _steps(sigmas):
        estimate = _estimate(denoise, x, step, guidance)
        if not step.last:
            mean = step.s_next * step.beta / step.n**2 * estimate
            mean = mean + step.s / step.s_next * (step.n_next / step.n) ** 2 * x
            spread = step.beta if variance == "large" else step.beta * (step.n_next / step.n) ** 2
            x = mean + math.sqrt(spread) * draw(step.index) if step_noise else mean
        _told(on_step, step)
    return estimate


@torch.no_grad()
def ddim(
    denoise: Denoiser,
    x: Tensor,
    sigmas: Tensor,
    *,
    noise: NoiseSource | None = None,
    guidance: Guidance | None = None,
    on_step: OnStep | None = None,
    eta: float = 0.0,
) -> Tensor:
    """DDIM (Song et al. 2021, eq. 12), x̂₀ [B, …]; of first order in the steps.

    x′ = s′ x̂₀ + √(n′² − v) ε̂ + √v η with ε̂ = (x − s x̂₀)/n and v = eta² β n′²/n²: the probability-flow ODE for eta 0,
    `ancestral` with the small variance for 1.

    Raises InvalidInput for levels that are not decreasing, eta outside [0, 1], or eta > 0 without a source of noise.
    """
    if not 0 <= eta <= 1:
        raise InvalidInput.of("eta", received=eta, accepted="a number in [0, 1]")
    draw = _source(noise, needed=eta > 0)
    for step in _steps(sigmas):
        estimate = _estimate(denoise, x, step, guidance)
        if not step.last:
            spread = eta**2 * step.beta * (step.n_next / step.n) ** 2
            residual = (x - step.s * estimate) / step.n
            x = step.s_next * estimate + math.sqrt(step.n_next**2 - spread) * residual
            if eta > 0:
                x = x + math.sqrt(spread) * draw(step.index)
        _told(on_step, step)
    return estimate


@torch.no_grad()
def multistep(
    denoise: Denoiser,
    x: Tensor,
    sigmas: Tensor,
    *,
    noise: NoiseSource | None = None,
    guidance: Guidance | None = None,
    on_step: OnStep | None = None,
) -> Tensor:
    """DPM-Solver++(2M) (Lu et al. 2022, algorithm 2), x̂₀ [B, …]; of second order in the steps.

    With h = log(σ/σ′) and h₋ that of the step before,
    x′ = (n′/n) x + s′ (1 − e⁻ʰ) D, D = x̂₀ + h/(2 h₋) (x̂₀ − x̂₀ of the step before); the first step has D = x̂₀.

    It is deterministic: `noise` is there so that every sampler is called alike, and is never asked.

    Raises InvalidInput for levels that are not decreasing.
    """
    before: Tensor | None = None
    h_before = 1.0
    for step in _steps(sigmas):
        estimate = _estimate(denoise, x, step, guidance)
        if not step.last:
            h = math.log(step.sigma / step.sigma_next)
            ahead = estimate if before is None else estimate + h / (2 * h_before) * (estimate - before)
            x = step.n_next / step.n * x - step.s_next * math.expm1(-h) * ahead
            before, h_before = estimate, h
        _told(on_step, step)
    return estimate


@dataclass(frozen=True)
class _Step:
    index: int
    total: int
    sigma: float
    sigma_next: float
    """Zero in the last step."""

    @property
    def last(self) -> bool:
        return self.index == self.total - 1

    @property
    def s(self) -> float:
        return 1 / math.hypot(1, self.sigma)

    @property
    def n(self) -> float:
        return self.sigma / math.hypot(1, self.sigma)

    @property
    def s_next(self) -> float:
        return 1 / math.hypot(1, self.sigma_next)

    @property
    def n_next(self) -> float:
        return self.sigma_next / math.hypot(1, self.sigma_next)

    @property
    def beta(self) -> float:
        # 1 − s²/s′², written so that close levels lose no digits.
        return (self.sigma - self.sigma_next) * (self.sigma + self.sigma_next) / (1 + self.sigma**2)


def _steps(sigmas: Tensor) -> Iterator[_Step]:
    values = levels(sigmas)
    for index, (sigma, after) in enumerate(zip(values, [*values[1:], 0.0], strict=True)):
        yield _Step(index, len(values), sigma, after)


def _estimate(denoise: Denoiser, x: Tensor, step: _Step, guidance: Guidance | None) -> Tensor:
    sigma = level_of(x, step.sigma)
    return denoise(x, sigma) if guidance is None else guidance(denoise, x, sigma, level_of(x, step.sigma_next))


def level_of(x: Tensor, sigma: float) -> Tensor:
    """σ as a scalar where the state x is, in its precision but never below float32."""
    return torch.tensor(sigma, dtype=torch.promote_types(x.dtype, torch.float32), device=x.device)


def _source(noise: NoiseSource | None, *, needed: bool) -> NoiseSource:
    if noise is not None:
        return noise
    if needed:
        raise InvalidInput.of("noise", received=None, accepted="a source of noise: this sampler adds some in each step")
    return _no_noise


def _no_noise(index: int) -> Tensor:
    raise AssertionError(f"noise asked for in step {index} of a deterministic sampler")


def _told(on_step: OnStep | None, step: _Step) -> None:
    if on_step is not None:
        on_step(step.index + 1, step.total)
