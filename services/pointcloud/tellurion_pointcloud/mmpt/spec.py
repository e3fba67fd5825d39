"""Sizes of MMPT: those it is published with, and those that two cores train in an hour."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields
from typing import Any

from tellurion_core.errors import InvalidInput

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
        for name, largest in LIMITS.items():
            value = getattr(self, name)
            if not (isinstance(value, int) and 1 <= value <= largest):
                raise InvalidInput.of(f"spec.{name}", received=repr(value), accepted=f"a whole number, 1…{largest}")
        if self.width % self.heads:
            raise InvalidInput.of("spec.heads", received=str(self.heads), accepted=f"a divisor of {self.width}")
        if not 0 <= self.drop_path < 1:
            raise InvalidInput.of("spec.drop_path", received=str(self.drop_path), accepted="0 ≤ drop_path < 1")

    @classmethod
    def of(cls, stored: Mapping[str, Any]) -> Spec:
        """What a weights file says. Raises InvalidInput for a name or a value that cannot be."""
        known = {field.name for field in fields(cls)}
        if unknown := set(stored) - known:
            raise InvalidInput.of("spec", received=", ".join(sorted(unknown)), accepted=", ".join(sorted(known)))
        return cls(**stored)

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
