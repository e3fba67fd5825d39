"""Reflections changed where a mask says so: removed, dimmed or recoloured."""

from __future__ import annotations

import torch
from torch import Tensor

from tellurion_core.errors import InvalidInput
from tellurion_splat.components import Components

STRONGEST = 4.0
"""How many times as strong a reflection may be made."""


def edited(
    seen: Components,
    mask: Tensor,  # [H, W] in 0 … 1
    reflection: float = 0.1,
    tint: Tensor | None = None,  # [3] in 0 … 1
) -> Tensor:
    """The image [H, W, 3] in which a reflection is `reflection` times as strong inside the mask, in the colour of
    `tint`.

        mask · (reflection · tint ∘ W R + X) + (1 − mask) · I

    Raises InvalidInput for a mask of another size or with values outside 0 … 1, and for a strength or a tint out of
    range.
    """
    if mask.shape != seen.weight.shape or not bool(((mask >= 0) & (mask <= 1)).all()):
        height, width = seen.weight.shape
        raise InvalidInput.of("mask", received=f"shape {list(mask.shape)}", accepted=f"[{height}, {width}], in 0…1")
    if not 0 <= reflection <= STRONGEST:
        raise InvalidInput.of("reflection", received=reflection, accepted=f"0…{STRONGEST:g}")
    color = seen.image.new_ones(3) if tint is None else tint.to(seen.image)
    if color.shape != (3,) or not bool(((color >= 0) & (color <= 1)).all()):
        raise InvalidInput.of("tint", received=color.tolist(), accepted="three numbers in 0…1")
    inside = reflection * color * seen.reflected + seen.transmitted
    return torch.lerp(seen.image, inside, mask[..., None].to(seen.image))
