"""The step from Gaussians in space to Gaussians in images, as a node of torch's graph."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.autograd.function import once_differentiable

from tellurion_splatting.kernels.projecting import project
from tellurion_splatting.kernels.projecting_backward import project_backward
from tellurion_splatting.profiles import Profile
from tellurion_splatting.threads import in_ranges

PIECE = 4096
"""Pairs of an image and a Gaussian that one call of the kernel does."""
PIECE_BACKWARD = 1024
"""Seen Gaussians that one call of the derivative's kernel does, and whose part of a viewmat's gradient is one sum."""


@dataclass(frozen=True)
class View:
    """What images have in common, beside their cameras; lengths in pixels or metres."""

    width: int
    height: int
    tile: int
    cameras: int
    """Cameras that look at each set of Gaussians of the batch."""
    near: float
    far: float
    radius_clip: float
    eps2d: float
    antialiased: bool
    profile: Profile
    threads: int


class Projected(NamedTuple):
    """The nnz Gaussians that images see, image by image, each image's in the order of the set."""

    pairs: Tensor
    """[nnz] image · N + Gaussian."""
    radii: Tensor
    """[nnz, 2] int32, half the boxes that they may touch, pixels."""
    means2d: Tensor
    """[nnz, 2] pixels."""
    depths: Tensor
    """[nnz] along the optical axis."""
    conics: Tensor
    """[nnz, 3] a, b, c of the inverse of the covariance in the image, pixels⁻²."""
    compensations: Tensor
    """[nnz] √(|S| / |S + eps2d·1|), S the covariance in the image before it is blurred."""


def projected(
    means: Tensor,  # [..., N, 3]
    quats: Tensor,  # [..., N, 4]
    scales: Tensor,  # [..., N, 3]
    covars: Tensor | None,  # [..., N, 3, 3], instead of the two
    opacities: Tensor,  # [..., N] that size the boxes; no gradient
    viewmats: Tensor,  # [..., C, 4, 4]
    Ks: Tensor,  # [..., C, 3, 3]; no gradient
    view: View,
) -> Projected:
    """The Gaussians that are seen; what is nearer than allowed, outside the image or not finite is not."""
    shape = (
        (quats.reshape(-1, 4), scales.reshape(-1, 3), None)
        if covars is None
        else (None, None, covars.reshape(-1, 3, 3))
    )
    cameras = viewmats.reshape(-1, 4, 4), Ks.reshape(-1, 3, 3)
    return Projected(*_Projection.apply(means.reshape(-1, 3), *shape, opacities.reshape(-1), *cameras, view))


class _Projection(torch.autograd.Function):
    @staticmethod
    def forward(
        ctx: Any,
        means: Tensor,
        quats: Tensor | None,
        scales: Tensor | None,
        covars: Tensor | None,
        opacities: Tensor,
        viewmats: Tensor,
        Ks: Tensor,
        view: View,
    ) -> tuple[Tensor, ...]:
        count = len(means) * view.cameras
        shapes, cameras = _shapes(means, quats, scales, covars), (_doubles(viewmats), _doubles(Ks))
        boxes = opacities.detach().contiguous().numpy()
        parts = in_ranges(project, count, PIECE, view.threads, *shapes, boxes, *cameras, *_options(view))
        if not parts:
            parts = [project(0, 0, *shapes, boxes, *cameras, *_options(view))]
        found = tuple(torch.from_numpy(np.concatenate(part)) for part in zip(*parts, strict=True))
        ctx.view = view
        ctx.save_for_backward(means, quats, scales, covars, viewmats, Ks, found[0])
        ctx.mark_non_differentiable(*found[:2])
        return found

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, _pairs: Tensor, _radii: Tensor, *gradients: Tensor) -> tuple[Tensor | None, ...]:
        *shape, viewmats, Ks, pairs = ctx.saved_tensors
        view, count = ctx.view, len(shape[0]) * ctx.view.cameras // len(viewmats)
        into = [None if tensor is None else tensor.new_zeros(tensor.shape) for tensor in shape]
        given = _shapes(*shape), _doubles(viewmats), _doubles(Ks), *_options(view)
        added = [gradient.contiguous().numpy() for gradient in gradients]
        g_viewmats = np.zeros((len(viewmats), 4, 4))
        firsts = np.searchsorted(pairs.numpy(), np.arange(len(viewmats) + 1) * count)
        for image, own in enumerate(map(slice, firsts[:-1], firsts[1:])):
            work = pairs.numpy()[own], *given, tuple(gradient[own] for gradient in added), _shapes(*into)
            parts = in_ranges(project_backward, own.stop - own.start, PIECE_BACKWARD, view.threads, *work)
            g_viewmats[image] = sum(parts, np.zeros((4, 4)))
        return *into, None, torch.from_numpy(g_viewmats).to(viewmats.dtype), None, None


def _shapes(
    means: Tensor, quats: Tensor | None, scales: Tensor | None, covars: Tensor | None
) -> tuple[NDArray[Any], ...]:
    """Of the kernels: what is not given is an array without rows."""
    nothing = means.detach()[:0]
    given = (
        means,
        nothing.new_empty(0, 4) if quats is None else quats,
        nothing if scales is None else scales,
        nothing.new_empty(0, 3, 3) if covars is None else covars,
    )
    return tuple(value.detach().contiguous().numpy() for value in given)


def _doubles(tensor: Tensor) -> NDArray[np.float64]:
    return tensor.detach().double().contiguous().numpy()


def _options(view: View) -> tuple[Any, ...]:
    """Size, cameras, planes, blur and rules, as the kernels take them."""
    profile = view.profile
    return (
        (view.width, view.height),
        view.cameras,
        (view.near, view.far),
        (view.eps2d, view.radius_clip, view.antialiased),
        (view.tile if profile.extent == "square" else 0, profile.near, profile.compensation_min),
    )
