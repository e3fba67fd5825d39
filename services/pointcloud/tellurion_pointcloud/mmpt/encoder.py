"""The encoder that remains when pre-training is over: patches to tokens to one embedding."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor, nn

from tellurion_pointcloud.geometry import grouped
from tellurion_pointcloud.mmpt.spec import Spec
from tellurion_pointcloud.patches import PatchEmbedding
from tellurion_pointcloud.transformer import PositionEmbedding, Transformer


@dataclass(frozen=True, eq=False)
class Encoded:
    """What an encoder says of clouds."""

    embedding: Tensor
    """[B, 2C]: the largest and the mean of all tokens."""
    tokens: Tensor
    """[B, G, C]."""
    centres: Tensor
    """[B, G, 3] in the normalised cloud."""


class Encoder(nn.Module):
    """Patches of points to tokens.

    Source: Yu et al. 2022 (Point-BERT), Pang et al. 2022 (Point-MAE).
    """

    def __init__(self, spec: Spec) -> None:
        super().__init__()
        self.patches = PatchEmbedding(spec.width, spec.hidden)
        self.positions = PositionEmbedding(spec.width)
        self.transformer = Transformer(spec.width, spec.depth, spec.heads, spec.drop_path)

    def forward(self, patches: Tensor, centres: Tensor) -> Tensor:
        """[B, G, C] of patches [B, G, K, 3] relative to centres [B, G, 3]."""
        return self.mixed(self.patches(patches), centres)

    def mixed(self, tokens: Tensor, centres: Tensor) -> Tensor:
        """[B, G, C] of the tokens [B, G, C] of patches, as they are before they know of each other."""
        return self.transformer(tokens, self.positions(centres))


def encoded(encoder: Encoder, spec: Spec, clouds: Tensor) -> Encoded:
    """What an encoder of this spec says of normalised clouds [B, N, 3], N at least the patches and the points of each.

    Raises InvalidInput for clouds of fewer points, or that are not finite.
    """
    cut = grouped(clouds.numpy(force=True), spec.groups, spec.group_size)
    centres = torch.from_numpy(cut.centres).to(clouds.device)
    tokens = encoder(torch.from_numpy(cut.points).to(clouds.device), centres)
    return Encoded(pooled(tokens), tokens, centres)


def pooled(tokens: Tensor) -> Tensor:
    """[B, 2C]: the largest and the mean of the tokens [B, G, C]."""
    return torch.cat([tokens.amax(1), tokens.mean(1)], -1)
