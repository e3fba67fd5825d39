"""Samplers on Gaussians: the map that each must tend to is known, and so is the speed at which."""

from __future__ import annotations

import math
from collections.abc import Callable

import pytest
import torch
from torch import Tensor

from tellurion_core.errors import Cancelled, InvalidInput
from tellurion_diffusion import Denoiser, ancestral, ddim, edm, linear_beta, multistep, respaced

Gaussian = Callable[[Tensor], Denoiser]
VARIANCES = torch.tensor([0.04, 0.5, 1.0, 3.0], dtype=torch.float64)
SAMPLERS = [ancestral, ddim, multistep]


def even_in_log(count: int) -> Tensor:
    return torch.logspace(1, -2, count, dtype=torch.float64)


def flow(sigmas: Tensor) -> Tensor:
    """The probability-flow ODE from the first level to the last, x/s ∝ √(b + σ²), then the estimate there."""
    first, last = sigmas[0], sigmas[-1]
    scale = torch.sqrt((VARIANCES + last**2) / (VARIANCES + first**2) * (1 + first**2) / (1 + last**2))
    return scale * VARIANCES * torch.sqrt(1 + last**2) / (VARIANCES + last**2)


@pytest.mark.parametrize(("sampler", "order"), [(ddim, 1), (multistep, 2)])
def test_deterministic_samplers_tend_to_the_probability_flow_at_their_order(
    gaussian: Gaussian, sampler: Callable[..., Tensor], order: int
) -> None:
    errors = []
    for steps in (64, 128, 256):
        sigmas = even_in_log(steps + 1)
        x = torch.ones(1, 4, dtype=torch.float64)
        errors.append((sampler(gaussian(VARIANCES), x, sigmas)[0] - flow(sigmas)).abs().max().item())
    measured = [math.log2(errors[i] / errors[i + 1]) for i in (0, 1)]
    assert measured == pytest.approx([order, order], abs=0.2)


def moments(sampler: Callable[..., Tensor], denoise: Denoiser, sigmas: Tensor, **options: object) -> Tensor:
    """The exact variance of what a linear sampler returns: each noise in turn alone is one, all others zero."""

    def unit(index: int) -> Tensor:
        rows = torch.zeros(len(sigmas) + 1, len(VARIANCES), dtype=torch.float64)
        rows[index] = 1
        return rows

    out = sampler(denoise, unit(len(sigmas)), sigmas, noise=unit, **options)
    return (out**2).sum(0)


def test_ancestral_recovers_the_variance_and_the_mean(gaussian: Gaussian) -> None:
    errors = []
    for steps in (250, 1000):
        sigmas = respaced(linear_beta(), steps)
        variance = moments(ancestral, gaussian(VARIANCES), sigmas, variance="small")
        errors.append(((variance - VARIANCES).abs() / VARIANCES).max().item())
    assert errors[1] < 0.05
    assert errors[0] / errors[1] == pytest.approx(4, abs=0.8)  # of first order in the steps
    centre = torch.tensor([2.0, -1.0, 0.0, 5.0], dtype=torch.float64)

    def off_centre(x: Tensor, sigma: Tensor, /) -> Tensor:
        return centre + gaussian(VARIANCES)(x - centre / torch.sqrt(1 + sigma**2), sigma)

    zero = torch.zeros(1, 4, dtype=torch.float64)
    mean = ancestral(off_centre, zero, linear_beta(), noise=lambda _: zero)
    torch.testing.assert_close(mean[0], centre, rtol=0.02, atol=0)


def test_the_large_variance_is_exact_for_a_unit_gaussian_with_any_steps(gaussian: Gaussian) -> None:
    for steps in (5, 50):
        sigmas = edm(steps, 20.0, 0.05)
        variance = moments(ancestral, gaussian(torch.ones(4, dtype=torch.float64)), sigmas, variance="large")
        torch.testing.assert_close(variance, torch.full_like(variance, 1 / (1 + 0.05**2)), rtol=1e-12, atol=0)


def test_without_step_noise_it_seeks_the_mode(gaussian: Gaussian) -> None:
    sigmas = linear_beta()
    collapsed = moments(ancestral, gaussian(VARIANCES), sigmas, step_noise=False)
    assert (collapsed < 0.2 * VARIANCES).all()


def test_ddim_with_eta_one_is_ancestral_with_the_small_variance(gaussian: Gaussian, generator: torch.Generator) -> None:
    sigmas = respaced(linear_beta(), 30)
    draws = torch.randn(31, 2, 4, dtype=torch.float64, generator=generator)
    one = ddim(gaussian(VARIANCES), draws[30], sigmas, noise=draws.__getitem__, eta=1.0)
    other = ancestral(gaussian(VARIANCES), draws[30], sigmas, noise=draws.__getitem__, variance="small")
    torch.testing.assert_close(one, other, rtol=1e-10, atol=1e-12)


@pytest.mark.parametrize("sampler", SAMPLERS)
def test_a_step_costs_one_evaluation_and_is_told(gaussian: Gaussian, sampler: Callable[..., Tensor]) -> None:
    seen: list[tuple[float, torch.dtype]] = []
    told: list[tuple[int, int]] = []

    def denoise(x: Tensor, sigma: Tensor, /) -> Tensor:
        seen.append((sigma.item(), x.dtype))
        return gaussian(torch.ones(3))(x, sigma)

    x = torch.ones(2, 3)
    sigmas = edm(6, 10.0, 0.1)
    out = sampler(denoise, x, sigmas, noise=lambda _: x, on_step=lambda done, total: told.append((done, total)))
    assert [sigma for sigma, _ in seen] == pytest.approx(sigmas.tolist(), rel=1e-6)
    assert told == [(i, 6) for i in range(1, 7)]
    assert {dtype for _, dtype in seen} | {out.dtype} == {torch.float32}


@pytest.mark.parametrize("sampler", SAMPLERS)
def test_what_on_step_raises_ends_the_sampling(gaussian: Gaussian, sampler: Callable[..., Tensor]) -> None:
    x = torch.ones(1, 4, dtype=torch.float64)

    def cancel(done: int, total: int) -> None:
        if done == 2:
            raise Cancelled("the caller went away")

    with pytest.raises(Cancelled):
        sampler(gaussian(VARIANCES), x, edm(6, 10.0, 0.1), noise=lambda _: x, on_step=cancel)


def test_what_cannot_be_sampled_is_refused(gaussian: Gaussian) -> None:
    x = torch.ones(1, 4, dtype=torch.float64)
    sigmas = edm(6, 10.0, 0.1)
    for wrong in (sigmas.flip(0), sigmas[:0], torch.tensor([1.0, 0.0]), torch.tensor([math.inf, 1.0])):
        with pytest.raises(InvalidInput, match="sigmas"):
            multistep(gaussian(VARIANCES), x, wrong)
    with pytest.raises(InvalidInput, match="noise"):
        ancestral(gaussian(VARIANCES), x, sigmas)
    with pytest.raises(InvalidInput, match="noise"):
        ddim(gaussian(VARIANCES), x, sigmas, eta=0.5)
