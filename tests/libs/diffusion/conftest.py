"""Gaussians, whose denoisers and probability flows are known in closed form."""

from __future__ import annotations

from collections.abc import Callable

import pytest
import torch
from torch import Tensor

from tellurion_diffusion import Denoiser, noise, signal


@pytest.fixture
def gaussian() -> Callable[[Tensor], Denoiser]:
    """The exact denoiser of independent x₀ ~ N(0, variance) in white noise: s·b/(s²b + n²)·x."""

    def denoiser(variance: Tensor) -> Denoiser:
        def denoise(x: Tensor, sigma: Tensor, /) -> Tensor:
            s, n = signal(sigma), noise(sigma)
            return s * variance / (s**2 * variance + n**2) * x

        return denoise

    return denoiser


@pytest.fixture
def generator() -> torch.Generator:
    return torch.Generator().manual_seed(0)
