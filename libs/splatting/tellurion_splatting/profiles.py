"""The constants in which rasterisers of Gaussians differ, each set named for the program whose images it reproduces."""

from __future__ import annotations

from dataclasses import dataclass
from types import MappingProxyType
from typing import Literal

ALPHA_MIN = 1 / 255
"""A Gaussian that covers a pixel by less is left out there; the same in all programs."""
TRANSMITTANCE_MIN = 1e-4
"""A pixel ends before the Gaussian that would let less light through than this; the same in all programs."""
REACH = 3.33
"""Standard deviations of the widest box, just above √(2 ln 255), where an opacity of one falls to ALPHA_MIN."""


@dataclass(frozen=True)
class Profile:
    """One rasteriser's constants."""

    alpha_cap: float
    """Greatest share of the light that one Gaussian takes."""
    ends_at_minimum: bool
    """Whether a transmittance of exactly TRANSMITTANCE_MIN ends the pixel."""
    extent: Literal["opacity", "square"]
    """Box of pixels that a Gaussian may touch: as far as its opacity reaches, or ⌈3√λmax⌉ both ways.

    What a square box touches is told as the rasteriser of Kerbl et al. does, in whole numbers of tiles, with pixel
    centres at whole numbers: from ⌊(x − ½ − r)/t⌋ to before ⌊(x − ½ + r + t − 1)/t⌋.
    """
    near: float
    """Depth up to which nothing is drawn, whatever the near plane, metres."""
    compensation_min: float
    """Least factor by which antialiasing dims."""


PROFILES = MappingProxyType(
    {
        "gsplat": Profile(0.999, ends_at_minimum=True, extent="opacity", near=0.0, compensation_min=0.0),
        "gsplat16": Profile(0.99, ends_at_minimum=True, extent="opacity", near=0.0, compensation_min=0.005),
        "inria": Profile(0.99, ends_at_minimum=False, extent="square", near=0.2, compensation_min=0.005),
    }
)
"""gsplat 1.5.3 (CUDA kernels), gsplat 1.6.0, and the rasteriser of Kerbl et al. (2023)."""
