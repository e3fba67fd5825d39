"""What others do on a CPU where there is no compiled kernel: the loops and tables of PointNet++ in PyTorch, and scipy.

Source: the farthest-point loop, the sorted ball query and the sorted table of distances that PyTorch implementations of
PointNet++ (Qi et al. 2017) have in common, written anew.
"""

from __future__ import annotations

import numpy as np
import torch
from numpy.typing import NDArray
from scipy.spatial import cKDTree
from torch import Tensor

Array = NDArray[np.float32]


def farthest_loop(clouds: Tensor, count: int) -> Tensor:
    """[B, G] of clouds [B, N, 3], the first point first: one step of the loop for each point chosen."""
    batch = torch.arange(len(clouds))
    distance = torch.full(clouds.shape[:2], torch.inf)
    chosen = torch.zeros(len(clouds), dtype=torch.long)
    index = torch.empty(len(clouds), count, dtype=torch.long)
    for g in range(count):
        index[:, g] = chosen
        squared = (clouds - clouds[batch, chosen][:, None]).square().sum(-1)
        closer = squared < distance
        distance[closer] = squared[closer]
        chosen = distance.argmax(-1)
    return index


def neighbours_loop(queries: Tensor, clouds: Tensor, k: int) -> Tensor:
    """[B, Q, k]: one step of the loop for each query."""
    return torch.stack(
        [
            torch.stack([(cloud - query).square().sum(-1).topk(k, largest=False).indices for query in around])
            for around, cloud in zip(queries, clouds, strict=True)
        ]
    )


def neighbours_sorted(queries: Tensor, clouds: Tensor, k: int) -> Tensor:
    """[B, Q, k] by sorting all distances."""
    return _squared(queries, clouds).argsort(-1)[..., :k]


def neighbours_topk(queries: Tensor, clouds: Tensor, k: int) -> Tensor:
    """[B, Q, k] by `cdist` and `topk`."""
    return torch.cdist(queries, clouds).topk(k, largest=False).indices


def neighbours_scipy(queries: Array, clouds: Array, k: int) -> NDArray[np.int64]:
    """[B, Q, k] by a tree of each cloud."""
    return np.stack(
        [cKDTree(cloud).query(around, k, workers=-1)[1] for around, cloud in zip(queries, clouds, strict=True)]
    )


def ball_loop(queries: Tensor, clouds: Tensor, radius: float, k: int) -> Tensor:
    """[B, Q, k], the first in the order of the cloud, filled up with the very first: one step for each query."""
    rows = []
    for around, cloud in zip(queries, clouds, strict=True):
        for query in around:
            inside = ((cloud - query).square().sum(-1) <= radius**2).nonzero()[:k, 0]
            rows.append(torch.cat([inside, inside[:1].expand(k - len(inside))]))
    return torch.stack(rows).view(*queries.shape[:2], k)


def ball_sorted(queries: Tensor, clouds: Tensor, radius: float, k: int) -> Tensor:
    """The same by sorting the numbers of all points."""
    count = clouds.shape[1]
    index = torch.arange(count).expand(*queries.shape[:2], count).clone()
    index[_squared(queries, clouds) > radius**2] = count
    index = index.sort(-1).values[..., :k]
    return torch.where(index == count, index[..., :1], index)


def ball_scipy(queries: Array, clouds: Array, radius: float, k: int) -> list[list[int]]:
    """The first k of each ball by a tree of each cloud."""
    pairs = zip(queries, clouds, strict=True)
    return [row[:k] for around, cloud in pairs for row in cKDTree(cloud).query_ball_point(around, radius, workers=-1)]


def chamfer_scipy(a: Array, b: Array) -> float:
    """Mean d₁² + mean d₂² by two trees."""
    there, back = (cKDTree(to).query(of, workers=-1)[0] for of, to in ((a, b), (b, a)))
    return float((there**2).mean() + (back**2).mean())


def _squared(queries: Tensor, clouds: Tensor) -> Tensor:
    products = queries @ clouds.mT
    return queries.square().sum(-1)[..., None] + clouds.square().sum(-1)[:, None] - 2 * products
