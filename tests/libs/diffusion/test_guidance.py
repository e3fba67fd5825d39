"""Guidance: the released update, written out as released, and what must hold of any."""

from __future__ import annotations

from collections.abc import Callable

import pytest
import torch
from torch import Tensor

from tellurion_core.errors import InvalidInput
from tellurion_diffusion import (
    Denoiser,
    Mask,
    Operator,
    ReconMOST,
    SoftMask,
    ancestral,
    clipped,
    ddim,
    linear_beta,
    linear_betas,
    multistep,
)

Gaussian = Callable[[Tensor], Denoiser]
VARIANCE = torch.linspace(0.1, 2.0, 6, dtype=torch.float64)


@pytest.fixture
def observed() -> Tensor:
    return torch.tensor([[True, False, False], [False, True, False]]).reshape(6)


@pytest.mark.parametrize("through_denoiser", [False, True])
@pytest.mark.parametrize("sampler", [ancestral, ddim, multistep])
def test_scale_zero_is_unguided_sampling_bit_for_bit(
    gaussian: Gaussian,
    generator: torch.Generator,
    observed: Tensor,
    sampler: Callable[..., Tensor],
    through_denoiser: bool,
) -> None:
    draws = torch.randn(41, 2, 6, generator=generator)
    sigmas = linear_beta(40, 1e-3, 0.3)
    denoise = gaussian(VARIANCE.float())
    guidance = ReconMOST(draws[0], Mask(observed), 0.0, through_denoiser=through_denoiser)
    guided = sampler(denoise, draws[40], sigmas, noise=draws.__getitem__, guidance=guidance)
    assert torch.equal(guided, sampler(denoise, draws[40], sigmas, noise=draws.__getitem__))


@pytest.mark.parametrize("through_denoiser", [False, True])
def test_it_takes_the_released_steps(
    gaussian: Gaussian, generator: torch.Generator, observed: Tensor, through_denoiser: bool
) -> None:
    """DDPM with β, ᾱ and an ε-network, the mean moved by β·g, clipped to ±1, all in the paper's own variables."""
    count, scale = 60, 4.0
    betas = linear_betas(count, 1e-3, 0.2)
    kept = torch.cumprod(1 - betas, 0)
    y = torch.linspace(-1, 1, 6, dtype=torch.float64)
    draws = torch.randn(count + 1, 3, 6, dtype=torch.float64, generator=generator)

    def estimate_of(x: Tensor, t: int) -> Tensor:
        epsilon = torch.sqrt(1 - kept[t]) * x / (kept[t] * VARIANCE + 1 - kept[t])
        return ((x - torch.sqrt(1 - kept[t]) * epsilon) / torch.sqrt(kept[t])).clamp(-1, 1)

    x = draws[count]
    for t in reversed(range(count)):
        before = kept[t - 1] if t else torch.tensor(1.0, dtype=torch.float64)
        x = x.detach().requires_grad_()
        estimate = estimate_of(x, t)
        misfit = ((y - estimate)[:, observed] ** 2).sum()
        gradient = -torch.autograd.grad(misfit, x if through_denoiser else estimate, retain_graph=True)[0]
        mean = torch.sqrt(before) * betas[t] / (1 - kept[t]) * estimate
        mean = mean + torch.sqrt(1 - betas[t]) * (1 - before) / (1 - kept[t]) * x
        mean = (mean + betas[t] * scale * gradient).detach()
        x = mean + torch.sqrt(betas[t]) * draws[count - 1 - t] if t else mean

    guidance = ReconMOST(y, Mask(observed), scale, through_denoiser=through_denoiser)
    denoise = clipped(gaussian(VARIANCE), -1, 1)
    sigmas = linear_beta(count, 1e-3, 0.2)
    ours = ancestral(denoise, draws[count], sigmas, noise=draws.__getitem__, guidance=guidance)
    torch.testing.assert_close(ours, x, rtol=1e-9, atol=1e-9)


def test_it_draws_observed_cells_to_the_observations(
    gaussian: Gaussian, generator: torch.Generator, observed: Tensor
) -> None:
    draws = torch.randn(1001, 4, 6, dtype=torch.float64, generator=generator)
    y = torch.where(observed, 0.7, torch.nan)
    guidance = ReconMOST(y, Mask(observed), 4.0)
    out = ancestral(
        gaussian(VARIANCE), draws[1000], linear_beta(), noise=draws.__getitem__, guidance=guidance, step_noise=False
    )
    assert (out[:, observed] - 0.7).abs().max() < 0.1
    free = ancestral(gaussian(VARIANCE), draws[1000], linear_beta(), noise=draws.__getitem__, step_noise=False)
    torch.testing.assert_close(out[:, ~observed], free[:, ~observed])


def test_any_linear_operator_may_observe(generator: torch.Generator) -> None:
    h = torch.randn(2, 6, dtype=torch.float64, generator=generator)
    y = torch.tensor([1.0, -1.0], dtype=torch.float64)
    x = torch.randn(3, 6, dtype=torch.float64, generator=generator)
    sigma, following = torch.tensor(0.8, dtype=torch.float64), torch.tensor(0.5, dtype=torch.float64)
    guidance = ReconMOST(y, Operator(lambda field: field @ h.T, lambda values: values @ h), 0.3)
    out = guidance(lambda x, _: x, x, sigma, following)
    n_squared, s_next = 0.64 / 1.64, 1.25**-0.5
    torch.testing.assert_close(out, x + n_squared / s_next * 0.3 * 2 * (y - x @ h.T) @ h)


def test_through_the_denoiser_also_in_inference_mode(gaussian: Gaussian, observed: Tensor) -> None:
    guidance = ReconMOST(torch.zeros(6, dtype=torch.float64), Mask(observed), 1.0, through_denoiser=True)
    sigma, following = torch.tensor(0.8, dtype=torch.float64), torch.tensor(0.5, dtype=torch.float64)
    with torch.inference_mode():
        inside = guidance(gaussian(VARIANCE), torch.ones(1, 6, dtype=torch.float64), sigma, following)
    outside = guidance(gaussian(VARIANCE), torch.ones(1, 6, dtype=torch.float64), sigma, following)
    torch.testing.assert_close(inside, outside)


def test_the_soft_mask_is_the_released_gaussian() -> None:
    field = torch.zeros(1, 2, 9, 9, dtype=torch.float64)
    field[0, 1, 4, 4] = 1
    spread = SoftMask()(field)
    assert spread[0, 0].abs().sum() == 0
    assert spread.sum().item() == pytest.approx(6.169, abs=1e-3)
    assert spread[0, 1, 4, 4:8].tolist() == pytest.approx([1, 0.60653, 0.13534, 0], abs=1e-5)
    assert spread[0, 1, 3, 6].item() == pytest.approx(0.60653 * 0.13534, abs=1e-5)
    assert SoftMask(normalised=True)(field).sum().item() == pytest.approx(1)


def test_the_soft_mask_goes_round_the_globe_when_asked() -> None:
    field = torch.zeros(1, 1, 5, 8, dtype=torch.float64)
    field[..., 2, 0] = 1
    assert SoftMask()(field)[..., -2:].abs().sum() == 0
    rolled = SoftMask(periodic=True)(field.roll(3, -1))
    torch.testing.assert_close(SoftMask(periodic=True)(field).roll(3, -1), rolled)


@pytest.mark.parametrize("scale", [-1.0, float("nan"), float("inf")])
def test_a_scale_that_is_none_is_refused(observed: Tensor, scale: float) -> None:
    with pytest.raises(InvalidInput, match="scale"):
        ReconMOST(torch.zeros(6), Mask(observed), scale)
