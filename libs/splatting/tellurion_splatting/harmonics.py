"""Colours that depend on the direction they are seen from, as a node of torch's graph."""

from __future__ import annotations

import math
from numbers import Integral
from typing import Any

import numpy as np
import torch
from torch import Tensor
from torch.autograd.function import once_differentiable

from tellurion_core.errors import InvalidInput
from tellurion_splatting.gaussians import MAX_DEGREE
from tellurion_splatting.kernels.harmonics import evaluate, evaluate_backward
from tellurion_splatting.threads import in_ranges

PIECE = 4096
"""Directions that one call of a kernel does."""
SUMS, COLORS = (0.0, -math.inf), (0.5, 0.0)
"""What is added to Σ Y k, and the least that then comes out, without a gradient."""


def spherical_harmonics(
    degrees_to_use: int,
    dirs: Tensor,  # [..., 3]
    coeffs: Tensor,  # [..., K, 3]
    masks: Tensor | None = None,  # [...]
) -> Tensor:
    """Σ Y k [..., 3] of the directions, which need no norm of one; zero where the mask is false. As gsplat's.

    Y is orthonormal on the sphere and in gsplat's order and signs, through degree 5. Tensors on another device than the
    CPU are copied there, and the sums back. Raises InvalidInput.
    """
    lead = dirs.shape[:-1]
    terms = _terms(degrees_to_use)
    if dirs.shape != (*lead, 3):
        raise InvalidInput.of("dirs", received=tuple(dirs.shape), accepted="[..., 3]")
    if dirs.dtype not in (torch.float32, torch.float64):
        raise InvalidInput.of("dirs", received=dirs.dtype, accepted="float32 or float64")
    if (coeffs.dtype, coeffs.device) != (dirs.dtype, dirs.device):
        received, accepted = f"{coeffs.dtype} on {coeffs.device}", f"as dirs, {dirs.dtype} on {dirs.device}"
        raise InvalidInput.of("coeffs", received=received, accepted=accepted)
    if coeffs.shape[:-2] != lead or coeffs.shape[-1:] != (3,) or coeffs.shape[-2] < terms:
        accepted = f"[{', '.join(map(str, lead))}, K, 3] with K ≥ {terms}"
        raise InvalidInput.of("coeffs", received=tuple(coeffs.shape), accepted=accepted)
    if masks is not None and (masks.shape, masks.dtype) != (lead, torch.bool):
        raise InvalidInput.of("masks", received=f"{masks.dtype} {list(masks.shape)}", accepted=f"bool {list(lead)}")
    rows = torch.arange(lead.numel())
    coefficients, ids = coeffs.reshape(-1, *coeffs.shape[-2:]).cpu(), (rows, torch.zeros_like(rows), rows)
    given = dirs.reshape(-1, 3).cpu(), torch.zeros(1, 3, dtype=dirs.dtype), coefficients, *ids
    sums = _Sums.apply(int(degrees_to_use), *given, torch.get_num_threads(), SUMS).reshape(dirs.shape).to(dirs.device)
    return sums if masks is None else torch.where(masks[..., None], sums, 0)


def _terms(degree: int) -> int:
    if not isinstance(degree, Integral) or isinstance(degree, bool) or not 0 <= degree <= MAX_DEGREE:
        raise InvalidInput.of("degrees_to_use", received=degree, accepted=f"0 … {MAX_DEGREE}")
    return (degree + 1) ** 2


def harmonic_colors(
    degree: int,
    positions: Tensor,  # [P, 3]
    origins: Tensor,  # [I, 3]
    coefficients: Tensor,  # [Q, ≥ (degree + 1)², 3]
    rows: Tensor,  # [n] of positions
    images: Tensor,  # [n] of origins, ascending
    held: Tensor,  # [n] of coefficients
    threads: int,
) -> Tensor:
    """max(Σ Y k + ½, 0) [n, 3] of positions as seen from origins; no row or coefficients twice in one image."""
    return _Sums.apply(degree, positions, origins, coefficients, rows, images, held, threads, COLORS)


class _Sums(torch.autograd.Function):
    @staticmethod
    def forward(
        ctx: Any,
        degree: int,
        positions: Tensor,
        origins: Tensor,
        coefficients: Tensor,
        rows: Tensor,
        images: Tensor,
        held: Tensor,
        threads: int,
        range_: tuple[float, float],
    ) -> Tensor:
        sums = positions.new_empty(len(rows), 3)
        arrays = _arrays(positions, origins, coefficients, rows, images, held)
        in_ranges(evaluate, len(rows), PIECE, threads, tuple(range(degree + 1)), *arrays, *range_, sums.numpy())
        ctx.degree, ctx.threads, ctx.least = degree, threads, range_[1]
        ctx.save_for_backward(sums, positions, origins, coefficients, rows, images, held)
        return sums

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, g_sums: Tensor) -> tuple[Tensor | None, ...]:
        sums, *given = ctx.saved_tensors
        positions, origins, coefficients, *_ = given
        *inputs, rows, images, held = _arrays(*given)
        into = positions.new_zeros(positions.shape), coefficients.new_zeros(coefficients.shape)
        g_origins = np.zeros((len(origins), 3))
        gradient = np.where(sums.numpy() > ctx.least, g_sums.numpy(), 0)
        firsts = np.searchsorted(images, np.arange(len(origins) + 1))
        for image in range(len(origins)):
            own = slice(firsts[image], firsts[image + 1])
            parts = in_ranges(
                evaluate_backward,
                own.stop - own.start,
                PIECE,
                ctx.threads,
                tuple(range(ctx.degree + 1)),
                *inputs,
                rows[own],
                images[own],
                held[own],
                gradient[own],
                *(array.numpy() for array in into),
            )
            g_origins[image] = sum(parts, np.zeros(3))
        return None, into[0], torch.from_numpy(g_origins).to(origins.dtype), into[1], *[None] * 5


def _arrays(*tensors: Tensor) -> tuple[Any, ...]:
    return tuple(tensor.detach().contiguous().numpy() for tensor in tensors)
