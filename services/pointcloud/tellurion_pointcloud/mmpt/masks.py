"""Which patches token reconstruction hides: a block of neighbours."""

from __future__ import annotations

import torch
from torch import Tensor

BLOCK = (0.25, 0.45)
"""Share of the patches that is hidden, drawn evenly (Point-BERT)."""


def block(centres: Tensor, random: torch.Generator) -> Tensor:
    """[B, G] true for patches that are hidden: the nearest of centres [B, G, 3] to one of them, a share of BLOCK."""
    batch, groups, _ = centres.shape
    seed = torch.randint(groups, (batch,), generator=random)
    share = BLOCK[0] + (BLOCK[1] - BLOCK[0]) * torch.rand(batch, generator=random)
    apart = (centres - centres[torch.arange(batch), seed][:, None]).square().sum(-1)
    return apart.argsort(1).argsort(1) < (share * groups).round().clamp_min(1)[:, None]
