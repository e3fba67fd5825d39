"""What the two stages minimise."""

from __future__ import annotations

from collections.abc import Mapping

import torch
from torch import Tensor
from torch.nn.functional import avg_pool2d, conv2d

from tellurion_pointcloud.gaussian2scene.images import image_patches, normalised
from tellurion_pointcloud.gaussian2scene.masks import Masks
from tellurion_pointcloud.gaussian2scene.model import Gaussian2Scene, Seen, Views
from tellurion_pointcloud.geometry.distances import chamfer_l1, chamfer_l2

L1_SHARE = 0.8
"""Of the photometric loss; the rest is D-SSIM."""
SMALLER = 2
"""Pixels of a view's side that one of its render stands for."""
MATCHED = 2048
"""Places that are compared in one step."""
C1, C2 = 0.01**2, 0.03**2
WINDOW, SIGMA = 11, 1.5


def reconstruction(model: Gaussian2Scene, seen: Seen, masks: Masks) -> Mapping[str, Tensor]:
    """Stage 1: Chamfer-L2 of hidden patches in units of their spacing, mean square of hidden normalised pixels."""
    decoded = model(seen, masks)
    unit = decoded.spacing[:, None, None, None]
    scene, pixels = masks.scene, normalised(image_patches(seen.views.images, model.spec.image_patch))
    truth = (seen.patches[..., :3] / unit)[scene]
    return {
        "points": chamfer_l2((decoded.points / unit)[scene], truth).mean(),
        "image": (decoded.pixels - pixels)[masks.image].square().mean(),
    }


def splatting(
    model: Gaussian2Scene,
    seen: Seen,
    masks: Masks,
    fitted: Tensor,  # [B, M, 3]
    views: Views,
    random: torch.Generator,
) -> Mapping[str, Tensor]:
    """Stage 2: Chamfer-L1, metres, of the Gaussians' places to those of fitted ones, and how views of them look.

    Of both places as many are compared as `random` draws MATCHED of. The views may be others than those seen.
    """
    gaussians = model.predicted(model(seen, masks), seen.centres)
    photographs = avg_pool2d(views.images[:, :3] + 0.5, SMALLER).permute(0, 2, 3, 1)
    smaller = torch.tensor([1 / SMALLER, 1 / SMALLER, 1.0], device=views.K.device)[:, None]
    renders = gaussians.rendered(views.world_to_camera, views.K * smaller, tuple(photographs.shape[1:3]))
    places = (each[:, torch.randperm(each.shape[1], generator=random)[:MATCHED]] for each in (gaussians.means, fitted))
    return {"means": chamfer_l1(*places).mean(), **photometric(renders, photographs)}


def photometric(renders: Tensor, photographs: Tensor) -> Mapping[str, Tensor]:
    """0.8 L1 and 0.2 (1 − SSIM) of images [B, H, W, 3] in 0…1. Source: Kerbl et al. 2023, eq. 7."""
    return {
        "l1": L1_SHARE * (renders - photographs).abs().mean(),
        "d-ssim": (1 - L1_SHARE) * (1 - ssim(renders, photographs)),
    }


def ssim(a: Tensor, b: Tensor) -> Tensor:
    """Mean structural similarity of images [B, H, W, C] in 0…1, over the pixels whose window lies in the image.

    Source: Wang et al. 2004, with the constants of scikit-image: Gaussian window of 11 pixels, σ 1.5.
    """
    line = torch.exp(-((torch.arange(WINDOW, device=a.device) - WINDOW // 2) ** 2) / (2 * SIGMA**2))
    window = (line / line.sum()).to(a)
    a, b = (each.permute(0, 3, 1, 2).flatten(0, 1)[:, None] for each in (a, b))  # [B·C, 1, H, W]
    maps = torch.cat([a, b, a * a, b * b, a * b])
    with torch.autocast(a.device.type, enabled=False):  # variances are small differences of squares
        blurred = conv2d(conv2d(maps, window.view(1, 1, -1, 1)), window.view(1, 1, 1, -1))
    mean_a, mean_b, square_a, square_b, product = blurred.chunk(5)
    variances, covariance = square_a - mean_a**2 + square_b - mean_b**2, product - mean_a * mean_b
    alike = (2 * mean_a * mean_b + C1) * (2 * covariance + C2)
    return (alike / ((mean_a**2 + mean_b**2 + C1) * (variances + C2))).mean()
