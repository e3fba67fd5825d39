"""Part segmentation: tokens carried to the points between their centres, and a head that names each point's part.

Source: Qi et al. 2017 (PointNet++), equation 2: the mean of the three nearest by inverse squared distance.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from tellurion_pointcloud.downstream.backbone import Backbone
from tellurion_pointcloud.geometry import neighbours

Integers = NDArray[np.integer[Any]]

NEAREST = 3
HIDDEN = 256
DROPPED = 0.5


class PartSegmenter(nn.Module):
    """Clouds to the part of each point, of one vocabulary of parts for all classes."""

    def __init__(self, backbone: Backbone, parts: int) -> None:
        super().__init__()
        self.backbone = backbone
        width = backbone.spec.width
        self.local = nn.Linear(width + 3, HIDDEN)
        self.whole = nn.Linear(2 * width, HIDDEN, bias=False)
        self.head = nn.Sequential(nn.ReLU(), nn.Linear(HIDDEN, HIDDEN), nn.ReLU(), nn.Dropout(DROPPED))
        self.parts = nn.Linear(HIDDEN, parts)

    def forward(self, clouds: Tensor) -> Tensor:
        """[B, N, parts] unnormalised log probabilities of normalised clouds [B, N, 3]."""
        seen = self.backbone(clouds)
        carried = torch.cat([propagated(seen.tokens, seen.centres, clouds), clouds], -1)
        return self.parts(self.head(self.local(carried) + self.whole(seen.embedding)[:, None]))


def propagated(tokens: Tensor, centres: Tensor, points: Tensor) -> Tensor:
    """[B, N, C] at points [B, N, 3], of tokens [B, G ≥ 3, C] at centres [B, G, 3]; at a centre it is its token."""
    found = neighbours(points.numpy(force=True), centres.numpy(force=True), NEAREST)
    index = torch.from_numpy(found).to(tokens.device)  # [B, N, 3]
    batch = torch.arange(len(tokens), device=tokens.device)[:, None, None]
    apart = (points[:, :, None] - centres[batch, index]).square().sum(-1)
    weights = 1 / apart.clamp_min(1e-10)
    return ((weights / weights.sum(-1, keepdim=True))[..., None] * tokens[batch, index]).sum(2)


def mean_iou(predicted: Integers, true: Integers, parts: Integers) -> float:
    """Mean over a cloud's possible `parts` of intersection over union of its points [N]; 1 for a part in neither.

    Source: Yi et al. 2016 (ShapeNetPart), whose score of a data set is the mean of this over clouds.
    """
    union = [np.count_nonzero((predicted == part) | (true == part)) for part in parts]
    shared = [np.count_nonzero((predicted == part) & (true == part)) for part in parts]
    return float(np.mean([both / either if either else 1.0 for both, either in zip(shared, union, strict=True)]))
