"""Images of 3D Gaussians, with the signature, the conventions and the constants of gsplat 1.5.3."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum
from typing import Any, Literal

import torch
from torch import Tensor

from tellurion_splatting.checks import check_arguments, check_for_cpu
from tellurion_splatting.compositing import composited
from tellurion_splatting.listing import Canvas
from tellurion_splatting.meta import Meta, tile_lists
from tellurion_splatting.profiles import PROFILES
from tellurion_splatting.projection import View, projected
from tellurion_splatting.visible import Visible

TENSORS = (
    *("means", "quats", "scales", "opacities", "colors"),
    *("viewmats", "Ks", "backgrounds", "covars", "extra_signals"),
)
"""Arguments that are tensors, where they are given."""


class RollingShutterType(Enum):
    """gsplat's; on the CPU the whole image is exposed at once."""

    ROLLING_TOP_TO_BOTTOM = 0
    ROLLING_LEFT_TO_RIGHT = 1
    ROLLING_BOTTOM_TO_TOP = 2
    ROLLING_RIGHT_TO_LEFT = 3
    GLOBAL = 4


@dataclass(frozen=True, eq=False)
class SecondLayer:
    """The same Gaussians a second time, with other opacities and colours, drawn in the same pass."""

    opacities: Tensor
    """[..., N], activated."""
    colors: Tensor
    """[..., (C,) N, E], or coefficients [..., (C,) N, K, 3]."""
    sh_degree: int | None = None
    joint: bool = True
    """Whether a pixel leaves out a Gaussian that either layer would, and ends only where both would; else each layer
    is drawn as if it were alone."""


def rasterization(
    means: Tensor,  # [..., N, 3]
    quats: Tensor,  # [..., N, 4] wxyz, of any norm above zero
    scales: Tensor,  # [..., N, 3]
    opacities: Tensor,  # [..., N]
    colors: Tensor,  # [..., (C,) N, D] or [..., (C,) N, K, 3]
    viewmats: Tensor,  # [..., C, 4, 4] world to camera, OpenCV's axes
    Ks: Tensor,  # [..., C, 3, 3] pixels
    width: int,
    height: int,
    near_plane: float = 0.01,
    far_plane: float = 1e10,
    radius_clip: float = 0.0,
    eps2d: float = 0.3,
    sh_degree: int | None = None,
    packed: bool = True,
    tile_size: int = 16,
    backgrounds: Tensor | None = None,  # [..., C, D]
    render_mode: Literal["RGB", "D", "ED", "RGB+D", "RGB+ED"] = "RGB",
    sparse_grad: bool = False,
    absgrad: bool = False,
    rasterize_mode: Literal["classic", "antialiased"] = "classic",
    channel_chunk: int = 32,
    distributed: bool = False,
    camera_model: Literal["pinhole", "ortho", "fisheye", "ftheta"] = "pinhole",
    segmented: bool = False,
    covars: Tensor | None = None,  # [..., N, 3, 3]
    with_ut: bool = False,
    with_eval3d: bool = False,
    radial_coeffs: Tensor | None = None,
    tangential_coeffs: Tensor | None = None,
    thin_prism_coeffs: Tensor | None = None,
    ftheta_coeffs: Any = None,
    rolling_shutter: RollingShutterType = RollingShutterType.GLOBAL,
    viewmats_rs: Tensor | None = None,
    *,
    profile: str = "gsplat",
    extra_signals: Tensor | None = None,  # [..., (C,) N, E]
    second: SecondLayer | None = None,
    threads: int | None = None,
) -> tuple[Tensor, Tensor, Meta]:
    """Images of N Gaussians from C cameras: (colours [..., C, H, W, X], alphas [..., C, H, W, 1], meta).

    Everything up to `viewmats_rs` is as in gsplat 1.5.3: values are activated, depth comes last, "D" sums w z and "ED"
    divides that by alpha, `covars` stands in for quats and scales, there is no gradient of Ks. On the CPU
    `channel_chunk` and `segmented` mean nothing, and other camera models, distortion, rolling shutters, the unscented
    transform, sparse gradients and several processes are refused.

    On a CUDA device gsplat itself draws. What it cannot (joint layers, other profiles than gsplat's, harmonics of
    degree 5, double precision, packed batches, no Gaussians) our kernels draw on copies on the CPU, and what is
    returned, and its gradients, are on the device all the same.

    `profile` chooses the constants of "gsplat" 1.5.3, "gsplat16" or "inria". `extra_signals` are summed with the
    colours' weights, before a background of zero, and `second` draws the Gaussians again: meta then holds
    "render_extra_signals" [..., C, H, W, E], "second_colors" [..., C, H, W, ·] and "second_alphas" [..., C, H, W, 1].
    `threads` are torch's where not given; images are the same for any number. A Gaussian that is not finite is not
    drawn, nor is one whose colours or signals are not. With `absgrad`, meta["means2d"].absgrad holds Σ|∂L/∂μ₂| after
    the backward pass.

    Raises InvalidInput, ResourceExhausted where tiles would list more than MOST_ENTRIES Gaussians, and Unavailable
    where gsplat is to draw and cannot on this machine. Sources: Kerbl et al. (2023), 3D Gaussian splatting; Zwicker et
    al. (2002), EWA splatting; Yu et al. (2024), Mip-Splatting, section 4.2, for "antialiased".
    """
    given = dict(locals())
    check_arguments(**given)
    device = means.device
    if means.is_cuda:
        from tellurion_splatting import cuda

        if cuda.gsplat_draws(**given):
            return cuda.rasterization_by_gsplat(**given)
        given = {name: value.cpu() if isinstance(value, Tensor) else value for name, value in given.items()}
        means, quats, scales, opacities, colors, viewmats, Ks, backgrounds, covars, extra_signals = (
            given[name] for name in TENSORS
        )
        if second is not None:
            second = SecondLayer(second.opacities.cpu(), second.colors.cpu(), second.sh_degree, second.joint)
    check_for_cpu(**given)
    width, height, tile_size = int(width), int(height), int(tile_size)
    threads = int(threads or torch.get_num_threads())
    batch, count, cameras = means.shape[:-2], means.shape[-2], viewmats.shape[-3]
    antialiased, rules = rasterize_mode == "antialiased", PROFILES[profile]
    lengths = map(float, (near_plane, far_plane, radius_clip, eps2d))
    view = View(width, height, tile_size, cameras, *lengths, antialiased, rules, threads)
    seen = projected(means, quats, scales, covars, _reaching(opacities, second), viewmats, Ks, view)
    visible = Visible(seen.pairs, batch, count, cameras)

    def dimmed(layer: Tensor) -> Tensor:
        own = visible.of(layer)
        return own * seen.compensations if antialiased else own

    nodes = [seen.means2d, seen.conics, seen.depths, dimmed(opacities)]
    if not packed:
        nodes = [visible.scattered(node) for node in nodes]
    nodes = [node.to(device) for node in nodes]
    means2d, conics, depths, shining = (node.cpu() for node in nodes)
    if not packed:
        means2d, conics, depths, shining = map(visible.of, (means2d, conics, depths, shining), (1, 1, 0, 0))
    values = [visible.colors(colors, sh_degree, means, viewmats, threads)] if "RGB" in render_mode else []
    if "D" in render_mode:
        values.append(depths[:, None])
    if extra_signals is not None:
        values.append(visible.of(extra_signals, 1))
    other = None
    if second is not None:
        other = dimmed(second.opacities), visible.colors(second.colors, second.sh_degree, means, viewmats, threads)

    def keep_absolute(sums: Tensor) -> None:
        nodes[0].absgrad = (sums if packed else visible.scattered(sums)).to(device)

    image, alphas, *others = composited(
        visible.firsts,
        depths,
        seen.radii,
        means2d,
        conics,
        shining,
        values[0] if len(values) == 1 else torch.cat(values, dim=1),  # torch would copy the one
        other,
        Canvas(width, height, tile_size, rules, second is not None and second.joint, threads),
        keep_absolute if absgrad else None,
    )
    *lead, _ = shape = *batch, cameras, height, width, -1
    alphas = alphas.reshape(*lead, 1).to(device)
    parts = list(image.reshape(shape).to(device).split([value.shape[1] for value in values], dim=-1))
    meta = _meta(nodes, seen.radii, visible, packed, width, height, tile_size)
    if extra_signals is not None:
        meta["render_extra_signals"] = parts.pop()
    if second is not None:
        meta["second_colors"] = others[0].reshape(shape).to(device)
        meta["second_alphas"] = others[1].reshape(*lead, 1).to(device)
    if "ED" in render_mode:
        parts[-1] = parts[-1] / alphas.clamp(min=1e-10)
    if backgrounds is not None and "RGB" in render_mode:
        parts[0] = parts[0] + (1 - alphas) * backgrounds[..., None, None, :].to(device)
    return parts[0] if len(parts) == 1 else torch.cat(parts, dim=-1), alphas, meta


