"""A Gaussian prior in latent space: the conditional mean it stands for, and the posterior that guidance makes of it."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from tellurion_assimilation.gaussian_prior import GaussianPrior, fit
from tellurion_assimilation.guidance import analyse
from tellurion_assimilation.observations import Observations
from tellurion_core.errors import InvalidInput

from .small_climate import CHANNELS, COLUMNS, HEIGHT, ROWS, WIDTH, autoencoder

SIZE = CHANNELS * ROWS * COLUMNS


@pytest.fixture(scope="module")
def prior() -> GaussianPrior:
    """Three smooth directions; none of them holds the wave of which latents have one phase only."""
    draws = torch.randn(3, CHANNELS, ROWS, COLUMNS, generator=torch.Generator().manual_seed(0))
    waves = torch.fft.rfft(draws)
    waves[..., -1] = 0
    directions = torch.linalg.qr(torch.fft.irfft(waves, COLUMNS).flatten(1).T)[0].T
    return GaussianPrior(autoencoder(), directions.unflatten(1, draws.shape[1:]), torch.tensor([4.0, 1.0, -0.5]))


def covariance(prior: GaussianPrior) -> torch.Tensor:
    along = prior.directions.flatten(1)
    return torch.eye(SIZE) + along.T @ (prior.excess[:, None] * along)


@pytest.mark.parametrize("sigma", [0.05, 1.0, 20.0])
def test_the_denoiser_is_the_conditional_mean(prior: GaussianPrior, sigma: float) -> None:
    x = torch.randn(4, CHANNELS, ROWS, COLUMNS, generator=torch.Generator().manual_seed(1))
    s, n = 1 / np.hypot(1, sigma), sigma / np.hypot(1, sigma)
    of_x = s**2 * covariance(prior) + n**2 * torch.eye(SIZE)
    expected = x.flatten(1) @ torch.linalg.solve(of_x, s * covariance(prior))
    found = prior.denoiser(torch.zeros(CHANNELS, HEIGHT, WIDTH))(x, torch.tensor(sigma))
    torch.testing.assert_close(found.flatten(1), expected, atol=1e-5, rtol=1e-4)


def test_guidance_draws_from_its_posterior(prior: GaussianPrior) -> None:
    """Mean and spread, against the Kalman filter in latent space."""
    rng = np.random.default_rng(2)
    cells, n = rng.choice(CHANNELS * HEIGHT * WIDTH, 12, replace=False), CHANNELS * HEIGHT * WIDTH
    operator = np.zeros((12, n))
    operator[np.arange(12), cells] = 1
    code = replace(prior.autoencoder, truncated=torch.zeros_like(prior.autoencoder.truncated))
    unit = code.std.repeat_interleave(HEIGHT * WIDTH).numpy()
    observed = Observations(unit[cells] * rng.standard_normal(12), 0.5 * unit[cells], operator)
    known = replace(prior, autoencoder=code)
    mean, members = analyse(known, np.zeros((CHANNELS, HEIGHT, WIDTH), np.float32), observed, members=400, steps=40)

    decode = code.decode(torch.eye(SIZE).unflatten(1, code.latent_shape)).flatten(1).double().numpy().T * unit[:, None]
    b = decode @ covariance(prior).double().numpy() @ decode.T
    gain = b[:, cells] @ np.linalg.inv(b[np.ix_(cells, cells)] + np.diag(observed.errors**2))
    expected, spread = gain @ observed.values, np.sqrt(np.diag(b - gain @ b[cells]))
    assert np.abs((mean.ravel() - expected) / unit).max() < 0.1 * (spread / unit).max()
    of_members = members.reshape(400, -1).std(axis=0)
    assert np.median(of_members / spread) == pytest.approx(1, abs=0.05)


def test_what_varies_more_is_found() -> None:
    code = autoencoder()
    generator = torch.Generator().manual_seed(3)
    direction = torch.zeros(code.latent_shape)
    direction[0, 1, 2:4] = 0.5**0.5
    draws = torch.randn(4000, *code.latent_shape, generator=generator)
    draws = draws + 2 * torch.randn(4000, 1, 1, 1, generator=generator) * direction
    found = fit(code, draws, half_width=180.0, share=1.0, rank=1)
    assert found.excess.item() == pytest.approx(4, rel=0.2)
    assert (found.directions[0] * direction).sum().abs().item() == pytest.approx(1, abs=0.02)


def test_a_share_of_it_is_believed_and_what_is_far_apart_is_not() -> None:
    code = autoencoder()
    generator = torch.Generator().manual_seed(4)
    draws = torch.randn(500, *code.latent_shape, generator=generator)
    shared = 3 * torch.randn(500, generator=generator)
    draws[:, 0, 0, 0] += shared
    draws[:, 0, 3, 4] += shared  # on the other side of the globe
    whole, half = (fit(code, draws, half_width=40.0, share=share, rank=2) for share in (1.0, 0.5))
    torch.testing.assert_close(half.excess, whole.excess / 2)
    assert whole.excess[1].item() == pytest.approx(9, rel=0.3)  # 18 in one direction, were they one


def test_it_comes_back_from_its_file(prior: GaussianPrior, tmp_path: Path) -> None:
    path, beside = tmp_path / "prior.safetensors", tmp_path / "autoencoder.safetensors"
    prior.autoencoder.save(beside, {})
    prior.save(path, beside, {})
    again = GaussianPrior.load(path, beside)
    torch.testing.assert_close(again.directions, prior.directions, atol=1e-3, rtol=0)
    torch.testing.assert_close(again.excess, prior.excess)


def test_another_autoencoder_is_refused(prior: GaussianPrior, tmp_path: Path) -> None:
    path, beside, other = (tmp_path / f"{name}.safetensors" for name in ("prior", "autoencoder", "other"))
    prior.autoencoder.save(beside, {})
    prior.save(path, beside, {})
    autoencoder(100).save(other, {})
    with pytest.raises(InvalidInput, match="autoencoder"):
        GaussianPrior.load(path, other)


@pytest.mark.parametrize(
    "wrong",
    [
        {"excess": torch.tensor([1.0, 1.0])},
        {"excess": torch.tensor([1.0, 1.0, -2.0])},
        {"directions": torch.ones(3, 2)},
    ],
)
def test_a_file_that_cannot_be_is_refused(prior: GaussianPrior, tmp_path: Path, wrong: dict[str, torch.Tensor]) -> None:
    path, beside = tmp_path / "prior.safetensors", tmp_path / "autoencoder.safetensors"
    prior.autoencoder.save(beside, {})
    replace(prior, **wrong).save(path, beside, {})
    with pytest.raises(InvalidInput, match="weights"):
        GaussianPrior.load(path, beside)
