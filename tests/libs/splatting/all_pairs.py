"""Splatting as its equations say it: every Gaussian at every pixel, one after the other, in float64 and without tiles.

The oracle of the compiled kernels, written from the equations (Zwicker et al., EWA Splatting, 2002; Kerbl et al., 3D
Gaussian Splatting, 2023) and from the constants of the released rasterisers alone. Gradients are autograd's.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, fields
from itertools import product
from typing import Any

import torch
from numpy.polynomial import Legendre, Polynomial
from torch import Tensor
from torch.nn.functional import normalize

ALPHA_MIN = 1 / 255
LAST_TRANSMITTANCE = 1e-4


@dataclass(frozen=True)
class Rules:
    """What the released rasterisers do differently."""

    alpha_cap: float
    strict: bool = False
    """A pixel ends where T < 1e-4; else where T ≤ 1e-4."""
    beyond: float = 0.0
    """Depth up to which nothing is drawn, whatever the near plane."""
    compensation_floor: float = 0.0
    square: bool = False
    """A Gaussian is seen in the tiles that a square of 3σ touches; else wherever its α counts."""


RULES = {
    "gsplat": Rules(0.999),
    "gsplat16": Rules(0.99, compensation_floor=0.005),
    "inria": Rules(0.99, strict=True, beyond=0.2, compensation_floor=0.005, square=True),
}


@dataclass(frozen=True)
class Rendering:
    """Images [..., C, H, W, channels] of `all_pairs`; None where not asked for."""

    colors: Tensor
    alphas: Tensor
    margin: Tensor
    """[..., C, H, W]: the least relative distance of any α or T of the pixel from a cut-off."""
    extra_signals: Tensor | None = None
    second_colors: Tensor | None = None
    second_alphas: Tensor | None = None


@dataclass(frozen=True)
class Footprints:
    """N Gaussians as one camera sees them."""

    means2d: Tensor  # [N, 2] pixels
    depths: Tensor  # [N]
    covariances: Tensor  # [N, 2, 2] pixels², blurred
    conics: Tensor  # [N, 3] a, b, c of the inverse
    compensations: Tensor  # [N] √(|S| / |S + eps2d 1|)


def covariance(quats: Tensor, scales: Tensor) -> Tensor:
    """R diag(s²) Rᵀ [N, 3, 3], with R = 1 + 2w[v]ₓ + 2[v]ₓ² of the normalised quaternion (w, v)."""
    w, x, y, z = normalize(quats, dim=-1).unbind(-1)
    zero = torch.zeros_like(w)
    cross = torch.stack([zero, -z, y, z, zero, -x, -y, x, zero], dim=-1).unflatten(-1, (3, 3))
    rotation = torch.eye(3, dtype=quats.dtype) + 2 * w[:, None, None] * cross + 2 * cross @ cross
    return rotation @ torch.diag_embed(scales**2) @ rotation.mT


def sh_basis(degree: int, directions: Tensor) -> Tensor:
    """Real spherical harmonics [..., (degree + 1)²] of unit directions, Y_lm at l² + l + m, with the phase (−1)ᵐ.

    √((2l+1)/4π · (l−m)!/(l+m)!) · dᵐP_l/dzᵐ · Re or Im (x + iy)ᵐ, times √2 for m ≠ 0.
    """
    x, y, z = directions.unbind(-1)
    columns: dict[int, Tensor] = {}
    for m in range(degree + 1):
        cosine, sine = torch.ones_like(x), torch.zeros_like(x)
        for _ in range(m):
            cosine, sine = x * cosine - y * sine, x * sine + y * cosine
        for band in range(m, degree + 1):
            norm = (2 * band + 1) / (4 * math.pi) * math.factorial(band - m) / math.factorial(band + m)
            legendre = Legendre.basis(band).convert(kind=Polynomial).deriv(m)
            value = (-1) ** m * math.sqrt(norm * (2 if m else 1)) * sum(c * z**k for k, c in enumerate(legendre.coef))
            columns[band * band + band - m] = value * sine
            columns[band * band + band + m] = value * cosine
    return torch.stack([columns[k] for k in range((degree + 1) ** 2)], dim=-1)


def project(
    means: Tensor,  # [N, 3], all before the camera
    covariances: Tensor,  # [N, 3, 3]
    viewmat: Tensor,  # [4, 4]
    K: Tensor,  # [3, 3]
    width: int,
    height: int,
    eps2d: float = 0.3,
) -> Footprints:
    """The affine approximation at each mean; outside 1.3 times the field of view, at its edge."""
    rotation, translation = viewmat[:3, :3], viewmat[:3, 3]
    x, y, z = (means @ rotation.T + translation).unbind(-1)
    (fx, _, cx), (_, fy, cy), _ = K
    u = (x / z).clamp(-(cx + 0.15 * width) / fx, (1.15 * width - cx) / fx)
    v = (y / z).clamp(-(cy + 0.15 * height) / fy, (1.15 * height - cy) / fy)
    zero = torch.zeros_like(z)
    jacobian = torch.stack([fx / z, zero, -fx * u / z, zero, fy / z, -fy * v / z], dim=-1).unflatten(-1, (2, 3))
    sharp = jacobian @ rotation @ covariances @ rotation.T @ jacobian.mT
    blurred = sharp + eps2d * torch.eye(2, dtype=means.dtype)
    inverse = torch.linalg.inv(blurred)
    return Footprints(
        torch.stack([fx * x / z + cx, fy * y / z + cy], dim=-1),
        z,
        blurred,
        torch.stack([inverse[:, 0, 0], inverse[:, 0, 1], inverse[:, 1, 1]], dim=-1),
        (torch.linalg.det(sharp) / torch.linalg.det(blurred)).clamp(min=0).sqrt(),
    )


def boxes(
    seen: Footprints, opacities: Tensor, width: int, height: int, rules: Rules, clip: float = 0.0, tile: int = 16
) -> Tensor:
    """Half widths and heights [N, 2] of the boxes in whole pixels; 0 where nothing is drawn."""
    b = seen.covariances.detach()
    if rules.square:
        middle = (b[:, 0, 0] + b[:, 1, 1]) / 2
        largest = middle + (middle**2 - torch.linalg.det(b)).clamp(min=0.1).sqrt()
        radii = (3 * largest.sqrt()).ceil()[:, None].expand(-1, 2)
        first, last = _rectangles(seen.means2d, radii, tile, width, height)
        inside = (last > first).all(dim=1)
    else:
        reach = (2 * (opacities.detach() / ALPHA_MIN).log()).clamp(min=0).sqrt().clamp(max=3.33)
        radii = (reach[:, None] * b.diagonal(dim1=1, dim2=2).sqrt()).ceil()
        size = torch.tensor([width, height])
        inside = ((seen.means2d + radii > 0) & (seen.means2d - radii < size)).all(dim=1)
    visible = inside & (opacities >= ALPHA_MIN) & (radii > clip).any(dim=1)
    return torch.where(visible[:, None], radii, torch.zeros_like(radii))


def composite(
    means2d: Tensor,  # [N, 2], or [N, H, W, 2] to tell the pixels' gradients apart
    conics: Tensor,  # [N, 3]
    depths: Tensor,  # [N]
    opacities: Sequence[Tensor],  # of L layers, each [N]
    values: Sequence[Tensor],  # of L layers, each [N, D]
    listed: Tensor,  # [N, H, W] whether the pixel may see the Gaussian
    rules: Rules,
) -> tuple[list[Tensor], Tensor, Tensor]:
    """Front to back: Σ wᵢvᵢ of each layer [H, W, D], what light is left [L, H, W], and the margin [H, W].

    Layers share σ; a pair counts where every layer's α does, and a pixel ends where every layer's T would.
    """
    height, width = listed.shape[1:]
    y, x = torch.meshgrid(
        torch.arange(height, dtype=conics.dtype) + 0.5, torch.arange(width, dtype=conics.dtype) + 0.5, indexing="ij"
    )
    left = torch.ones(len(values), height, width, dtype=conics.dtype)
    sums = [torch.zeros(height, width, value.shape[1], dtype=conics.dtype) for value in values]
    ended = torch.zeros(height, width, dtype=torch.bool)
    margin = torch.full((height, width), math.inf, dtype=conics.dtype)
    for i in torch.argsort(depths.detach(), stable=True).tolist():
        dx, dy = means2d[i][..., 0] - x, means2d[i][..., 1] - y
        a, b, c = conics[i]
        sigma = (a * dx * dx + c * dy * dy) / 2 + b * dx * dy
        uncapped = torch.stack([opacity[i] * (-sigma).exp() for opacity in opacities])
        alpha = uncapped.clamp(max=rules.alpha_cap)
        after = left * (1 - alpha)
        least, most = alpha.amin(0), after.amax(0)
        reached = listed[i] & ~ended
        counts = reached & (sigma >= 0) & (least >= ALPHA_MIN)
        ends = counts & (most < LAST_TRANSMITTANCE if rules.strict else most <= LAST_TRANSMITTANCE)

        distance = (least / ALPHA_MIN - 1).abs().minimum((uncapped / rules.alpha_cap - 1).abs().amin(0))
        margin = torch.where(reached, margin.minimum(distance.detach()), margin)
        distance = (most / LAST_TRANSMITTANCE - 1).abs()
        margin = torch.where(counts, margin.minimum(distance.detach()), margin)

        drawn, ended = counts & ~ends, ended | ends
        weights = torch.where(drawn, left * alpha, 0.0)
        sums = [total + w[..., None] * value[i] for total, w, value in zip(sums, weights, values, strict=True)]
        left = torch.where(drawn, after, left)
    return sums, left, margin


def all_pairs(
    means: Tensor,  # [..., N, 3]
    quats: Tensor,  # [..., N, 4]
    scales: Tensor,  # [..., N, 3]
    opacities: Tensor,  # [..., N]
    colors: Tensor,  # [..., (C,) N, D] or [..., (C,) N, K, 3]
    viewmats: Tensor,  # [..., C, 4, 4]
    Ks: Tensor,  # [..., C, 3, 3]
    width: int,
    height: int,
    *,
    backgrounds: Tensor | None = None,  # [..., C, D]
    sh_degree: int | None = None,
    covars: Tensor | None = None,  # [..., N, 3, 3]
    extra_signals: Tensor | None = None,  # [..., (C,) N, E]
    second: Any = None,
    **options: Any,
) -> Rendering:
    """What `rasterization` of the same arguments must return, one batch element and one camera after the other."""
    batch, cameras = means.shape[:-2], viewmats.shape[-3]
    views = []
    for *index, camera in product(*map(range, batch), range(cameras)):

        def of_view(value: Tensor | None, axes: int, index: Any = tuple(index), camera: int = camera) -> Tensor | None:
            """The value without the batch, and without the cameras where it has them beside its own `axes`."""
            if value is None:
                return None
            return value[index][camera] if value[index].dim() > axes else value[index]

        layers = [(of_view(opacities, 1), of_view(colors, 2 + (sh_degree is not None)), sh_degree)]
        if second is not None:
            axes = 2 + (second.sh_degree is not None)
            layers.append((of_view(second.opacities, 1), of_view(second.colors, axes), second.sh_degree))
        shape = of_view(covars, 3)
        views.append(
            _view(
                of_view(means, 2),
                covariance(of_view(quats, 2), of_view(scales, 2)) if shape is None else shape,
                layers,
                of_view(viewmats, 2),
                of_view(Ks, 2),
                width,
                height,
                background=of_view(backgrounds, 1),
                extra_signals=of_view(extra_signals, 2),
                joint=second is not None and second.joint,
                **options,
            )
        )
    stacked = {}
    for name in (field.name for field in fields(Rendering)):
        found = [getattr(view, name) for view in views]
        if found[0] is not None:
            stacked[name] = torch.stack(found).unflatten(0, (*batch, cameras))
    return Rendering(**stacked)


def _view(
    means: Tensor,
    covariances: Tensor,
    layers: list[tuple[Tensor, Tensor, int | None]],
    viewmat: Tensor,
    K: Tensor,
    width: int,
    height: int,
    *,
    background: Tensor | None,
    extra_signals: Tensor | None,
    joint: bool,
    near_plane: float = 0.01,
    far_plane: float = 1e10,
    radius_clip: float = 0.0,
    eps2d: float = 0.3,
    render_mode: str = "RGB",
    rasterize_mode: str = "classic",
    profile: str = "gsplat",
    tile_size: int = 16,
) -> Rendering:
    """One camera's images, without leading dimensions."""
    rules = RULES[profile]
    depth = means.detach() @ viewmat.detach()[2, :3] + viewmat.detach()[2, 3]
    ahead = torch.nonzero((depth >= near_plane) & (depth <= far_plane) & (depth > rules.beyond))[:, 0]
    means = means[ahead]
    seen = project(means, covariances[ahead], viewmat, K, width, height, eps2d)
    scale = seen.compensations.clamp(min=rules.compensation_floor) if rasterize_mode == "antialiased" else 1.0
    opacities = [opacity[ahead] * scale for opacity, _, _ in layers]
    camera = torch.linalg.inv(viewmat)[:3, 3]
    colors = [_colors(value[ahead], degree, means - camera) for _, value, degree in layers]

    first = [colors[0]] if "RGB" in render_mode else []
    if "D" in render_mode:
        first.append(seen.depths[:, None])
    if extra_signals is not None:
        first.append(extra_signals[ahead])
    values = [torch.cat(first, dim=1), *colors[1:]]

    groups = [[0, 1]] if joint else [[k] for k in range(len(layers))]
    sums: list[Tensor] = []
    left: list[Tensor] = []
    margins = []
    for group in groups:
        least = torch.stack([opacities[k] for k in group]).amin(0)
        radii = boxes(seen, least, width, height, rules, radius_clip, tile_size)
        drawn = (radii > 0).all(1)
        tiles = _touched(seen.means2d.detach(), radii, tile_size, width, height) if rules.square else True
        listed = drawn[:, None, None].expand(-1, height, width) & tiles
        chosen = [opacities[k] for k in group], [values[k] for k in group]
        total, remaining, margin = composite(seen.means2d, seen.conics, seen.depths, *chosen, listed, rules)
        sums += total
        left += list(remaining)
        margins.append(margin)

    alpha, last = 1 - left[0][..., None], left[0][..., None]
    widths = [colors[0].shape[1] if "RGB" in render_mode else 0, int("D" in render_mode)]
    color, depths, extra = sums[0].tensor_split((widths[0], sum(widths)), dim=-1)
    if background is not None and "RGB" in render_mode:
        color = color + last * background
    if "ED" in render_mode:
        depths = depths / alpha.clamp(min=1e-10)
    return Rendering(
        torch.cat([color, depths], dim=-1),
        alpha,
        torch.stack(margins).amin(0),
        None if extra_signals is None else extra,
        sums[1] if len(sums) > 1 else None,
        1 - left[1][..., None] if len(left) > 1 else None,
    )


