"""SSIM with a gradient: the kept library's away from the border, the formula at it, and torch's own derivative."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch
from skimage.metrics import structural_similarity

from tellurion_splat.ssim import RADIUS, blurred, convolved, ssim, ssim_map


@pytest.fixture
def images() -> tuple[torch.Tensor, torch.Tensor]:
    """Two images [24, 31, 3] that are alike but not equal."""
    rng = np.random.default_rng(0)
    a = rng.random((24, 31, 3))
    return tuple(torch.from_numpy(x.astype(np.float32)) for x in (a, 0.8 * a + 0.2 * rng.random(a.shape)))


def test_it_is_scikit_images_where_the_window_is_inside(images: tuple[torch.Tensor, torch.Tensor]) -> None:
    a, b = images
    options = {"gaussian_weights": True, "sigma": 1.5, "use_sample_covariance": False, "data_range": 1.0}
    _, theirs = structural_similarity(a.double().numpy(), b.double().numpy(), channel_axis=-1, full=True, **options)
    inside = slice(RADIUS, -RADIUS)
    ours = ssim_map(a, b).permute(1, 2, 0).numpy()
    np.testing.assert_allclose(ours[inside, inside], theirs[inside, inside], atol=2e-5)


def test_beyond_the_border_images_are_black() -> None:
    a, b = (torch.full((16, 16, 1), value) for value in (0.5, 0.25))
    taps = [math.exp(-(x**2) / 4.5) for x in range(-5, 6)]
    share = (sum(taps[5:]) / sum(taps)) ** 2  # of the window, that lies on the image at a corner
    means, c1, c2 = (0.5 * share, 0.25 * share), 1e-4, 9e-4
    variances = [value**2 * share - mean**2 for value, mean in zip((0.5, 0.25), means, strict=True)]
    covariance = 0.5 * 0.25 * share - means[0] * means[1]
    expected = (2 * means[0] * means[1] + c1) * (2 * covariance + c2)
    expected /= (means[0] ** 2 + means[1] ** 2 + c1) * (sum(variances) + c2)
    assert ssim_map(a, b)[0, 0, 0].item() == pytest.approx(expected, rel=1e-5)


def test_it_is_1_of_equal_images_and_less_of_others(images: tuple[torch.Tensor, torch.Tensor]) -> None:
    a, b = images
    assert ssim(a, a).item() == pytest.approx(1, abs=1e-6)
    assert ssim(a, b).item() < 0.99
    assert ssim(a, 1 - a).item() < 0


def test_the_compiled_blur_and_its_derivative_are_those_of_convolutions() -> None:
    maps = torch.rand(2, 3, 13, 17, generator=torch.Generator().manual_seed(0), requires_grad=True)
    weights = torch.rand(2, 3, 13, 17, generator=torch.Generator().manual_seed(1))
    gradients = []
    for blur in (blurred, convolved):
        (gradient,) = torch.autograd.grad((weights * blur(maps)).sum(), maps)
        gradients.append(gradient)
    torch.testing.assert_close(blurred(maps), convolved(maps), atol=1e-6, rtol=1e-6)
    torch.testing.assert_close(*gradients, atol=1e-6, rtol=1e-6)


def test_the_derivative_of_the_similarity_is_its_slope(images: tuple[torch.Tensor, torch.Tensor]) -> None:
    a, b = images
    direction = b - a
    moved = a.clone().requires_grad_()
    (gradient,) = torch.autograd.grad(ssim(moved, b), moved)
    step = 1e-2
    slope = (ssim(a + step * direction, b) - ssim(a - step * direction, b)).item() / (2 * step)
    assert (gradient * direction).sum().item() == pytest.approx(slope, rel=1e-2)
