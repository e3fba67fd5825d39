"""PSNR and SSIM against their definitions; LPIPS says that it has no weights."""

from __future__ import annotations

import sys
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
import torch
from scipy.ndimage import correlate1d

from tellurion_core.errors import InvalidInput, Unavailable
from tellurion_splatting import metrics


@pytest.fixture
def pair() -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(0)
    truth = rng.uniform(size=(31, 40, 3)).astype(np.float32)
    return np.clip(truth + rng.normal(scale=0.1, size=truth.shape), 0, 1).astype(np.float32), truth


def test_an_error_of_a_tenth_is_20_decibels() -> None:
    truth = np.full((12, 12, 3), 0.5, np.float32)
    assert metrics.psnr(truth + np.float32(0.1), truth) == pytest.approx(20, abs=1e-5)
    assert metrics.psnr(truth, truth) == float("inf")


def test_ssim_by_its_formula(pair: tuple[np.ndarray, np.ndarray]) -> None:
    x, y = (image.astype(np.float64) for image in pair)
    window = np.exp(-(np.arange(-5, 6) ** 2) / (2 * 1.5**2))
    window /= window.sum()

    def mean(a: np.ndarray) -> np.ndarray:
        return correlate1d(correlate1d(a, window, axis=0), window, axis=1)[5:-5, 5:-5]

    covariance = mean(x * y) - mean(x) * mean(y)
    variances = mean(x * x) - mean(x) ** 2 + mean(y * y) - mean(y) ** 2
    luminance = (2 * mean(x) * mean(y) + 0.01**2) / (mean(x) ** 2 + mean(y) ** 2 + 0.01**2)
    structure = (2 * covariance + 0.03**2) / (variances + 0.03**2)
    assert metrics.ssim(*pair) == pytest.approx(np.mean(luminance * structure), abs=1e-9)


def test_an_image_is_like_itself(pair: tuple[np.ndarray, np.ndarray]) -> None:
    assert metrics.ssim(pair[1], pair[1]) == pytest.approx(1, abs=1e-12)


def test_lpips_is_none_without_weights_and_downloads_nothing(
    pair: tuple[np.ndarray, np.ndarray], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TORCH_HOME", str(tmp_path))
    metrics._perceptual_distance.cache_clear()
    assert metrics.lpips(*pair) is None
    assert list(tmp_path.iterdir()) == []


class Network:
    """LPIPS in its place: twice the mean difference, of planes from 0 to 1."""

    def __init__(self, net: str, verbose: bool) -> None:
        assert (net, verbose) == ("alex", False)

    def eval(self) -> Network:
        return self

    def __call__(self, image: torch.Tensor, truth: torch.Tensor, normalize: bool) -> torch.Tensor:
        assert image.shape == truth.shape == (1, 3, 31, 40)
        assert normalize
        assert not torch.is_grad_enabled()
        return 2 * (image - truth).mean().reshape(1, 1, 1, 1)


def test_lpips_is_the_networks_where_its_weights_are(
    pair: tuple[np.ndarray, np.ndarray], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    weights = tmp_path / "hub" / "checkpoints" / metrics.ALEXNET
    weights.parent.mkdir(parents=True)
    weights.touch()
    monkeypatch.setenv("TORCH_HOME", str(tmp_path))
    monkeypatch.setitem(sys.modules, "lpips", SimpleNamespace(LPIPS=Network))
    metrics._perceptual_distance.cache_clear()
    assert metrics.lpips(*pair) == pytest.approx(2 * np.mean(pair[0].astype(float) - pair[1]), abs=1e-6)
    metrics._perceptual_distance.cache_clear()


def test_ssim_without_its_package_says_so(pair: tuple[np.ndarray, np.ndarray], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "skimage.metrics", None)
    with pytest.raises(Unavailable, match="scikit-image"):
        metrics.ssim(*pair)


@pytest.mark.parametrize("metric", [metrics.psnr, metrics.ssim, metrics.lpips])
def test_images_of_different_size_are_refused(metric: object, pair: tuple[np.ndarray, np.ndarray]) -> None:
    with pytest.raises(InvalidInput, match=r"\[31, 40, 3\] and \[30, 40, 3\]"):
        metric(pair[0], pair[1][1:])


def test_an_image_smaller_than_the_window_is_refused() -> None:
    small = np.zeros((10, 30, 3), np.float32)
    with pytest.raises(InvalidInput, match="11 pixels"):
        metrics.ssim(small, small)
    with pytest.raises(InvalidInput, match="31 pixels"):
        metrics.lpips(small, small)
