"""How near an image is to another: PSNR, SSIM, and LPIPS where its weights are at hand."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from tellurion_core.errors import InvalidInput, Unavailable

Image = NDArray[np.float32]
"""[H, W, 3] in [0, 1]."""

WINDOW = 11
"""Side of SSIM's Gaussian window in pixels, σ 1.5."""
ALEXNET_SIDE = 31
"""Least side in pixels of which AlexNet's convolutions leave anything."""
ALEXNET = "alexnet-owt-7be5be79.pth"
"""torchvision's weights, which LPIPS judges through."""


def psnr(image: Image, truth: Image) -> float:
    """Peak signal-to-noise ratio in dB, −10 log₁₀ of the mean square; infinite where the two are equal.

    Raises InvalidInput where they are not two images of one size.
    """
    _check(image, truth)
    mean_square = float(np.mean((image.astype(np.float64) - truth) ** 2))
    return float("inf") if mean_square == 0 else -10 * float(np.log10(mean_square))


def ssim(image: Image, truth: Image) -> float:
    """Structural similarity, mean over channels and over the pixels whose window lies in the image.

    Raises InvalidInput where they are not two images of one size, or smaller than the window, and Unavailable without
    the extra `metrics`. Source: Wang et al. 2004, by scikit-image: Gaussian window of 11 pixels, σ 1.5, K₁ = .01,
    K₂ = .03.
    """
    _check(image, truth, WINDOW)
    try:
        from skimage.metrics import structural_similarity
    except ImportError:
        raise Unavailable("SSIM needs scikit-image: the extra tellurion-splatting[metrics]") from None
    how = {"gaussian_weights": True, "sigma": 1.5, "use_sample_covariance": False}
    one, other = image.astype(np.float64), truth.astype(np.float64)
    return float(structural_similarity(one, other, data_range=1.0, channel_axis=-1, **how))


def lpips(image: Image, truth: Image) -> float | None:
    """Learned perceptual distance by AlexNet, or None where the package or its weights are not on this machine.

    Nothing is downloaded: the weights are looked for where torchvision keeps them. Raises InvalidInput where they are
    not two images of one size, or smaller than the network takes. Source: Zhang et al. 2018.
    """
    _check(image, truth, ALEXNET_SIDE)
    distance = _perceptual_distance()
    return None if distance is None else distance(image, truth)


@cache
def _perceptual_distance() -> Callable[[Image, Image], float] | None:
    import torch

    try:
        from lpips import LPIPS
    except (ImportError, RuntimeError):  # not installed, or a torchvision built for another torch
        return None
    if not (Path(torch.hub.get_dir()) / "checkpoints" / ALEXNET).is_file():
        return None
    network = LPIPS(net="alex", verbose=False).eval()

    def distance(image: Image, truth: Image) -> float:
        planes = [torch.from_numpy(np.ascontiguousarray(a.transpose(2, 0, 1)))[None] for a in (image, truth)]
        with torch.no_grad():
            return float(network(*planes, normalize=True))

    return distance


def _check(image: Image, truth: Image, side: int = 1) -> None:
    if image.shape != truth.shape or image.ndim != 3 or image.size == 0:
        received = f"shapes {list(image.shape)} and {list(truth.shape)}"
        raise InvalidInput.of("image", received=received, accepted="two images [H, W, 3] of one size")
    if min(image.shape[:2]) < side:
        raise InvalidInput.of("image", received=f"shape {image.shape}", accepted=f"at least {side} pixels a side")
