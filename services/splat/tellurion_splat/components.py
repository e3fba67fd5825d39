"""What a camera sees of splats, taken apart: the transmitted and the reflected image, their weight, depth and normals.

Ref-Unlock's image formation, with one sort by depth for both branches; w and w' are the branches' α T:

    W = Σ w β      Tc = Σ w c + T_end background      R = Σ w' c'      D⁻¹ = Σ w / z      I = (1 − W) Tc + W R

Where Gaussians are shared, one that is too faint for either branch is in neither, as in the release of the method.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor
from torch.nn.functional import one_hot

from tellurion_splat.splats import Splats, degree_of, rotated
from tellurion_splat.variants import FIXED, Variant
from tellurion_splatting import SecondLayer, rasterization, spherical_harmonics

NEAR = 0.01
"""Depth below which nothing is drawn."""


@dataclass(frozen=True, eq=False)
class Components:
    """Of one view; colours are not cut to 0 … 1."""

    image: Tensor
    """I [H, W, 3]: the sum of the two that follow."""
    transmitted: Tensor
    """X = (1 − W) Tc [H, W, 3]."""
    reflected: Tensor
    """W R [H, W, 3]; zero without a reflected branch."""
    weight: Tensor
    """W [H, W]."""
    inverse_depth: Tensor
    """D⁻¹ [H, W], over one unit of length; not divided by alpha."""
    alpha: Tensor
    """[H, W] what of the ray the transmitted branch stops."""
    normal: Tensor | None
    """[H, W, 3] Σ w n of unit normals towards the camera, in world axes, where they were asked for."""
    meta: Mapping[str, Any]
    """Of the rasterisation."""

    @property
    def depth(self) -> Tensor:
        """A / D⁻¹ [H, W], in units of length: the harmonic mean along the ray; 0 where nothing is."""
        return torch.where(self.inverse_depth > 0, self.alpha / self.inverse_depth, 0)


def render(
    splats: Splats,
    viewmat: Tensor,  # [4, 4] world to camera, x right, y down, z forward
    K: Tensor,  # [3, 3]
    size: tuple[int, int],  # width, height
    *,
    background: Tensor | None = None,  # [3]
    variant: Variant = FIXED,
    degrees: tuple[int, int] | None = None,
    normals: bool = False,
) -> Components:
    """All components in one rasterisation, differentiable in the parameters of the splats.

    `degrees` are those up to which the harmonics of the transmitted and the reflected colours are used; all where None.
    `variant` is that which the parameters are being fitted with.
    """
    colors, reflected_colors, degrees = _colors(splats, viewmat, variant, degrees)
    signals = _signals(splats, viewmat, normals)
    second = None
    if splats.reflective:
        second = SecondLayer(splats.reflected_opacities, reflected_colors, degrees[1], joint=not splats.apart)
    image, alpha, meta = rasterization(
        splats.means,
        splats.quats,
        splats.scales,
        splats.opacities,
        colors,
        viewmat[None],
        K[None],
        *size,
        sh_degree=degrees[0],
        rasterize_mode="antialiased" if splats.antialiased else "classic",
        backgrounds=None if background is None else background[None],
        extra_signals=torch.cat(list(signals.values()), dim=-1),
        second=second,
    )
    widths = [signal.shape[-1] for signal in signals.values()]
    extra = dict(zip(signals, meta["render_extra_signals"][0].split(widths, dim=-1), strict=True))
    weight = extra["weight"] if splats.reflective else torch.zeros_like(alpha[0])
    transmitted = (1 - weight) * image[0]
    reflected = weight * meta["second_colors"][0] if splats.reflective else torch.zeros_like(image[0])
    return Components(
        image=transmitted + reflected,
        transmitted=transmitted,
        reflected=reflected,
        weight=weight[..., 0],
        inverse_depth=extra["inverse_depth"][..., 0],
        alpha=alpha[0, ..., 0],
        normal=extra.get("normal"),
        meta=meta,
    )


def _signals(splats: Splats, viewmat: Tensor, normals: bool) -> dict[str, Tensor]:
    """What is composited beside the colours, each [N, ·]."""
    depth = splats.means @ viewmat[2, :3] + viewmat[2, 3]
    signals = {"inverse_depth": 1 / depth.clamp(min=NEAR)[:, None]}
    if splats.reflective:
        signals["weight"] = splats.weights[:, None]
    if normals:
        signals["normal"] = _normals(splats, viewmat)
    return signals


def _normals(splats: Splats, viewmat: Tensor) -> Tensor:
    """[N, 3] the shortest axis of each Gaussian, in the direction from which the camera sees it."""
    shortest = one_hot(splats.parameters["log_scales"].argmin(dim=-1), 3).to(splats.means.dtype)
    axes = rotated(splats.quats, shortest)
    away = (axes * (splats.means - _position(viewmat))).sum(-1, keepdim=True) > 0
    return torch.where(away, -axes, axes)


def _position(viewmat: Tensor) -> Tensor:
    """[3] where the camera is."""
    return -viewmat[:3, :3].T @ viewmat[:3, 3]


def _colors(
    splats: Splats, viewmat: Tensor, variant: Variant, degrees: tuple[int, int] | None
) -> tuple[Tensor, Tensor | None, tuple[int | None, int | None]]:
    """Both branches' coefficients and degrees, or colours and no degrees where the variant clamps its own way."""
    highest = degrees or (None, None)
    transmitted = variant.normalised(splats.sh(highest[0]))
    if not splats.reflective:
        return transmitted, None, (degree_of(transmitted), None)
    reflected = variant.normalised(splats.reflected_sh(highest[1]))
    if not variant.one_clamp:
        return transmitted, reflected, (degree_of(transmitted), degree_of(reflected))
    directions = splats.means - _position(viewmat)
    seen = (spherical_harmonics(degree_of(sh), directions, sh) + 0.5 for sh in (transmitted, reflected))
    return *variant.clamped(*seen), (None, None)