def _reaching(opacities: Tensor, second: SecondLayer | None) -> Tensor:
    """Opacities that boxes are made for: a joint Gaussian reaches no further than its weaker layer."""
    if second is None:
        return opacities
    return torch.minimum(opacities, second.opacities) if second.joint else torch.maximum(opacities, second.opacities)


def _meta(
    nodes: list[Tensor], radii: Tensor, visible: Visible, packed: bool, width: int, height: int, tile: int
) -> Meta:
    means2d, conics, depths, opacities = nodes
    down, across = -(-height // tile), -(-width // tile)
    grid = *visible.batch, visible.cameras, down, across
    device = means2d.device
    radii = radii if packed else visible.scattered(radii)
    values = {
        "batch_ids": visible.batches.to(device) if packed else None,
        "camera_ids": visible.views.to(device) if packed else None,
        "gaussian_ids": visible.gaussians.to(device) if packed else None,
        "radii": radii.to(device),
        "means2d": means2d,
        "depths": depths,
        "conics": conics,
        "opacities": opacities,
        "tile_width": across,
        "tile_height": down,
        "width": width,
        "height": height,
        "tile_size": tile,
        "n_batches": visible.batch.numel(),
        "n_cameras": visible.cameras,
    }

    def lists() -> dict[str, Tensor]:
        images = visible.images
        if not packed:
            images = torch.arange(visible.batch.numel() * visible.cameras).repeat_interleave(visible.count)
        boxes = radii.reshape(-1, 2), means2d.cpu().reshape(-1, 2), depths.cpu().reshape(-1)
        found = tile_lists(images, *boxes, tile, grid)
        found["tiles_per_gauss"] = found["tiles_per_gauss"].reshape(depths.shape)
        return {name: value.to(device) for name, value in found.items()}

    return Meta(values, lists)
