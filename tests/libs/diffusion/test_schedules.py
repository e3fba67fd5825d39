"""Schedules: the published β, and σ that say the same."""

from __future__ import annotations

import math

import pytest
import torch

from tellurion_core.errors import InvalidInput
from tellurion_diffusion import cosine, cosine_betas, edm, linear_beta, linear_betas, noise, respaced, signal


def test_the_linear_schedule_has_the_released_betas() -> None:
    betas = linear_betas()
    assert (len(betas), betas[0].item(), betas[999].item()) == (1000, 1e-4, 0.02)


@pytest.mark.parametrize(("sigmas", "betas"), [(linear_beta(), linear_betas()), (cosine(100), cosine_betas(100))])
def test_signal_squared_is_the_product_of_one_minus_beta(sigmas: torch.Tensor, betas: torch.Tensor) -> None:
    kept = torch.cumprod(1 - betas, 0)
    torch.testing.assert_close(signal(sigmas).flip(0) ** 2, kept, rtol=1e-10, atol=0)
    torch.testing.assert_close(noise(sigmas) ** 2 + signal(sigmas) ** 2, torch.ones_like(kept), rtol=1e-14, atol=0)


def test_the_cosine_schedule_is_the_published_one() -> None:
    def kept(time: float) -> float:
        return math.cos((time + 0.008) / 1.008 * math.pi / 2) ** 2 / math.cos(0.008 / 1.008 * math.pi / 2) ** 2

    sigmas = cosine(1000)
    assert signal(sigmas[500]).item() ** 2 == pytest.approx(kept(0.5), rel=1e-9)
    assert cosine_betas(1000)[-1] == 0.999


def test_edm_levels_lie_evenly_in_the_rho_th_root() -> None:
    sigmas = edm(5, 80.0, 0.002)
    assert sigmas[[0, -1]].tolist() == pytest.approx([80.0, 0.002], rel=1e-12)
    assert sigmas[2].item() == pytest.approx(((80 ** (1 / 7) + 0.002 ** (1 / 7)) / 2) ** 7, rel=1e-12)
    assert edm(1, 80.0, 0.002).tolist() == pytest.approx([80.0], rel=1e-12)


@pytest.mark.parametrize("sigmas", [linear_beta(), cosine(1000), edm(1000, 80.0, 0.002)])
def test_every_schedule_decreases_in_double_precision(sigmas: torch.Tensor) -> None:
    assert sigmas.dtype == torch.float64
    assert (sigmas.diff() < 0).all()
    assert (sigmas > 0).all()


@pytest.mark.parametrize("count", [2, 7, 20, 999, 1000])
def test_respacing_keeps_both_ends_and_counts(count: int) -> None:
    sigmas = linear_beta()
    fewer = respaced(sigmas, count)
    assert len(set(fewer.tolist())) == count
    assert (fewer[0], fewer[-1]) == (sigmas[0], sigmas[-1])
    assert torch.isin(fewer, sigmas).all()


def test_a_schedule_that_cannot_be_is_refused() -> None:
    for wrong in (
        lambda: linear_beta(0),
        lambda: linear_beta(10, 0.02, 1e-4),
        lambda: edm(5, 0.002, 80.0),
        lambda: respaced(linear_beta(10), 11),
        lambda: respaced(linear_beta(10), 0),
    ):
        with pytest.raises(InvalidInput):
            wrong()
