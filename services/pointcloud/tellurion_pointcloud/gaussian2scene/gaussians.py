"""Gaussians of a scene as a network predicts them: one at each reconstructed point."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor, nn

from tellurion_pointcloud.gaussian2scene.spec import Spec
from tellurion_splatting import rasterization

NUMBERS = {"quats": 4, "scales": 3, "opacities": 1, "colours": 3}
"""That a Gaussian has beside its place."""
SMALL = -2.0
"""Logit of the first scales, whose unit is the distance between patches: some points of a patch in 1/(1 + e²) of it."""
LIKELY = 1.0
"""Logit of the first opacities."""


@dataclass(frozen=True, eq=False)
class PredictedGaussians:
    """N Gaussians of each scene, activated as the rasteriser takes them."""

    means: Tensor
    """[B, N, 3] metres."""
    quats: Tensor
    """[B, N, 4] wxyz."""
    scales: Tensor
    """[B, N, 3] metres."""
    opacities: Tensor
    """[B, N]."""
    colours: Tensor
    """[B, N, 3] in 0…1."""

    def rendered(self, world_to_camera: Tensor, K: Tensor, size: tuple[int, int]) -> Tensor:
        """[B, H, W, 3] on black, from a camera [B, 4, 4] and [B, 3, 3] of each scene; `size` is (H, W)."""
        height, width = size
        values = self.means, self.quats, self.scales, self.opacities, self.colours
        return rasterization(*values, world_to_camera[:, None], K[:, None], width, height)[0][:, 0]


class GaussianHead(nn.Linear):
    """What Gaussians have beside their places, from the tokens of the patches whose points they are at."""

    def __init__(self, spec: Spec) -> None:
        super().__init__(spec.encoder.width, spec.encoder.group_size * sum(NUMBERS.values()))

    def forward(self, tokens: Tensor, points: Tensor, spacing: Tensor) -> PredictedGaussians:
        """Gaussians at points [B, G, K, 3] of patches with tokens [B, G, C] that are `spacing` [B] apart."""
        # Metres, rotations and what is multiplied along a ray need more digits than bfloat16 has.
        numbers = super().forward(tokens).float().unflatten(-1, (points.shape[2], -1)).flatten(1, 2)
        quats, scales, opacities, colours = numbers.split(list(NUMBERS.values()), -1)
        upright = torch.tensor([1.0, 0, 0, 0], device=numbers.device)
        return PredictedGaussians(
            means=points.float().flatten(1, 2),
            quats=quats + upright,
            scales=spacing[:, None, None] * torch.sigmoid(scales + SMALL),
            opacities=torch.sigmoid(opacities + LIKELY)[..., 0],
            colours=torch.sigmoid(colours),
        )
