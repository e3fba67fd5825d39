"""Sizes of Gaussian2Scene: those of its closest published relative, and those that two cores train in an hour."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

from tellurion_core.errors import InvalidInput
from tellurion_pointcloud import scene_encoder
from tellurion_pointcloud.scene_encoder import SceneSpec
from tellurion_pointcloud.specs import check_sizes, stored_fields

LIMITS = {
    "points": 1 << 20,
    "image_height": 4096,
    "image_width": 4096,
    "image_patch": 256,
    "image_depth": 64,
    "shared_depth": 64,
    "decoder_depth": 64,
}
"""Largest numbers that a file may claim."""
FEWEST_GROUPS = 2
MOST_IMAGE_PATCHES = 4096
CHANNELS = (3, 4)
"""Of images: colour alone, or with depth."""


@dataclass(frozen=True)
class Spec:
    """What the networks are built from."""

    encoder: SceneSpec
    """The 3D branch, which also says how a scene is cut into patches, and how wide all tokens are."""
    points: int
    """Points that a scene is sampled to."""
    image_height: int
    """Pixels."""
    image_width: int
    image_patch: int
    """Side of an image's patches, pixels."""
    channels: int = 3
    image_depth: int = 3
    """Blocks of the image branch."""
    shared_depth: int = 3
    """Blocks over the tokens of both."""
    decoder_depth: int = 3

    def __post_init__(self) -> None:
        check_sizes(self, LIMITS)
        if self.encoder.groups < FEWEST_GROUPS:
            accepted = f"at least {FEWEST_GROUPS}, one hidden and one visible"
            raise InvalidInput.of("spec.encoder.groups", received=self.encoder.groups, accepted=accepted)
        if self.channels not in CHANNELS:
            raise InvalidInput.of("spec.channels", received=self.channels, accepted="3 for colour, 4 with depth")
        for name in ("image_height", "image_width"):
            if getattr(self, name) % self.image_patch:
                accepted = f"a multiple of {self.image_patch}, the side of a patch"
                raise InvalidInput.of(f"spec.{name}", received=getattr(self, name), accepted=accepted)
        if self.image_patches > MOST_IMAGE_PATCHES:
            accepted = f"at most {MOST_IMAGE_PATCHES} patches of an image"
            raise InvalidInput.of("spec.image_patch", received=self.image_patch, accepted=accepted)

    @property
    def image_patches(self) -> int:
        """Patches of an image."""
        return (self.image_height // self.image_patch) * (self.image_width // self.image_patch)

    @property
    def pixels(self) -> int:
        """Numbers in an image's patch."""
        return self.channels * self.image_patch**2

    @classmethod
    def of(cls, stored: Any) -> Spec:
        """What a weights file says. Raises InvalidInput for names or values that cannot be."""
        known = stored_fields(cls, stored)
        return cls(**{**known, "encoder": SceneSpec.of(known["encoder"])})

    def stored(self) -> dict[str, Any]:
        """As JSON."""
        return asdict(self)


FULL = Spec(
    SceneSpec(groups=128, group_size=32, width=256, depth=3, heads=4, hidden=scene_encoder.FULL.hidden),
    points=2048,
    image_height=256,
    image_width=352,
    image_patch=16,
)
"""The size of PiMAE (Chen et al. 2023)."""
SMALL = Spec(
    SceneSpec(),
    points=4096,
    image_height=96,
    image_width=128,
    image_patch=16,
    image_depth=2,
    shared_depth=2,
    decoder_depth=2,
)
"""The size of the shipped weights."""
