"""What a UNet is made of: convolutions that may go round the globe, residual blocks, attention, resampling."""

from __future__ import annotations

import math
from typing import TypeVar

import torch
import torch.nn.functional as F  # noqa: N812
from torch import Tensor, nn

Module = TypeVar("Module", bound=nn.Module)

MOST_GROUPS = 32
"""Groups of a normalisation where the channels allow it (Ho et al. 2020)."""
SLOWEST, FASTEST = 1.0, 100.0
"""Angular frequencies at which the level embedding sees log σ / 4, which spans about ±1.5."""


class Convolution(nn.Conv2d):
    """A 3 × 3 convolution, zeros beyond the top and the bottom; `periodic` joins the left and the right edge."""

    def __init__(self, channels: int, out: int, *, periodic: bool, stride: int = 1) -> None:
        super().__init__(channels, out, 3, stride=stride, padding=(1, 0) if periodic else 1)
        self.periodic = periodic

    def forward(self, x: Tensor) -> Tensor:
        """[B, out, H/stride, W/stride] of x [B, channels, H, W]."""
        return self.part(x, self.weight, self.bias)

    def part(self, x: Tensor, weight: Tensor, bias: Tensor | None = None) -> Tensor:
        """The same with some of the input channels' weights: a convolution is the sum of its parts."""
        sides = F.pad(x, (1, 1, 0, 0), mode="circular") if self.periodic else x
        return F.conv2d(sides, weight, bias, self.stride, self.padding)


def normalisation(channels: int) -> nn.GroupNorm:
    """A group normalisation with the most groups, up to 32, that divide the channels."""
    return nn.GroupNorm(math.gcd(channels, MOST_GROUPS), channels)


def zeroed(module: Module) -> Module:
    """The module with all its parameters zero, so that the branch it ends starts as nothing."""
    for parameter in module.parameters():
        nn.init.zeros_(parameter)
    return module


def level_embedding(log_sigma: Tensor, width: int) -> Tensor:
    """Sines and cosines [B, width] of log σ / 4 [B] at frequencies in geometric progression; width is even."""
    frequencies = torch.logspace(math.log10(SLOWEST), math.log10(FASTEST), width // 2, device=log_sigma.device)
    angles = log_sigma.float()[:, None] / 4 * frequencies
    return torch.cat([angles.cos(), angles.sin()], dim=1)


class ResidualBlock(nn.Module):
    """Two convolutions beside the identity, told the level in between (Nichol & Dhariwal 2021)."""

    def __init__(
        self, channels: int, out: int, embedding: int, *, scale_shift: bool, dropout: float, periodic: bool
    ) -> None:
        super().__init__()
        self.scale_shift = scale_shift
        self.norm_in = normalisation(channels)
        self.conv_in = Convolution(channels, out, periodic=periodic)
        self.level = nn.Linear(embedding, 2 * out if scale_shift else out)
        self.norm_out = normalisation(out)
        self.dropout = nn.Dropout(dropout)
        self.conv_out = zeroed(Convolution(out, out, periodic=periodic))
        self.skip = nn.Identity() if channels == out else nn.Conv2d(channels, out, 1)

    def forward(self, x: Tensor, embedding: Tensor) -> Tensor:
        """[B, out, H, W] of x [B, channels, H, W] and the level's embedding [B, E]."""
        h = self.conv_in(F.silu(self.norm_in(x)))
        level = self.level(F.silu(embedding))[:, :, None, None]
        if self.scale_shift:
            scale, shift = level.chunk(2, dim=1)
            h = self.norm_out(h) * (1 + scale) + shift
        else:
            h = self.norm_out(h + level)
        return self.skip(x) + self.conv_out(self.dropout(F.silu(h)))


class Attention(nn.Module):
    """Every cell looks at every other, beside the identity; memory grows with H·W."""

    def __init__(self, channels: int, heads: int) -> None:
        super().__init__()
        self.heads = heads
        self.norm = normalisation(channels)
        self.project_in = nn.Conv2d(channels, 3 * channels, 1)
        self.project_out = zeroed(nn.Conv2d(channels, channels, 1))

    def forward(self, x: Tensor) -> Tensor:
        """[B, channels, H, W] of the same."""
        batch, channels, height, width = x.shape
        each = self.project_in(self.norm(x)).reshape(batch, 3, self.heads, channels // self.heads, height * width)
        query, key, value = each.transpose(-1, -2).unbind(1)
        seen = F.scaled_dot_product_attention(query, key, value)
        return x + self.project_out(seen.transpose(-1, -2).reshape(x.shape))


class Stage(nn.Module):
    """A residual block, and attention after it where heads are given."""

    def __init__(self, residual: ResidualBlock, attention: Attention | None) -> None:
        super().__init__()
        self.residual = residual
        self.attention = nn.Identity() if attention is None else attention

    def forward(self, x: Tensor, embedding: Tensor) -> Tensor:
        """[B, out, H, W] of x [B, channels, H, W] and the level's embedding [B, E]."""
        return self.attention(self.residual(x, embedding))


class Downsample(nn.Module):
    """Half the resolution, by a convolution of stride 2."""

    def __init__(self, channels: int, *, periodic: bool) -> None:
        super().__init__()
        self.conv = Convolution(channels, channels, periodic=periodic, stride=2)

    def forward(self, x: Tensor) -> Tensor:
        """[B, channels, H/2, W/2] of x [B, channels, H, W]."""
        return self.conv(x)


class Upsample(nn.Module):
    """Twice the resolution: each cell four times, then a convolution."""

    def __init__(self, channels: int, *, periodic: bool) -> None:
        super().__init__()
        self.conv = Convolution(channels, channels, periodic=periodic)

    def forward(self, x: Tensor) -> Tensor:
        """[B, channels, 2H, 2W] of x [B, channels, H, W]."""
        return self.conv(F.interpolate(x, scale_factor=2, mode="nearest"))
