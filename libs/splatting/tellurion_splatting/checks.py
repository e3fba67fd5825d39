"""What the rasteriser accepts; everything else is refused before anything is computed.

Values of single Gaussians are not looked at: one that is not finite is not drawn.
"""

from __future__ import annotations

import math
from numbers import Integral, Real
from typing import Any

import torch
from torch import Tensor

from tellurion_core.errors import InvalidInput
from tellurion_splatting.gaussians import MAX_DEGREE
from tellurion_splatting.pinhole import MAX_PIXELS, PINHOLE, is_pinhole
from tellurion_splatting.profiles import PROFILES

CHOICES = {
    "tile_size": (8, 16, 32),
    "render_mode": ("RGB", "D", "ED", "RGB+D", "RGB+ED"),
    "rasterize_mode": ("classic", "antialiased"),
    "camera_model": ("pinhole", "ortho", "fisheye", "ftheta"),
    "profile": tuple(PROFILES),
}
GSPLATS_OWN = (
    *("sparse_grad", "distributed", "with_ut", "with_eval3d", "viewmats_rs"),
    *("radial_coeffs", "tangential_coeffs", "thin_prism_coeffs", "ftheta_coeffs"),
)
"""Options of gsplat's CUDA kernels alone: None or False where not asked for."""
LARGEST_SIDE = 65_536
"""Pixels of an image's side."""
LAST_ROW = 1e-6
"""How far a view's last row may be from 0 0 0 1: matrices that were inverted in single precision end so."""
MOST_THREADS = 1024


def check_arguments(
    *,
    means: Any,
    quats: Any,
    scales: Any,
    opacities: Any,
    colors: Any,
    viewmats: Any,
    Ks: Any,
    width: Any,
    height: Any,
    near_plane: Any,
    far_plane: Any,
    radius_clip: Any,
    eps2d: Any,
    sh_degree: Any,
    tile_size: Any,
    channel_chunk: Any,
    backgrounds: Any,
    covars: Any,
    extra_signals: Any,
    second: Any,
    threads: Any,
    **others: Any,
) -> None:
    """Raises InvalidInput for the first of the arguments of `rasterization` that no device can use.

    No value of a tensor is looked at, for which a GPU would be waited for.
    """
    _check_image(width, height, near_plane, far_plane, radius_clip, eps2d)
    _check_whole("tile_size", tile_size, 8, 32)
    _check_whole("channel_chunk", channel_chunk, 1)
    if threads is not None:
        _check_whole("threads", threads, 1, MOST_THREADS)
    for field, value in (("tile_size", tile_size), *others.items()):
        if field in CHOICES and value not in CHOICES[field]:
            raise InvalidInput.of(field, received=value, accepted=", ".join(map(str, CHOICES[field])))

    _check_means(means)
    batch, count = tuple(means.shape[:-2]), means.shape[-2]
    cameras = viewmats.shape[-3] if isinstance(viewmats, Tensor) and viewmats.dim() > 2 else 1
    if covars is None:
        _check_tensor("quats", quats, means, (*batch, count, 4))
        _check_tensor("scales", scales, means, (*batch, count, 3))
    else:
        _check_tensor("covars", covars, means, (*batch, count, 3, 3))
    _check_tensor("opacities", opacities, means, (*batch, count))
    _check_tensor("viewmats", viewmats, means, (*batch, cameras, 4, 4))
    _check_tensor("Ks", Ks, means, (*batch, cameras, 3, 3))
    if cameras == 0:
        raise InvalidInput.of("viewmats", received="no cameras", accepted="at least one")
    channels = _check_colors("colors", colors, "sh_degree", sh_degree, means, cameras)
    if backgrounds is not None:
        _check_tensor("backgrounds", backgrounds, means, (*batch, cameras, channels))
    if extra_signals is not None:
        _check_colors("extra_signals", extra_signals, "", None, means, cameras)
    if second is not None:
        if not all(hasattr(second, name) for name in ("opacities", "colors", "sh_degree", "joint")):
            raise InvalidInput.of("second", received=type(second).__name__, accepted="a SecondLayer")
        _check_tensor("second.opacities", second.opacities, means, (*batch, count))
        _check_colors("second.colors", second.colors, "second.sh_degree", second.sh_degree, means, cameras)


