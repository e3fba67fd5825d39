"""Structural similarity with a gradient: Wang et al. (2004), Image quality assessment, doi 10.1109/TIP.2003.819861."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn.functional import conv2d

from tellurion_core.kernels import compiled

RADIUS = 5
"""Pixels: the window is 11 wide."""
SIGMA = 1.5
C1, C2 = 0.01**2, 0.03**2
WINDOW = np.exp(-(np.arange(-RADIUS, RADIUS + 1) ** 2) / (2 * SIGMA**2))
WINDOW /= WINDOW.sum()


def ssim(a: Tensor, b: Tensor) -> Tensor:
    """The mean over pixels and channels of the similarity of two images [H, W, C] in 0 … 1."""
    return ssim_map(a, b).mean()


def ssim_map(a: Tensor, b: Tensor) -> Tensor:
    """[C, H, W] similarity at each pixel; beyond the border both images are 0, and (co)variances are biased."""
    a, b = a.permute(2, 0, 1), b.permute(2, 0, 1)
    mean_a, mean_b, square_a, square_b, product = blurred(torch.stack([a, b, a * a, b * b, a * b]))
    variances = square_a - mean_a**2 + square_b - mean_b**2
    covariance = product - mean_a * mean_b
    alike = (2 * mean_a * mean_b + C1) * (2 * covariance + C2)
    return alike / ((mean_a**2 + mean_b**2 + C1) * (variances + C2))


def blurred(maps: Tensor) -> Tensor:
    """Maps [..., H, W] under the Gaussian window; beyond the border they are 0."""
    return convolved(maps) if maps.is_cuda else _Blur.apply(maps)


def convolved(maps: Tensor) -> Tensor:
    """The same by torch's convolutions, which take many times as long on a CPU."""
    window = torch.from_numpy(WINDOW).to(maps)
    rows = conv2d(maps.reshape(-1, 1, *maps.shape[-2:]), window.view(1, 1, -1, 1), padding=(RADIUS, 0))
    return conv2d(rows, window.view(1, 1, 1, -1), padding=(0, RADIUS)).view_as(maps)


class _Blur(torch.autograd.Function):
    """Of a symmetric window with nothing beyond the border, and so its own adjoint."""

    @staticmethod
    def forward(ctx: Any, maps: Tensor) -> Tensor:
        flat = maps.detach().reshape(-1, *maps.shape[-2:]).contiguous().numpy()
        return torch.from_numpy(_blur(flat, WINDOW.astype(flat.dtype))).view_as(maps)

    @staticmethod
    def backward(ctx: Any, gradient: Tensor) -> Tensor:
        return _Blur.apply(gradient)


@compiled(nogil=True)
def _blur(maps: NDArray[Any], window: NDArray[Any]) -> NDArray[Any]:  # [M, H, W], [11]
    count, height, width = maps.shape
    out = np.empty_like(maps)
    line = np.zeros(width + 2 * RADIUS, maps.dtype)
    across = np.zeros((height + 2 * RADIUS, width), maps.dtype)
    for m in range(count):
        for i in range(height):
            line[RADIUS : RADIUS + width] = maps[m, i]
            for j in range(width):
                total = window[0] * line[j]
                for k in range(1, 2 * RADIUS + 1):
                    total += window[k] * line[j + k]
                across[RADIUS + i, j] = total
        for i in range(height):
            for j in range(width):
                total = window[0] * across[i, j]
                for k in range(1, 2 * RADIUS + 1):
                    total += window[k] * across[i + k, j]
                out[m, i, j] = total
    return out
