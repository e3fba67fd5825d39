"""The same images on a CUDA device: gsplat's own kernels draw them."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

from tellurion_core.errors import InvalidInput, Unavailable

GSPLAT = "1.5.3"
"""The release whose kernels these are the arguments, the constants and the faults of."""
DEGREE = 4
"""Of the harmonics that its kernels evaluate: of degree 5 they leave out the last band without a word."""
CHUNK = 512
"""Channels that its kernels draw at once, at most."""


def gsplat_draws(*, means: Tensor, profile: str, sh_degree: int | None, packed: bool, second: Any, **_: Any) -> bool:
    """Whether gsplat draws this as it is meant; it reads the opacities of a packed batch's first set for all sets."""
    degrees = [sh_degree] if second is None else [sh_degree, second.sh_degree]
    return (
        means.dtype == torch.float32
        and means.shape[-2] > 0
        and profile == "gsplat"
        and all(degree is None or degree <= DEGREE for degree in degrees)
        and not (packed and means.shape[:-2].numel() > 1)
        and not (second is not None and second.joint)
    )


def rasterization_by_gsplat(
    *,
    profile: str,
    extra_signals: Tensor | None,
    second: Any,
    threads: int | None,
    rolling_shutter: Any,
    backgrounds: Tensor | None,
    **given: Any,
) -> tuple[Tensor, Tensor, dict[str, Any]]:
    """`rasterization` of tensors on a CUDA device, where `gsplat_draws`; a second layer is a pass of its own.

    meta["means2d"] and what belongs to it are those of the colours' pass, meta["second_meta"] has those of the other
    one, where a Gaussian is seen that the first pass has no opacity of. Extra signals are drawn from them too, and
    their gradient reaches them, but not `.absgrad`. Raises InvalidInput and Unavailable.
    """
    gsplat, wrapper = _gsplat()
    shutter = getattr(rolling_shutter, "name", None)
    if shutter not in wrapper.RollingShutterType.__members__:
        accepted = ", ".join(wrapper.RollingShutterType.__members__)
        raise InvalidInput.of("rolling_shutter", received=rolling_shutter, accepted=accepted)
    given["rolling_shutter"] = wrapper.RollingShutterType[shutter]
    given["channel_chunk"] = min(given["channel_chunk"], CHUNK)

    try:
        colors, alphas, meta = gsplat.rasterization(**given)
    except AssertionError as error:
        accepted = "what gsplat.rasterization takes together"
        raise InvalidInput.of("arguments", received=str(error), accepted=accepted) from error
    if backgrounds is not None and "RGB" in given["render_mode"]:  # gsplat takes none where it packs
        channels = backgrounds.shape[-1]
        over = colors[..., :channels] + (1 - alphas) * backgrounds[..., None, None, :]
        colors = torch.cat([over, colors[..., channels:]], dim=-1) if colors.shape[-1] > channels else over
    plain = given | {"render_mode": "RGB", "absgrad": False}
    if extra_signals is not None and (given["with_eval3d"] or given["distributed"]):
        meta["render_extra_signals"], *_ = gsplat.rasterization(**plain | {"colors": extra_signals, "sh_degree": None})
    elif extra_signals is not None:
        rows = _rows(extra_signals, meta, given)
        pixels = given["width"], given["height"], given["tile_size"], meta["isect_offsets"], meta["flatten_ids"]
        sums = [
            wrapper.rasterize_to_pixels(
                meta["means2d"], meta["conics"], chunk, meta["opacities"], *pixels, packed=given["packed"]
            )[0]
            for chunk in rows.split(given["channel_chunk"], dim=-1)
        ]
        meta["render_extra_signals"] = torch.cat(sums, dim=-1)
    if second is not None:
        layer = {"opacities": second.opacities, "colors": second.colors, "sh_degree": second.sh_degree}
        meta["second_colors"], meta["second_alphas"], meta["second_meta"] = gsplat.rasterization(**plain | layer)
    return colors, alphas, meta


def _rows(signals: Tensor, meta: dict[str, Any], given: dict[str, Any]) -> Tensor:
    """Signals [..., (C,) N, E] of the Gaussians of gsplat's meta: [nnz, E] where it packs, else [..., C, N, E]."""
    (*batch, count, _), cameras = given["means"].shape, given["viewmats"].shape[-3]
    if signals.dim() == len(batch) + 2:
        signals = signals[..., None, :, :]
    signals = signals.expand(*batch, cameras, count, -1)
    if given["packed"]:  # of one set
        return signals.reshape(cameras, count, -1)[meta["camera_ids"], meta["gaussian_ids"]]
    return signals


def _gsplat() -> tuple[Any, Any]:
    """Gsplat and its module of kernels, which it compiles when it is first imported.

    Raises Unavailable where it is not installed, of another release, or found no compiler.
    """
    try:
        import gsplat
    except ImportError:
        raise Unavailable("tensors on a CUDA device need the extra: tellurion-splatting[cuda]") from None
    if gsplat.__version__ != GSPLAT:
        raise Unavailable(f"gsplat {gsplat.__version__} is installed; tensors on a CUDA device need {GSPLAT}")
    try:
        from gsplat.cuda import _backend, _wrapper
    except (ImportError, RuntimeError, OSError) as error:
        raise Unavailable("gsplat's CUDA kernels cannot be compiled on this machine") from error
    if _backend._C is None:
        raise Unavailable("gsplat has no CUDA kernels: it found no CUDA toolkit (nvcc) to compile them with")
    return gsplat, _wrapper
