"""The loss of a set of predictions: each object is matched with one query, at the least cost in all.

Source: Carion et al. 2020 (DETR); Misra et al. 2021 (3DETR); Rezatofighi et al. 2019 (generalised IoU).
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import torch
from scipy.optimize import linear_sum_assignment
from torch import Tensor
from torch.nn import functional

from tellurion_pointcloud.detection.detector import Predictions

CLASS, CENTRE, SIZE, GIOU = 1.0, 2.0, 1.0, 2.0
"""Weights of the terms, lengths in metres; of the loss and of the cost of a match alike."""
NO_OBJECT = 0.2
"""What a query that is matched with nothing counts in the classification."""


class Target(NamedTuple):
    """The objects of a scene, in the frame of its patches."""

    classes: Tensor
    """[M] int64."""
    centres: Tensor
    """[M, 3] metres."""
    sizes: Tensor
    """[M, 3] metres."""


def generalised_overlap(centres: Tensor, sizes: Tensor, other_centres: Tensor, other_sizes: Tensor) -> Tensor:
    """Generalised IoU […] of boxes along the axes, […, 3] each: from −1, far apart, to 1, the same."""
    low, high = centres - sizes / 2, centres + sizes / 2
    other_low, other_high = other_centres - other_sizes / 2, other_centres + other_sizes / 2
    shared = (torch.minimum(high, other_high) - torch.maximum(low, other_low)).clamp(min=0).prod(-1)
    hull = (torch.maximum(high, other_high) - torch.minimum(low, other_low)).prod(-1)
    union = sizes.prod(-1) + other_sizes.prod(-1) - shared
    return shared / union - (hull - union) / hull


def set_loss(predictions: Predictions, targets: Sequence[Target]) -> dict[str, Tensor]:
    """The weighted terms by name, summed over the decoder's blocks, each of which is matched for itself."""
    logits, centres, sizes = predictions
    layer, scene, query, chosen = _matches(predictions, targets)
    truth = Target(*(torch.cat(each) for each in zip(*targets, strict=True)))
    wanted = torch.full(logits.shape[:3], logits.shape[3] - 1, device=logits.device)
    wanted[layer, scene, query] = truth.classes[chosen]
    weight = logits.new_ones(logits.shape[3])
    weight[-1] = NO_OBJECT
    found = centres[layer, scene, query], sizes[layer, scene, query]
    right = truth.centres[chosen], truth.sizes[chosen]
    objects = max(len(truth.classes), 1)
    said = functional.cross_entropy(logits.flatten(0, 2), wanted.flatten(), weight)
    return {
        "class": CLASS * len(logits) * said,
        "centre": CENTRE * (found[0] - right[0]).abs().sum() / objects,
        "size": SIZE * (found[1] - right[1]).abs().sum() / objects,
        "giou": GIOU * (1 - generalised_overlap(*found, *right)).sum() / objects,
    }


@torch.no_grad()
def _matches(predictions: Predictions, targets: Sequence[Target]) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    """Layer, scene, query [P] and the object [P], counted over all scenes, of each match."""
    logits, centres, sizes = predictions
    likely = logits.softmax(-1)
    first = np.cumsum([0, *(len(target.classes) for target in targets)])
    matched = []
    for scene, target in enumerate(targets):
        centre, size = centres[:, scene, :, None], sizes[:, scene, :, None]  # [L, Q, 1, 3]
        cost = (
            CENTRE * (centre - target.centres).abs().sum(-1)
            + SIZE * (size - target.sizes).abs().sum(-1)
            - GIOU * generalised_overlap(centre, size, target.centres, target.sizes)
            - CLASS * likely[:, scene][..., target.classes]
        )
        for layer, costs in enumerate(cost.numpy(force=True)):
            # What diverged is matched somehow: its loss is not finite either, and ends the training.
            query, chosen = linear_sum_assignment(np.nan_to_num(costs))
            matched += [(layer, scene, q, m + first[scene]) for q, m in zip(query, chosen, strict=True)]
    rows = torch.tensor(matched, dtype=torch.int64, device=logits.device).reshape(-1, 4)
    return tuple(rows.T)
