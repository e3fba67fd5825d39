"""What a fit is asked for."""

from __future__ import annotations

from dataclasses import dataclass

from tellurion_core.errors import InvalidInput
from tellurion_splat.schedule import MODES, Mode
from tellurion_splat.variants import VARIANTS

MOST_ITERATIONS = 100_000
HIGHEST_DEGREE = 5


@dataclass(frozen=True, kw_only=True)
class FitSpec:
    """All that the result depends on, beside the scene. Raises InvalidInput for what no fit can have."""

    mode: Mode = "ref-unlock"
    """`ref-unlock` to tell reflections apart; `3dgs` for a scene without any, or one that may keep them."""
    variant: str = "virtual"
    """Of `ref-unlock`: `virtual`, `fixed` or `released`; see `variants`. A `3dgs` compares depths as `virtual` does."""
    iterations: int = 30_000
    seed: int = 0
    max_gaussians: int = 100_000
    """That densification grows no further than."""
    sh_degree: int = 3
    """Of the transmitted colours."""
    reflected_sh_degree: int = 3
    clean_folder: str = ""
    """Of the scene: photographs without their reflections, for every view that is fitted; `ref-unlock` alone uses
    it."""
    depth_folder: str = ""
    """Of the scene: inverse depths up to scale and shift, for every view that is fitted."""
    hold_out: bool = True
    """Whether every eighth view is kept from the fit, to be scored on."""

    def __post_init__(self) -> None:
        for name, accepted in (("mode", MODES), ("variant", tuple(VARIANTS))):
            if (received := getattr(self, name)) not in accepted:
                raise InvalidInput.of(name, received=received, accepted=" or ".join(accepted))
        limits = {
            "iterations": (1, MOST_ITERATIONS),
            "seed": (0, 2**64 - 1),
            "max_gaussians": (4 if self.mode == "ref-unlock" else 2, 2**31 - 1),  # two in each branch
            "sh_degree": (0, HIGHEST_DEGREE),
            "reflected_sh_degree": (0, HIGHEST_DEGREE),
        }
        for name, (least, most) in limits.items():
            if not least <= (received := getattr(self, name)) <= most:
                raise InvalidInput.of(name, received=received, accepted=f"{least}…{most}")
        if self.mode != "ref-unlock":
            if self.clean_folder:
                raise InvalidInput.of("clean_folder", received=self.clean_folder, accepted="none in mode 3dgs")
            if self.variant != "virtual":
                raise InvalidInput.of(
                    "variant", received=self.variant, accepted="virtual, which is no other, in mode 3dgs"
                )
