"""What a GPU computes in place of the compiled kernels, where there is one: sums of waves, and the local gain.

The same sums in another order: they agree with those of the kernels to single precision. Each function computes on the
device of its tensors.
"""

from __future__ import annotations

import torch
from torch import Tensor

WAVES_TILE = 32_768
"""Positions whose waves are held at once: 256 MiB."""
GAIN_TILE = 65_536
"""Cells whose neighbours' values are held at once: 8 MiB a column."""


def device() -> torch.device | None:
    """Where to compute; None where there is no GPU."""
    return torch.device("cuda") if torch.cuda.is_available() else None


def sum_of_waves(
    positions: Tensor,  # [N, 4]
    frequencies: Tensor,  # [4, J]
    weights: Tensor,  # [2J, M, K], those of the cosines first
    patterns: Tensor,  # [N, M]
) -> Tensor:
    """Σₘ eₘ(x) Σⱼ (uⱼₘ cos ωⱼ·x + vⱼₘ sin ωⱼ·x), [N, K]."""
    total = positions.new_empty(len(positions), weights.shape[2])
    for start in range(0, len(positions), WAVES_TILE):
        tile = slice(start, start + WAVES_TILE)
        phase = positions[tile] @ frequencies
        fields = torch.cat([phase.cos(), phase.sin()], dim=1) @ weights.flatten(1)
        total[tile] = torch.einsum("nm,nmk->nk", patterns[tile], fields.unflatten(1, weights.shape[1:]))
    return total


def weigh(
    nearest: Tensor,  # [G, n] rows of `values`
    weights: Tensor,  # [G, n]
    values: Tensor,  # [N, V]
) -> Tensor:
    """Σᵢ wᵢ y(nearestᵢ) of each cell, [G, V]."""
    estimate = values.new_empty(len(nearest), values.shape[1])
    for start in range(0, len(nearest), GAIN_TILE):
        tile = slice(start, start + GAIN_TILE)
        rows = values.index_select(0, nearest[tile].flatten()).unflatten(0, nearest[tile].shape)
        estimate[tile] = torch.einsum("gn,gnv->gv", weights[tile], rows)
    return estimate