def _colors(values: Tensor, degree: int | None, offsets: Tensor) -> Tensor:
    """Colours [N, D] as they are, or max(Σ Y k + ½, 0) of SH coefficients [N, K, 3] seen along `offsets` [N, 3]."""
    if degree is None:
        return values
    basis = sh_basis(degree, normalize(offsets, dim=-1))
    return (torch.einsum("nk,nkd->nd", basis, values[:, : basis.shape[1]]) + 0.5).clamp(min=0)


def _rectangles(means2d: Tensor, radii: Tensor, tile: int, width: int, height: int) -> tuple[Tensor, Tensor]:
    """First tile and last + 1 [N, 2] of square boxes, by `getRect` of diff-gaussian-rasterization.

    Its pixels have their centres at whole numbers, and it rounds towards zero.
    """
    grid, centres = torch.tensor([math.ceil(width / tile), math.ceil(height / tile)]), means2d.detach() - 0.5
    ends = ((centres - radii) / tile).trunc(), ((centres + radii + tile - 1) / tile).trunc()
    low, high = (end.clamp(min=0).minimum(grid) for end in ends)
    return low, high


def _touched(means2d: Tensor, radii: Tensor, tile: int, width: int, height: int) -> Tensor:
    """Whether the tile of each pixel is in the rectangle of the square box, [N, H, W]."""
    low, high = _rectangles(means2d, radii, tile, width, height)
    column, row = torch.arange(width) // tile, torch.arange(height) // tile
    across = (column >= low[:, :1]) & (column < high[:, :1])
    down = (row >= low[:, 1:]) & (row < high[:, 1:])
    return down[:, :, None] & across[:, None, :]
