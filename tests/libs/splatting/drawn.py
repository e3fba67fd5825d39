"""Scenes drawn at random, as the arguments that `rasterization` and the oracle share."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import count as counting
from typing import Any

import torch
from all_pairs import all_pairs
from torch import Tensor

Arguments = dict[str, Any]
DIFFERENTIABLE = (
    "means",
    "quats",
    "scales",
    "opacities",
    "colors",
    "viewmats",
    "backgrounds",
    "covars",
    "extra_signals",
)


def draw(
    seed: int,
    *,
    count: int = 12,
    width: int = 24,
    height: int = 20,
    cameras: int = 1,
    channels: int = 3,
    sh_degree: int | None = None,
    spread: float = 1.0,
    opacity: tuple[float, float] = (0.1, 0.95),
    backgrounds: bool = True,
) -> Arguments:
    """`count` Gaussians about the origin, and cameras 3.5 before it that see some 45° of it, in float64.

    With a spread of 3 and more, many means are outside 1.3 times the field of view.
    """
    generator = torch.Generator().manual_seed(seed)

    def uniform(*shape: int, low: float = 0.0, high: float = 1.0) -> Tensor:
        return low + (high - low) * torch.rand(*shape, generator=generator, dtype=torch.float64)

    turn = torch.linalg.matrix_exp(_cross(uniform(cameras, 3, low=-0.4, high=0.4)))
    viewmats = torch.eye(4, dtype=torch.float64).repeat(cameras, 1, 1)
    viewmats[:, :3, :3] = turn
    viewmats[:, :3, 3] = torch.tensor([0.0, 0.0, 3.5]) + uniform(cameras, 3, low=-0.3, high=0.3)
    focal = 1.2 * width
    K = torch.tensor([[focal, 0, 0.53 * width], [0, 1.1 * focal, 0.48 * height], [0, 0, 1]], dtype=torch.float64)
    if sh_degree is None:
        colors = uniform(count, channels)
    else:
        colors = uniform(count, (sh_degree + 1) ** 2, 3, low=-0.4, high=0.4)
    return {
        "means": uniform(count, 3, low=-1.0) * torch.tensor([spread, spread, 1.0]),
        "quats": torch.randn(count, 4, generator=generator, dtype=torch.float64),
        "scales": uniform(count, 3, low=-3.0, high=-0.8).exp() * spread,
        "opacities": uniform(count, low=opacity[0], high=opacity[1]),
        "colors": colors,
        "viewmats": viewmats,
        "Ks": K.repeat(cameras, 1, 1),
        "width": width,
        "height": height,
        "sh_degree": sh_degree,
        "backgrounds": uniform(cameras, channels if sh_degree is None else 3) if backgrounds else None,
    }


def draw_smooth(seed: int, margin: float = 1e-3, **options: Any) -> Arguments:
    """The first scene drawn of which no α and no T is as near as that to a cut-off, for derivatives by differences."""
    asked = {name: options.pop(name) for name in ("profile", "rasterize_mode") if name in options}
    return next(scene for scene in _drawn(seed, options) if all_pairs(**scene, **asked).margin.min() > margin)


def on_axis(*opacities: float, step: float = 0.5, size: float = 0.5, width: int = 17, height: int = 17) -> Arguments:
    """Spheres one behind the other, seen at the very centre of the middle pixel; each has a channel of its own."""
    count = len(opacities)
    means = torch.zeros(count, 3, dtype=torch.float64)
    means[:, 2] = 2 + step * torch.arange(count)
    return {
        "means": means,
        "quats": torch.tensor([[1.0, 0, 0, 0]], dtype=torch.float64).repeat(count, 1),
        "scales": torch.full((count, 3), size, dtype=torch.float64),
        "opacities": torch.tensor(opacities, dtype=torch.float64),
        "colors": torch.eye(count, dtype=torch.float64),
        "viewmats": torch.eye(4, dtype=torch.float64)[None],
        "Ks": torch.tensor([[[20.0, 0, width / 2], [0, 20.0, height / 2], [0, 0, 1]]], dtype=torch.float64),
        "width": width,
        "height": height,
    }


def cast(scene: Arguments, dtype: torch.dtype) -> Arguments:
    """The scene in another precision."""
    return {name: value.to(dtype) if isinstance(value, Tensor) else value for name, value in scene.items()}


def rows(scene: Arguments, chosen: Tensor) -> Arguments:
    """The scene with these Gaussians alone, in this order."""
    names = ("means", "quats", "scales", "opacities", "colors")
    return scene | {name: scene[name][chosen] for name in names}


def leaves(scene: Arguments) -> dict[str, Tensor]:
    """Copies, by name, of what has a gradient; each asks for it."""
    found = {name: scene[name] for name in DIFFERENTIABLE if scene.get(name) is not None}
    return {name: value.detach().clone().requires_grad_() for name, value in found.items()}


def _drawn(seed: int, options: Arguments) -> Iterator[Arguments]:
    return (draw(1000 * seed + again, **options) for again in counting())


def _cross(vectors: Tensor) -> Tensor:
    x, y, z = vectors.unbind(-1)
    zero = torch.zeros_like(x)
    return torch.stack([zero, -z, y, z, zero, -x, -y, x, zero], dim=-1).unflatten(-1, (3, 3))
