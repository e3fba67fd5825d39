"""Which patches are hidden: a share at random, or a block of neighbours."""

from __future__ import annotations

import torch
from torch import Tensor

BLOCK = (0.25, 0.45)
"""Share of the patches that token reconstruction hides, drawn evenly (Point-BERT)."""
HIDDEN = 0.6
"""Share that point reconstruction hides (Point-MAE)."""


def block(centres: Tensor, random: torch.Generator) -> Tensor:
    """[B, G] true for patches that are hidden: the nearest of centres [B, G, 3] to one of them, a share of BLOCK."""
    batch, groups, _ = centres.shape
    seed = torch.randint(groups, (batch,), generator=random)
    share = BLOCK[0] + (BLOCK[1] - BLOCK[0]) * torch.rand(batch, generator=random)
    apart = (centres - centres[torch.arange(batch), seed][:, None]).square().sum(-1)
    return apart.argsort(1).argsort(1) < (share * groups).round().clamp_min(1)[:, None]


def scattered(batch: int, groups: int, random: torch.Generator) -> tuple[Tensor, Tensor]:
    """Indices [B, visible] and [B, hidden] of patches in a random order, HIDDEN of them hidden."""
    order = torch.rand(batch, groups, generator=random).argsort(1)
    hidden = min(max(round(HIDDEN * groups), 1), groups - 1)
    return order[:, hidden:], order[:, :hidden]
