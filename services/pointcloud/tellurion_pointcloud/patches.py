"""Tokens of patches: a small PointNet over the points of each, told of their centre.

Source: Qi et al. 2017 (PointNet); Yu et al. 2022 (Point-BERT): 3 → 128 → 256, max, concatenated, 512 → 512 → C.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional


class PatchEmbedding(nn.Module):
    """A token of each patch, the same in whatever order its points come."""

    def __init__(self, width: int, hidden: int = 128, channels: int = 3) -> None:
        """`hidden` is 128 at full size; points have `channels` numbers, the first three their place."""
        super().__init__()
        self.points = nn.Sequential(
            nn.Linear(channels, hidden), PointNorm(hidden), nn.ReLU(), nn.Linear(hidden, 2 * hidden)
        )
        # One layer over a point's features beside the patch's largest: the latter's half is worked out once a patch.
        self.own = nn.Linear(2 * hidden, 4 * hidden)
        self.largest = nn.Linear(2 * hidden, 4 * hidden, bias=False)
        self.patch = nn.Sequential(PointNorm(4 * hidden), nn.ReLU(), nn.Linear(4 * hidden, width))

    def forward(self, patches: Tensor) -> Tensor:
        """[B, G, C] of patches [B, G, K, channels], whose places are relative to their centre."""
        features = self.points(patches)
        largest = features.max(2, keepdim=True).values
        return self.patch(self.own(features) + self.largest(largest)).max(2).values


class PointNorm(nn.Module):
    """Batch normalisation of the last axis over all others; torch's own counts batches, an integer no weights hold."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.weight, self.bias = nn.Parameter(torch.ones(width)), nn.Parameter(torch.zeros(width))
        self.register_buffer("mean", torch.zeros(width))
        self.register_buffer("variance", torch.ones(width))

    def forward(self, features: Tensor) -> Tensor:
        """Features […, width] of mean 0 and variance 1, scaled and moved."""
        flat = features.flatten(0, -2)
        normal = functional.batch_norm(flat, self.mean, self.variance, self.weight, self.bias, self.training)
        return normal.view_as(features)
