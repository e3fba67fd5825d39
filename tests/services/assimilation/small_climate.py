"""A small climate whose background errors are Gaussian, zonally symmetric, and known."""

from __future__ import annotations

import torch
from torch import Tensor

from tellurion_assimilation.autoencoder import Autoencoder, fit

CHANNELS, HEIGHT, WIDTH = 3, 8, 16
ROWS, COLUMNS = 4, 8
AREA = torch.cos(torch.linspace(-1.3, 1.3, HEIGHT))
AREA = AREA / AREA.sum()
STD = torch.tensor([2.0, 0.5, 100.0])
MIRROR = torch.tensor([1.0, -1.0, 1.0])


def errors(count: int, seed: int) -> Tensor:
    """Smooth errors [count, C, Y, X] in units of STD; the third channel follows the first."""
    generator = torch.Generator().manual_seed(seed)
    draws = torch.randn(count, CHANNELS, HEIGHT, WIDTH, generator=generator)
    waves = torch.exp(-(torch.arange(WIDTH // 2 + 1) ** 2) / 5.0)
    smooth = torch.fft.irfft(torch.fft.rfft(draws) * waves, WIDTH)
    apart = torch.arange(HEIGHT)[:, None] - torch.arange(HEIGHT)
    smooth = torch.einsum("yz,bczx->bcyx", torch.exp(-(apart**2) / 3.0), smooth)
    smooth[:, 2] += smooth[:, 0]
    return smooth


def autoencoder(count: int = 2000) -> Autoencoder:
    """Fitted to these errors."""
    return fit([errors(count, 0)], STD, AREA, mirror=MIRROR, rows=ROWS, columns=COLUMNS)