def check_for_cpu(*, viewmats: Tensor, Ks: Tensor, camera_model: str, rolling_shutter: Any, **others: Any) -> None:
    """Raises InvalidInput for what our kernels cannot use of arguments on the CPU that `check_arguments` let pass."""
    if getattr(rolling_shutter, "name", None) != "GLOBAL":
        raise InvalidInput.of("rolling_shutter", received=rolling_shutter, accepted="GLOBAL, on the CPU")
    if camera_model != "pinhole":
        raise InvalidInput.of("camera_model", received=camera_model, accepted="pinhole, on the CPU")
    for field in GSPLATS_OWN:
        if others[field] is not None and others[field] is not False:
            raise InvalidInput.of(field, received=others[field], accepted="not on the CPU")
    views, intrinsics = viewmats.detach().double().reshape(-1, 4, 4), Ks.detach().double().reshape(-1, 3, 3).numpy()
    last = torch.tensor([0.0, 0, 0, 1], dtype=torch.float64)
    for camera, (view, K) in enumerate(zip(views, intrinsics, strict=True)):
        rigid = view.isfinite().all() and (view[3] - last).abs().max() <= LAST_ROW
        if not (rigid and torch.linalg.det(view[:3, :3]).abs() > 0):
            accepted = "a finite world-to-camera matrix that has an inverse, last row 0 0 0 1"
            raise InvalidInput.of(f"viewmats[{camera}]", received=view.tolist(), accepted=accepted)
        if not is_pinhole(K):
            raise InvalidInput.of(f"Ks[{camera}]", received=K.tolist(), accepted=PINHOLE)


def _check_image(width: Any, height: Any, near_plane: Any, far_plane: Any, radius_clip: Any, eps2d: Any) -> None:
    for field, value in (("width", width), ("height", height)):
        _check_whole(field, value, 1, LARGEST_SIDE)
    if width * height > MAX_PIXELS:
        raise InvalidInput.of("width, height", received=(width, height), accepted=f"at most {MAX_PIXELS} pixels")
    if not (_number(near_plane) and _number(far_plane) and near_plane < far_plane):
        accepted = "two numbers, near below far, metres"
        raise InvalidInput.of("near_plane, far_plane", received=(near_plane, far_plane), accepted=accepted)
    for field, value in (("radius_clip", radius_clip), ("eps2d", eps2d)):
        if not (_number(value) and 0 <= value < math.inf):
            raise InvalidInput.of(field, received=value, accepted="a finite number from 0, pixels")


def _check_means(means: Any) -> None:
    if not isinstance(means, Tensor) or means.dtype not in (torch.float32, torch.float64):
        received = getattr(means, "dtype", type(means).__name__)
        raise InvalidInput.of("means", received=received, accepted="a tensor of float32 or float64")
    if means.dim() < 2 or means.shape[-1] != 3 or means.shape[:-2].numel() == 0:
        raise InvalidInput.of("means", received=list(means.shape), accepted="[..., N, 3], at least one set")
    if means.device.type not in ("cpu", "cuda"):
        raise InvalidInput.of("means", received=f"a tensor on {means.device}", accepted="on the CPU or a CUDA device")


def _check_colors(field: str, colors: Any, of_degree: str, degree: Any, means: Tensor, cameras: int) -> int:
    """The channels of values [..., (C,) N, D], or of coefficients [..., (C,) N, K, 3] that have the degree."""
    lead, axes = (*means.shape[:-2], means.shape[-2]), 1 if degree is None else 2
    kept = tuple(colors.shape[-axes:]) if isinstance(colors, Tensor) and colors.dim() > axes else (1, 3)[-axes:]
    if degree is None:
        accepted, fits = "at least one channel", kept[0] > 0
    else:
        _check_whole(of_degree, degree, 0, MAX_DEGREE)
        accepted = f"[..., N, K, 3] with K ≥ {(degree + 1) ** 2} for degree {degree}"
        fits = kept[0] >= (degree + 1) ** 2 and kept[1] == 3
    if isinstance(colors, Tensor) and not fits:
        raise InvalidInput.of(field, received=list(colors.shape), accepted=accepted)
    _check_tensor(field, colors, means, (*lead, *kept), (*lead[:-1], cameras, lead[-1], *kept))
    return int(kept[-1])


def _check_tensor(field: str, value: Any, like: Tensor, *shapes: tuple[int, ...]) -> None:
    """It must be of one of these shapes, and where and what `like` is."""
    if not isinstance(value, Tensor):
        raise InvalidInput.of(field, received=type(value).__name__, accepted="a tensor")
    if value.shape not in shapes:
        raise InvalidInput.of(field, received=list(value.shape), accepted=" or ".join(str(list(s)) for s in shapes))
    if (value.dtype, value.device) != (like.dtype, like.device):
        received, accepted = f"{value.dtype} on {value.device}", f"as means, {like.dtype} on {like.device}"
        raise InvalidInput.of(field, received=received, accepted=accepted)


def _check_whole(field: str, value: Any, least: int, most: float = math.inf) -> None:
    if not isinstance(value, Integral) or isinstance(value, bool) or not least <= value <= most:
        raise InvalidInput.of(field, received=value, accepted=f"a whole number, {least} … {most}")


def _number(value: Any) -> bool:
    return isinstance(value, Real) and not isinstance(value, bool) and not math.isnan(value)
