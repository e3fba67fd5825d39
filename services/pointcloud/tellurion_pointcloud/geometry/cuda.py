"""The same functions by torch, for clouds that are on a CUDA device; they run anywhere, and round as the CPU's do."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

from tellurion_core.errors import InvalidInput
from tellurion_pointcloud.geometry.checks import BITS, FARTHEST, check_count, check_pair, check_span

PAIRS = 1 << 24
"""Distances that are held at once."""


def holds(points: Any) -> bool:
    """Whether the points are a tensor on a CUDA device."""
    return isinstance(points, Tensor) and points.is_cuda


def farthest_points(clouds: Tensor, count: int) -> Tensor:
    """As `geometry.farthest_points`."""
    clouds = _checked(clouds, "clouds", 3).float()
    check_count(count, "count", most=clouds.shape[1])
    order = _lexicographic(clouds)
    clouds = _rows(clouds, order)
    distance = _squared(clouds, _means(clouds)[:, None])
    index = [distance.argmax(1)]
    distance.fill_(torch.inf)
    for _ in range(count - 1):
        last = index[-1][:, None]
        distance = torch.minimum(distance, _squared(clouds, _rows(clouds, last))).scatter_(1, last, -1)
        index.append(distance.argmax(1))
    return order.gather(1, torch.stack(index, 1))


def neighbours(queries: Tensor, clouds: Tensor, k: int) -> Tensor:
    """As `geometry.neighbours`."""
    return _near(queries, clouds, k)[0]


def within(queries: Tensor, clouds: Tensor, radius: float, k: int) -> tuple[Tensor, Tensor]:
    """As `geometry.within`."""
    index, squared = _near(queries, clouds, k)
    inside = squared <= torch.tensor(radius, dtype=torch.float32, device=squared.device) ** 2
    return torch.where(inside, index, index[..., :1]), inside.sum(-1)


def grouped(clouds: Tensor, groups: int, size: int) -> tuple[Tensor, Tensor, Tensor]:
    """As `geometry.grouped`."""
    clouds = _checked(clouds, "clouds", 3).float()
    centres = _rows(clouds, farthest_points(clouds, groups))
    index = neighbours(centres, clouds, size)
    return centres, _rows(clouds, index.flatten(1)).view(*index.shape, 3) - centres[:, :, None], index


def nearest(queries: Tensor, points: Tensor) -> tuple[Tensor, Tensor]:
    """As `geometry.nearest`."""
    queries, points = _checked(queries, "queries", 2).float(), _checked(points, "points", 2).float()
    order = _lexicographic(points[None])[0]
    points = points[order]
    found = [_squared(part[:, None], points).min(1) for part in queries.split(max(1, PAIRS // len(points)))]
    return torch.cat([part.values for part in found]), order[torch.cat([part.indices for part in found])]


def voxels(points: Tensor, size: float) -> tuple[Tensor, Tensor, Tensor]:
    """As `geometry.voxels`."""
    points = _checked(points, "points", 2)
    low = points.amin(0)
    check_span(float((points.amax(0) - low).amax()) / size)
    cells = ((points - low) / torch.tensor(size).to(points)).long()
    keys = (cells[:, 0] << 2 * BITS) | (cells[:, 1] << BITS) | cells[:, 2]
    _, index, counts = torch.unique(keys, return_inverse=True, return_counts=True)
    sums = torch.zeros(len(counts), 3, dtype=torch.float64, device=points.device)
    sums.index_add_(0, index, (points - low).double())
    return index, (low + sums / counts[:, None]).to(points.dtype), counts


def _checked(points: Tensor, field: str, axes: int) -> Tensor:
    if points.ndim != axes or points.shape[-1] != 3 or not points.numel():
        raise InvalidInput.of(field, received=f"shape {list(points.shape)}", accepted="points [..., 3], at least one")
    largest = points.detach().abs().amax()
    if not largest <= FARTHEST:
        raise InvalidInput.of(field, received=f"a coordinate of {largest}", accepted=f"finite, of at most {FARTHEST:g}")
    return points.detach()


def _near(queries: Tensor, clouds: Tensor, k: int) -> tuple[Tensor, Tensor]:
    """Indices and squared distances [B, Q, k] of the nearest points."""
    queries, clouds = _checked(queries, "queries", 3).float(), _checked(clouds, "clouds", 3).float()
    check_pair(queries, clouds)
    check_count(k, "k", most=clouds.shape[1])
    order = _lexicographic(clouds)
    clouds = _rows(clouds, order)[:, None]
    parts = []
    for part in queries.split(max(1, PAIRS // (clouds.shape[0] * clouds.shape[2])), dim=1):
        squared, index = _squared(part[:, :, None], clouds).sort(dim=-1, stable=True)
        parts.append((order.gather(1, index[..., :k].flatten(1)).view(*part.shape[:2], k), squared[..., :k]))
    index, squared = (torch.cat(column, 1) for column in zip(*parts, strict=True))
    return index, squared


def _lexicographic(clouds: Tensor) -> Tensor:
    """The order [B, N] of points [B, N, 3] by x, y, z; the first of equal distances is then the first by place."""
    order = clouds[..., 2].argsort(dim=1, stable=True)
    for axis in (1, 0):
        order = order.gather(1, clouds[..., axis].gather(1, order).argsort(dim=1, stable=True))
    return order


def _means(clouds: Tensor) -> Tensor:
    """The means [B, 3] as sums of integers, which no order of the points changes."""
    count = clouds.shape[1]
    bits = 62 - torch.frexp(clouds.abs().amax(1)).exponent - count.bit_length()
    scale = torch.ldexp(torch.ones_like(bits, dtype=torch.float64), bits)[:, None]
    return ((clouds.double() * scale).long().sum(1, keepdim=True) / scale / count).float()[:, 0]


def _rows(clouds: Tensor, index: Tensor) -> Tensor:
    return clouds.gather(1, index[..., None].expand(-1, -1, 3))


def _squared(a: Tensor, b: Tensor) -> Tensor:
    """Squared distances, added in the order of the axes."""
    x, y, z = (a - b).square().unbind(-1)
    return x + y + z
