"""Sizes of MMPT: those it is published with, and those that two cores train in an hour."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

from tellurion_core.errors import InvalidInput
from tellurion_pointcloud.specs import check_blocks, check_sizes, stored_fields

LIMITS = {
    "points": 1 << 16,
    "groups": 4096,
    "group_size": 1024,
    "hidden": 4096,
    "width": 4096,
    "depth": 64,
    "heads": 64,
    "vocabulary": 1 << 16,
    "code_width": 4096,
    "decoder_depth": 64,
    "image_size": 1024,
    "image_width": 256,
    "contrast": 4096,
}
"""Largest numbers that a file may claim."""
LEAST_GROUP = 4
"""Points of a patch, of which the tokenizer first draws a quarter."""


@dataclass(frozen=True)
class Spec:
    """What the networks are built from."""

    points: int = 1024
    """Points that a cloud is sampled to."""
    groups: int = 64
    """Patches of a cloud."""
    group_size: int = 32
    """Points of a patch."""
    hidden: int = 128
    """Width of the first layer over points."""
    width: int = 384
    """Width of a token."""
    depth: int = 12
    heads: int = 6
    drop_path: float = 0.1
    vocabulary: int = 8192
    """Codes of the tokenizer."""
    code_width: int = 256
    decoder_depth: int = 4
    """Blocks that reconstruct points."""
    image_size: int = 224
    """Side of the pictures, pixels."""
    image_width: int = 64
    """Channels of the image branch's first stage."""
    contrast: int = 256
    """Width in which cloud and picture are compared."""

    def __post_init__(self) -> None:
        check_sizes(self, LIMITS)
        check_blocks(self)
        if self.group_size < LEAST_GROUP:
            raise InvalidInput.of("spec.group_size", received=self.group_size, accepted=f"at least {LEAST_GROUP}")
        if self.code_width % (heads := self.code_heads):
            accepted = f"a multiple of {heads}, the tokenizer's heads"
            raise InvalidInput.of("spec.code_width", received=self.code_width, accepted=accepted)

    @property
    def code_heads(self) -> int:
        """Heads of the tokenizer's attention: one for each 32 numbers of a code."""
        return max(1, self.code_width // 32)

    @classmethod
    def of(cls, stored: Any) -> Spec:
        """What a weights file says. Raises InvalidInput for a name or a value that cannot be."""
        return cls(**stored_fields(cls, stored))

    def stored(self) -> dict[str, Any]:
        """As JSON."""
        return asdict(self)


FULL = Spec()
"""The size of the publication's parents."""
SMALL = Spec(
    groups=32,
    hidden=32,
    width=192,
    depth=4,
    heads=3,
    vocabulary=512,
    code_width=64,
    decoder_depth=2,
    image_size=64,
    image_width=16,
    contrast=128,
)
"""The size of the shipped weights."""
