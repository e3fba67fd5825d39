"""Images as patches, and the branch that encodes those of them that are visible."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from tellurion_pointcloud.gaussian2scene.spec import Spec
from tellurion_pointcloud.transformer import Transformer

FLAT = 1e-4
"""Variance that a patch counts as having at least."""


def image_patches(images: Tensor, patch: int) -> Tensor:
    """[B, T, C·patch²] of images [B, C, H, W], row by row."""
    cut = images.unfold(2, patch, patch).unfold(3, patch, patch)  # [B, C, rows, columns, patch, patch]
    return cut.permute(0, 2, 3, 1, 4, 5).flatten(3).flatten(1, 2)


def normalised(patches: Tensor) -> Tensor:
    """Patches [B, T, P], each less its mean and over its standard deviation. Source: He et al. 2022 (MAE)."""
    variance, mean = torch.var_mean(patches, -1, keepdim=True, correction=0)
    return (patches - mean) / (variance + FLAT).sqrt()


class ImageEncoder(nn.Module):
    """Visible patches of images to tokens."""

    def __init__(self, spec: Spec) -> None:
        super().__init__()
        self.patches = nn.Linear(spec.pixels, spec.encoder.width)
        self.positions = nn.Parameter(torch.randn(spec.image_patches, spec.encoder.width) * 0.02)
        self.transformer = Transformer(spec.encoder.width, spec.image_depth, spec.encoder.heads)

    def forward(self, patches: Tensor, places: Tensor, present: Tensor) -> Tensor:
        """[B, V, C] of patches [B, V, P] at `places` [B, V] of the image; none attends to those not `present`."""
        return self.transformer(self.patches(patches), self.positions[places], present)
