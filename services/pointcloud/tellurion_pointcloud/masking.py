"""Patches hidden at random, as masked autoencoders hide them (He et al. 2022)."""

from __future__ import annotations

import torch
from torch import Tensor

HIDDEN = 0.6
"""Share of the patches that is hidden (Point-MAE; PiMAE)."""


def scattered(batch: int, groups: int, random: torch.Generator) -> tuple[Tensor, Tensor]:
    """Indices [B, visible] and [B, hidden] of patches in a random order; of two at least one is of either."""
    order = torch.rand(batch, groups, generator=random).argsort(1)
    hidden = min(max(round(HIDDEN * groups), 1), groups - 1)
    return order[:, hidden:], order[:, :hidden]
