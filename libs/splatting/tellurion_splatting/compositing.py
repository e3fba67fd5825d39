"""The step from Gaussians in images to pixels, as a node of torch's graph."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.autograd.function import once_differentiable

from tellurion_splatting.kernels.compositing import composite
from tellurion_splatting.kernels.compositing_backward import VALUES, composite_backward, gather, unpack
from tellurion_splatting.listing import PIECE, Canvas, Lists
from tellurion_splatting.profiles import ALPHA_MIN, TRANSMITTANCE_MIN
from tellurion_splatting.threads import in_ranges

TILES = 16
"""Tiles that one call of a kernel does."""
SLOT_BYTES = 400
"""Memory for the parts of gradients that tiles hold, bytes a Gaussian; where it is too little, tiles take turns."""


def composited(
    firsts: NDArray[np.int64],  # [I + 1] where each image's Gaussians begin
    depths: Tensor,  # [nnz] that they are sorted by; no gradient
    radii: Tensor,  # [nnz, 2] int32
    means2d: Tensor,  # [nnz, 2]
    conics: Tensor,  # [nnz, 3]
    opacities: Tensor,  # [nnz]
    values: Tensor,  # [nnz, D]
    second: tuple[Tensor, Tensor] | None,  # opacities [nnz] and values [nnz, E] of another layer
    canvas: Canvas,
    keep_absolute: Callable[[Tensor], None] | None = None,  # given Σ|∂L/∂means2d| [nnz, 2] in the backward pass
) -> tuple[Tensor, ...]:
    """Sums of values [I, H, W, D] and alphas [I, H, W]; with a second layer its [I, H, W, E] and [I, H, W] as well."""
    others = (None, None) if second is None else second
    return _Compositing.apply(means2d, conics, opacities, values, *others, depths, radii, firsts, canvas, keep_absolute)


class _Compositing(torch.autograd.Function):
    @staticmethod
    def forward(
        ctx: Any,
        means2d: Tensor,
        conics: Tensor,
        opacities: Tensor,
        values: Tensor,
        second_opacities: Tensor | None,
        second_values: Tensor | None,
        depths: Tensor,
        radii: Tensor,
        firsts: NDArray[np.int64],
        canvas: Canvas,
        keep_absolute: Callable[[Tensor], None] | None,
    ) -> tuple[Tensor, ...]:
        size = len(firsts) - 1, canvas.height, canvas.width
        layers = [values] if second_values is None else [values, second_values]
        outputs = [out for layer in layers for out in (layer.new_empty(*size, layer.shape[1]), layer.new_empty(size))]
        given = [opacities] if second_opacities is None else [opacities, second_opacities]
        shining = _finite([_array(x) for x in given], [_array(layer) for layer in layers])
        gaussians = [*(_array(x) for x in (depths, radii, means2d, conics)), *shining, *[None] * (2 - len(shining))]
        lists = []
        for image, own in enumerate(map(slice, firsts[:-1], firsts[1:])):
            found = Lists.of(*(None if x is None else x[own] for x in gaussians), canvas)
            tiles = found.longest_first(0, len(found.firsts) - 1)
            drawn = _drawn(found, layers, own, canvas)
            in_ranges(composite, len(tiles), TILES, canvas.threads, tiles, *drawn, *_pixels(image, outputs))
            lists.append(found)
        if any(ctx.needs_input_grad):
            ctx.firsts, ctx.lists, ctx.canvas, ctx.keep_absolute = firsts, lists, canvas, keep_absolute
            ctx.save_for_backward(*layers, *outputs)
        return tuple(outputs)

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, *g_outputs: Tensor) -> tuple[Any, ...]:
        saved, canvas = ctx.saved_tensors, ctx.canvas
        layers, outputs = saved[: len(saved) // 3], saved[len(saved) // 3 :]
        count, new = len(layers[0]), layers[0].new_empty
        g_means2d, g_conics, g_opacities, absolute = new(count, 2), new(count, 3), new(count), new(count, 2)
        g_second = new(count if len(layers) > 1 else 0)
        g_layers = [new(layer.shape) for layer in layers]
        for image, own in enumerate(map(slice, ctx.firsts[:-1], ctx.firsts[1:])):
            lists = ctx.lists[image]
            pixels = _pixels(image, outputs, g_outputs)
            sums = _sums(lists, _drawn(lists, layers, own, canvas), pixels, ctx.keep_absolute is not None, canvas)
            into = [gradient.numpy()[own] for gradient in (g_means2d, g_conics, g_opacities, g_second, absolute)]
            in_ranges(unpack, len(sums), PIECE, canvas.threads, lists.order, lists.footprints, sums, *into)
            ends = np.cumsum([VALUES, *(layer.shape[1] for layer in layers)])
            for gradient, start, stop in zip(g_layers, ends[:-1], ends[1:], strict=True):
                gradient.numpy()[own][lists.order] = sums[:, start:stop]
        if ctx.keep_absolute is not None:
            ctx.keep_absolute(absolute)
        others = (g_second, g_layers[1]) if len(layers) > 1 else (None, None)
        return g_means2d, g_conics, g_opacities, g_layers[0], *others, None, None, None, None, None


def _finite(opacities: list[NDArray[Any]], values: list[NDArray[Any]]) -> list[NDArray[Any]]:
    """The opacities [nnz] of layers, zero where any of a Gaussian's opacities or values [nnz, D] is not finite.

    A weight of zero would not keep such a value from the pixels that a kernel adds it to.
    """
    arrays = [*opacities, *values]
    with np.errstate(over="ignore", invalid="ignore"):
        if np.isfinite(sum(array.sum() for array in arrays)):
            return opacities
    finite = np.logical_and.reduce([np.isfinite(array).reshape(len(array), -1).all(axis=1) for array in arrays])
    return [np.where(finite, opacity, 0).astype(opacity.dtype) for opacity in opacities]


def _sums(
    lists: Lists, drawn: tuple[Any, ...], pixels: tuple[Any, ...], absolute: bool, canvas: Canvas
) -> NDArray[Any]:
    """Of each Gaussian the slots of all its tiles [n, columns], in the order of the tiles."""
    _, entries, footprints, *_ = drawn
    count, columns = len(footprints), VALUES + sum(layer[0].shape[2] for layer in pixels if layer is not None)
    sums = np.zeros((count, columns), footprints.dtype)
    if not len(entries):
        return sums
    for first, last in lists.bands(SLOT_BYTES * count // (columns * sums.itemsize)):
        start, stop = lists.firsts[first], lists.firsts[last]
        slots = np.empty((stop - start, columns), sums.dtype)
        work = lists.longest_first(first, last), *drawn, *pixels, absolute, start, slots
        in_ranges(composite_backward, last - first, TILES, canvas.threads, *work)
        in_ranges(gather, count, -(-count // canvas.threads), canvas.threads, entries[start:stop], slots, sums)
    return sums


def _drawn(lists: Lists, layers: Sequence[Tensor], own: slice, canvas: Canvas) -> tuple[Any, ...]:
    """What the kernels draw: lists, footprints, values of both layers, rules and the size of a tile."""
    values = [_array(layer)[own].take(lists.order, axis=0).reshape(-1) for layer in layers]
    real = lists.footprints.dtype.type
    least = real(TRANSMITTANCE_MIN)
    if canvas.profile.ends_at_minimum:
        least = np.nextafter(least, real(1))
    rules = real(canvas.profile.alpha_cap), real(ALPHA_MIN), least, canvas.joint
    return (
        lists.firsts,
        lists.entries,
        lists.footprints,
        values[0],
        values[1] if values[1:] else None,
        rules,
        canvas.tile,
    )


def _pixels(image: int, *outputs: Sequence[Tensor]) -> tuple[Any, ...]:
    """Of each of both layers: image and alphas, and the like of their gradients; None for a layer that is not there."""
    arrays = [[_array(tensor[image]) for tensor in of] for of in outputs]
    first, second = ([array for of in arrays for array in of[layer : layer + 2]] for layer in (0, 2))
    return tuple(first), tuple(second) or None


def _array(tensor: Tensor) -> NDArray[Any]:
    return tensor.detach().contiguous().numpy()
