"""Chamfer distances of batches of clouds, with gradients by torch.

Source: Fan, Su and Guibas 2017, A point set generation network for 3D object reconstruction from a single image.
"""

from __future__ import annotations

import torch
from torch import Tensor

from tellurion_pointcloud.geometry import cuda
from tellurion_pointcloud.geometry.grouping import neighbours
from tellurion_pointcloud.geometry.tree import nearest

FEW = 4096
"""Points up to which all pairs take less time than a tree."""


def chamfer_l1(a: Tensor, b: Tensor) -> Tensor:
    """(mean d₁ + mean d₂) / 2 [B] of clouds [B, N, 3] and [B, M, 3]; the gradient of a distance of 0 is 0.

    Raises:
        InvalidInput: a cloud is empty or not finite.
    """
    there, back = _differences(a, b)
    return (torch.linalg.vector_norm(there, dim=-1).mean(1) + torch.linalg.vector_norm(back, dim=-1).mean(1)) / 2


def chamfer_l2(a: Tensor, b: Tensor) -> Tensor:
    """Mean d₁² + mean d₂² [B] of clouds [B, N, 3] and [B, M, 3].

    Raises:
        InvalidInput: a cloud is empty or not finite.
    """
    there, back = _differences(a, b)
    return there.square().sum(-1).mean(1) + back.square().sum(-1).mean(1)


def _differences(a: Tensor, b: Tensor) -> tuple[Tensor, Tensor]:
    """From every point to the nearest of the other cloud, [B, N, 3] and [B, M, 3]."""
    return a - _matched(a, b), b - _matched(b, a)


def _matched(queries: Tensor, clouds: Tensor) -> Tensor:
    """The nearest points [B, Q, 3] of the clouds."""
    return clouds.gather(1, _index(queries.detach(), clouds.detach())[..., None].expand(-1, -1, 3))


def _index(queries: Tensor, clouds: Tensor) -> Tensor:
    if cuda.holds(queries):
        return cuda.neighbours(queries, clouds, 1)[..., 0]
    if clouds.shape[1] <= FEW:
        return torch.from_numpy(neighbours(queries.numpy(), clouds.numpy(), 1)[..., 0])
    pairs = zip(queries.numpy(), clouds.numpy(), strict=True)
    return torch.stack([torch.from_numpy(nearest(*pair)[1]) for pair in pairs])
