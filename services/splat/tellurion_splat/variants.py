"""Ref-Unlock as it was released, as it was meant, and with virtual images: what differs is named here.

`fixed` mends the release. `virtual` goes on from what optics says of a plane mirror: it shows things as far behind it
as they are before it, so the reflected branch begins with Gaussians of its own behind the surfaces, and no Gaussian is
in both branches: W sums over surfaces alone, R over images alone. And an image without reflections is believed the
more, the less it differs from the photograph; `losses` has the terms. Its numbers were chosen on the test scenes
`pane`, `mirror` and `floor`, seed 0, with degraded inputs; nothing was chosen on `picture`.

What a fit leaves behind does not depend on the variant: `normalised` is applied before Gaussians are written.

Which branch's clamp the release's one buffer ends up with is taken to be that of the reflected colours, computed last.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType

import torch
from torch import Tensor

DEGREE_FIVE = slice(25, 36)
"""Coefficients of degree 5 among all: l² + l + m for m = −5 … 5."""


@dataclass(frozen=True)
class Variant:
    """How a Ref-Unlock fit begins, what it minimises, and how it sees its own colours."""

    name: str
    initial_weight: float = 0.5
    """β at the start. At 1 its logit is +∞ and has no gradient, until the first reset brings it down."""
    degree_five: tuple[float, ...] = (1.0,) * 6
    """The basis functions of degree 5 over those that are orthonormal, for |m| = 0 … 5."""
    guide_by_rows: bool = False
    """Whether the guide of the smoothness is an image [3, H, W] whose memory is read as [H, W, 3]."""
    one_clamp: bool = False
    """Whether the colours of both branches have a gradient where the reflected one is not clamped."""
    virtual_images: bool = False
    """Whether the reflected branch begins as Gaussians behind the surfaces, and each Gaussian is in one branch alone;
    otherwise both branches begin as copies of each other and share all."""
    doubts: bool = False
    """Whether a clean image is compared blurred, and as far as it is believed."""
    divides_by_alpha: bool = False
    """Whether a depth prior is compared with Σ w / z over Σ w; otherwise with Σ w / z, which a pixel that is not quite
    opaque brings to the prior by being too near."""

    def normalised(self, sh: Tensor) -> Tensor:
        """Coefficients [N, K, 3] of the orthonormal basis that give the colours that `sh` gives in this variant's."""
        if sh.shape[1] < DEGREE_FIVE.stop or self.degree_five == (1.0,) * 6:
            return sh
        factors = sh.new_ones(sh.shape[1], 1)
        factors[DEGREE_FIVE, 0] = sh.new_tensor([self.degree_five[abs(m)] for m in range(-5, 6)])
        return sh * factors

    def guide(self, image: Tensor) -> Tensor:
        """The image [H, W, 3] that edges are looked for in."""
        return image.permute(2, 0, 1).reshape(image.shape) if self.guide_by_rows else image

    def clamped(self, transmitted: Tensor, reflected: Tensor) -> tuple[Tensor, Tensor]:
        """Both branches' colours [N, 3], none below 0."""
        if not self.one_clamp:
            return transmitted.clamp(min=0), reflected.clamp(min=0)
        passing = torch.where(reflected > 0, transmitted, transmitted.detach())
        return passing - transmitted.clamp(max=0).detach(), reflected.clamp(min=0)


FIXED = Variant("fixed")
RELEASED = Variant(
    "released",
    initial_weight=1.0,
    degree_five=(1.0, math.sqrt(2.5), math.sqrt(2), -math.sqrt(3), math.sqrt(12), -math.sqrt(24)),
    guide_by_rows=True,
    one_clamp=True,
)
VIRTUAL = Variant("virtual", initial_weight=0.2, virtual_images=True, doubts=True, divides_by_alpha=True)
VARIANTS: Mapping[str, Variant] = MappingProxyType({each.name: each for each in (VIRTUAL, FIXED, RELEASED)})
