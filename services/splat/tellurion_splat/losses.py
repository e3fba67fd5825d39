"""What a fit minimises: the photometric loss of Gaussian splatting, and Ref-Unlock's.

With X = (1 − W) Tc, the transmitted part of an image I, and C the photograph without its reflection:

    0.8 [0.8 L1(I, photograph) + 2 L1(X, C)] + 0.2 [0.8 (1 − SSIM(I, photograph)) + 2 (1 − SSIM(X, C))]
    + 0.1 MSE(X, C) at first + 0.001 s(W) + 0.001 s(D⁻¹; X) + 30 λ |D⁻¹ − prior|

where s is roughness, between the edges of X for the inverse depth. Terms whose input is missing are left out.

An image C that was made without its reflection is blurred, out of place, and has some of the reflection left. A loss
that doubts it believes only what it can know:

    0.8 L1(I, photograph) + 0.2 (1 − SSIM(I, photograph)) + 0.8 mean b |G ∗ (X − C)|,
    b = max(0.2, exp(−Σ|G ∗ (photograph − C)|/0.2))

and the terms of roughness and depth, G the window of SSIM: detail is the photograph's, and where C took much away some
is left.
"""

from __future__ import annotations

from collections.abc import Iterator

import torch
from torch import Tensor

from tellurion_splat.components import Components
from tellurion_splat.ssim import blurred, ssim
from tellurion_splat.variants import Variant

L1_SHARE = 0.8
"""Of the photometric loss; the rest is D-SSIM."""
PHOTOGRAPH, CLEAN = 0.8, 2.0
"""Weights of the photometric losses of I and of X."""
CLEAN_SQUARE = 0.1
ROUGHNESS = 0.001
"""Of the weights, and of the inverse depth."""
EDGE = 0.1
"""Difference of colour, summed over the channels, across which roughness counts 1/e."""
BELIEVED = 0.8
"""Weight of what is believed of X."""
BELIEF = 0.2
"""Difference of colour, summed over the channels, between a photograph and a clean image that is believed to 1/e."""
LEAST_BELIEF = 0.2
SEEN = 1e-3
"""Alpha that an inverse depth is divided by at least."""
DEPTH = 30.0
"""Per difference of 1 in inverse depth, times λ."""


def photometric(image: Tensor, photograph: Tensor) -> Tensor:
    """0.8 L1 + 0.2 (1 − SSIM) of two images [H, W, 3]. Source: Kerbl et al. (2023), eq. 7."""
    return L1_SHARE * (image - photograph).abs().mean() + (1 - L1_SHARE) * (1 - ssim(image, photograph))


def depth_term(seen: Components, prior: Tensor, decay: float, *, variant: Variant) -> Tensor:
    """30 λ times the mean difference of inverse depths [H, W]."""
    inverse_depth = seen.inverse_depth
    if variant.divides_by_alpha:
        inverse_depth = inverse_depth / seen.alpha.clamp(min=SEEN)
    return DEPTH * decay * (inverse_depth - prior).abs().mean()


def ref_unlock_terms(
    seen: Components,
    photograph: Tensor,  # [H, W, 3]
    clean: Tensor | None,  # [H, W, 3]
    *,
    variant: Variant,
    with_square: bool,
) -> dict[str, Tensor]:
    """Ref-Unlock's loss without its depth prior, as weighted terms whose sum it is."""
    terms = {"image": photometric(seen.image, photograph)}
    if variant.doubts:
        if clean is not None:
            terms["transmitted"] = BELIEVED * _as_far_as_believed(seen.transmitted, clean, photograph)
    else:
        terms["image"] *= PHOTOGRAPH
        if clean is not None:
            terms["transmitted"] = CLEAN * photometric(seen.transmitted, clean)
            if with_square:
                terms["transmitted square"] = CLEAN_SQUARE * (seen.transmitted - clean).square().mean()
    terms["roughness of weight"] = ROUGHNESS * roughness(seen.weight)
    terms["roughness of depth"] = ROUGHNESS * roughness(seen.inverse_depth, variant.guide(seen.transmitted))
    return terms


def _as_far_as_believed(transmitted: Tensor, clean: Tensor, photograph: Tensor) -> Tensor:
    """The mean difference of blurred images [H, W, 3], each pixel's as far as the clean one is believed."""
    difference, taken_away = (blurred((one - clean).permute(2, 0, 1)).abs() for one in (transmitted, photograph))
    return (difference * torch.exp(taken_away.sum(dim=0) / -BELIEF).clamp(min=LEAST_BELIEF)).mean()


def roughness(field: Tensor, guide: Tensor | None = None) -> Tensor:
    """The mean difference of neighbours in [H, W] to the right, below, and on both diagonals below.

    With a guide [H, W, 3] a difference counts exp(−Σ|Δguide|/0.1): a field may change where the guide does.
    """
    means = []
    for near, far in _neighbours():
        difference = (field[near] - field[far]).abs()
        if guide is not None:
            difference = difference * torch.exp((guide[near] - guide[far]).abs().sum(-1) / -EDGE)
        means.append(difference.mean())
    return torch.stack(means).mean()


def _neighbours() -> Iterator[tuple[tuple[slice, slice], tuple[slice, slice]]]:
    """The pixels that have a neighbour in each of four directions, and the neighbours."""
    whole, first, last = slice(None), slice(None, -1), slice(1, None)
    yield (whole, first), (whole, last)
    yield (first, whole), (last, whole)
    yield (first, first), (last, last)
    yield (last, first), (first, last)
