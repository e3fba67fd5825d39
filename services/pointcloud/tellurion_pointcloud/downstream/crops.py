"""Clouds as one viewpoint sees them: the nearer half of their points.

Source: Yu et al. 2021 (PoinTr), whose viewpoints are here infinitely far.
"""

from __future__ import annotations

import math

import torch
from torch import Tensor
from torch.nn import functional


def nearer_half(clouds: Tensor, directions: Tensor) -> Tensor:
    """[B, N // 2, 3] of clouds [B, N, 3]: the points farthest along the directions [B, 3] towards the viewpoints."""
    nearness = (clouds @ directions[..., None])[..., 0]
    index = nearness.topk(clouds.shape[1] // 2, dim=1).indices
    return clouds.gather(1, index[..., None].expand(-1, -1, 3))


def random_directions(count: int, random: torch.Generator) -> Tensor:
    """[count, 3] unit vectors, all directions alike."""
    return functional.normalize(torch.randn(count, 3, generator=random), dim=-1)


def even_directions(count: int) -> Tensor:
    """[count, 3] unit vectors spread evenly: Fibonacci's lattice on the sphere."""
    index = torch.arange(count, dtype=torch.float64)
    height = 1 - (2 * index + 1) / count
    turn = index * math.pi * (3 - math.sqrt(5))
    across = torch.sqrt(1 - height.square())
    return torch.stack([across * turn.cos(), across * turn.sin(), height], -1).float()
