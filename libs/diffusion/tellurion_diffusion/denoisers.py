"""Denoisers: what estimates the clean field in a noisy one, and how a network becomes one."""

from __future__ import annotations

from typing import Protocol

import torch
from torch import Tensor, nn

from tellurion_diffusion.schedules import noise, signal


class Denoiser(Protocol):
    """Estimates E[x₀ | x] from x = signal·x₀ + noise·η."""

    def __call__(self, x: Tensor, sigma: Tensor, /) -> Tensor:
        """x̂₀ [B, …] of a state x [B, …] at the noise-to-signal ratio sigma, a scalar or [B]."""
        ...


class Network(Protocol):
    """What `Preconditioned` wraps: `UNet`, or anything with its call."""

    def __call__(self, x: Tensor, log_sigma: Tensor, features: Tensor | None, static: Tensor | None, /) -> Tensor:
        """[B, C, …] of x [B, C, …], log σ [B], features [B, F] and static fields [B, S, …]."""
        ...


class Preconditioned(nn.Module):
    """The denoiser D(x, σ) = signal·x + noise·net(x, log σ), Karras et al. (2022), eq. 7 with σ_data = 1.

    A network of zero is the exact denoiser of a field with the noise's own covariance: for x₀ and η ~ N(0, C)
    independent, E[x₀ | x] = signal·C (signal²C + noise²C)⁻¹ x = signal·x. The network learns only what departs from it.
    """

    def __init__(self, network: nn.Module) -> None:
        super().__init__()
        self.network = network

    def forward(
        self,
        x: Tensor,  # [B, C, …]
        sigma: Tensor,  # scalar or [B]
        features: Tensor | None = None,  # [F], [1, F] or [B, F]
        static: Tensor | None = None,  # [1 or B, S, …]
    ) -> Tensor:
        """x̂₀ [B, C, …]."""
        each = sigma.to(x.device).expand(len(x))
        level = each.reshape(-1, *[1] * (x.ndim - 1))
        if features is not None:
            features = features.expand(len(x), features.shape[-1])
        if static is not None:
            static = static.expand(len(x), *static.shape[1:])
        correction = self.network(x, each.log(), features, static)
        return signal(level).to(x.dtype) * x + noise(level).to(x.dtype) * correction

    def given(self, features: Tensor | None = None, static: Tensor | None = None) -> Denoiser:
        """The denoiser with its features and static fields filled in, as the samplers take it."""

        def denoise(x: Tensor, sigma: Tensor, /) -> Tensor:
            return self(x, sigma, features, static)

        return denoise


def clipped(denoise: Denoiser, low: float, high: float) -> Denoiser:
    """`denoise` with its estimate kept within [low, high], as the released ReconMOST does with −1 and 1."""

    def within(x: Tensor, sigma: Tensor, /) -> Tensor:
        return torch.clamp(denoise(x, sigma), low, high)

    return within
