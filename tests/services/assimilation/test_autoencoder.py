"""The latent space of increments: optimal, white, local, and back without loss."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import Tensor

from tellurion_assimilation.autoencoder import Autoencoder, fit
from tellurion_core.errors import InvalidInput

from .small_climate import AREA, CHANNELS, COLUMNS, HEIGHT, MIRROR, ROWS, STD, WIDTH, autoencoder, errors

WEIGHT = AREA[:, None]


@pytest.fixture(scope="module")
def fitted() -> Autoencoder:
    return autoencoder()


@pytest.fixture
def latents(fitted: Autoencoder) -> Tensor:
    draws = torch.randn(6, *fitted.latent_shape, generator=torch.Generator().manual_seed(1))
    waves = torch.fft.rfft(draws)
    waves[..., -1] = 0
    return torch.fft.irfft(waves, COLUMNS)


def test_latents_come_back(fitted: Autoencoder, latents: Tensor) -> None:
    assert fitted.latent_shape == (CHANNELS, ROWS, COLUMNS)
    torch.testing.assert_close(fitted.encode(fitted.decode(latents)), latents, atol=1e-4, rtol=0)


def test_encoding_is_the_nearest_point(fitted: Autoencoder, latents: Tensor) -> None:
    """What is left is orthogonal, weighed by area, to everything that latents can show."""
    field = errors(6, 2)
    left = field - fitted.decode(fitted.encode(field))
    product = (WEIGHT * left * fitted.decode(latents)).sum((1, 2, 3))
    assert product.abs().max() < 1e-4 * field.square().sum((1, 2, 3)).max()


def test_the_adjoint_is_one(fitted: Autoencoder, latents: Tensor) -> None:
    field = errors(6, 3)
    left, right = (fitted.decode(latents) * field).sum((1, 2, 3)), (latents * fitted.adjoint(field)).sum((1, 2, 3))
    torch.testing.assert_close(left, right, atol=1e-3, rtol=1e-4)


def test_errors_are_white_noise_in_it(fitted: Autoencoder) -> None:
    """E z zᵀ = I but for the wave with one phase, in the errors that it was fitted to and their mirror images."""
    field = errors(2000, 0)
    mirrored = MIRROR[:, None, None] * field.flip(2)
    waves = torch.fft.rfft(fitted.encode(torch.cat([field, mirrored])).flatten(1, 2), norm="ortho")
    for m in range(COLUMNS // 2):
        covariance = waves[..., m].T @ waves[..., m].conj() / len(waves)
        torch.testing.assert_close(covariance.real, torch.eye(CHANNELS * ROWS), atol=2e-3, rtol=0)
    assert waves[..., -1].abs().max() < 1e-4


def test_it_loses_what_the_eigenvalues_say_and_no_such_code_loses_less(fitted: Autoencoder) -> None:
    """Against the leading eigenvectors of each wavenumber's even and odd sample covariance, by numpy."""
    field = torch.cat([errors(2000, 0), MIRROR[:, None, None] * errors(2000, 0).flip(2)])
    lost = (WEIGHT * (field - fitted.decode(fitted.encode(field))) ** 2).sum((1, 2, 3)).mean().item()
    rows = (field * WEIGHT.sqrt()).numpy().reshape(len(field), -1, WIDTH).astype(np.float64)
    waves = np.fft.rfft(rows, norm="ortho")
    total = (rows**2).sum((1, 2)).mean()
    kept = 0.0
    mirrored = (waves.reshape(len(field), CHANNELS, HEIGHT, -1)[:, :, ::-1] * MIRROR.numpy()[:, None, None]).reshape(
        waves.shape
    )
    for parity in (waves + mirrored) / 2, (waves - mirrored) / 2:
        for m in range(COLUMNS // 2):
            values = np.linalg.eigvalsh(parity[..., m].T @ parity[..., m].conj() / len(waves))
            kept += (2 if m else 1) * values[-CHANNELS * ROWS // 2 :].sum()
    assert lost == pytest.approx(total - kept, rel=1e-3)
    said = (WEIGHT[:, 0] * fitted.truncated**2).sum().item() * WIDTH
    assert said == pytest.approx(total - kept, rel=1e-3)


def test_white_latents_have_the_variance_of_the_errors(fitted: Autoencoder) -> None:
    unseen = errors(4000, 4).square().mean((0, 3))
    symmetric = (unseen + unseen.flip(1)) / 2
    torch.testing.assert_close(fitted.shown**2 + fitted.truncated**2, symmetric, rtol=0.1, atol=0)
    draws = torch.randn(4000, *fitted.latent_shape, generator=torch.Generator().manual_seed(5))
    torch.testing.assert_close(fitted.decode(draws).square().mean((0, 3)), fitted.shown**2, rtol=0.1, atol=0)


def test_a_latent_lies_where_it_decodes_to(fitted: Autoencoder) -> None:
    for row, column in ((0, 0), (1, 3), (3, 6)):
        one = torch.zeros(1, *fitted.latent_shape)
        one[0, 1, row, column] = 1
        energy = fitted.decode(one)[0].square()
        assert energy.sum((1, 2)).argmax() == 1
        latitude, longitude = energy[1].sum(1), energy[1].sum(0)
        height = (latitude * torch.arange(HEIGHT)).sum() / latitude.sum()
        assert height.item() == pytest.approx((row + 0.5) * HEIGHT / ROWS - 0.5, abs=1)
        assert longitude.argmax() == column * WIDTH // COLUMNS


def test_turning_the_latents_turns_the_field(fitted: Autoencoder, latents: Tensor) -> None:
    turned = fitted.decode(latents.roll(3, dims=-1))
    torch.testing.assert_close(turned, fitted.decode(latents).roll(3 * WIDTH // COLUMNS, dims=-1), atol=1e-5, rtol=0)


def test_the_mirror_image_of_a_latent_is_that_of_its_field(fitted: Autoencoder, latents: Tensor) -> None:
    signs = MIRROR[:, None, None]
    mirrored = fitted.decode(signs * latents.flip(-2))
    torch.testing.assert_close(mirrored, signs * fitted.decode(latents).flip(-2), atol=1e-4, rtol=0)


def test_it_comes_back_from_a_file(fitted: Autoencoder, latents: Tensor, tmp_path: Path) -> None:
    path = tmp_path / "autoencoder.safetensors"
    fitted.save(path, {})
    again = Autoencoder.load(path)
    torch.testing.assert_close(again.decode(latents), fitted.decode(latents), atol=5e-3, rtol=0)
    torch.testing.assert_close(again.truncated, fitted.truncated)


@pytest.mark.parametrize(
    "wrong",
    [
        {"std": torch.ones(2)},
        {"area": torch.ones(HEIGHT + 1)},
        {"mirror": torch.ones(1)},
        {"truncated": torch.ones(CHANNELS)},
        {"columns": COLUMNS - 2},
        {"roots": torch.zeros(COLUMNS // 2, CHANNELS * HEIGHT, CHANNELS * ROWS - 1, dtype=torch.complex64)},
    ],
)
def test_a_file_whose_shapes_disagree_is_refused(fitted: Autoencoder, tmp_path: Path, wrong: dict[str, object]) -> None:
    path = tmp_path / "autoencoder.safetensors"
    replace(fitted, **wrong).save(path, {})
    with pytest.raises(InvalidInput, match="weights"):
        Autoencoder.load(path)


@pytest.mark.parametrize("wrong", [{"columns": 7}, {"columns": 0}, {"columns": WIDTH + 2}, {"rows": 3}, {"rows": 10}])
def test_a_latent_grid_that_cannot_be_is_refused(wrong: dict[str, int]) -> None:
    with pytest.raises(InvalidInput, match=next(iter(wrong))):
        fit([errors(2, 0)], STD, AREA, mirror=MIRROR, **{"rows": ROWS, "columns": COLUMNS, **wrong})


def test_nothing_to_fit_is_refused() -> None:
    with pytest.raises(InvalidInput, match="increments"):
        fit([], STD, AREA, mirror=MIRROR, rows=ROWS, columns=COLUMNS)
