"""What decides a DiT's parameters and their meaning: sizes, checked, to be kept beside its weights."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import Any

from tellurion_core.errors import InvalidInput

LARGEST = {"channels": 4096, "static": 4096, "width": 2048, "depth": 64, "heads": 64, "patch": 16, "features": 1024}
"""A spec may come with weights that nobody vouches for: what it asks for is bounded."""


@dataclass(frozen=True, kw_only=True)
class DiTSpec:
    """The shape of a `DiT`. `asdict` gives what JSON can hold, and `from_json` takes it back.

    Raises InvalidInput for a value out of range, of another type, or that another one forbids.
    """

    channels: int
    """Channels of the state, and of the estimate."""
    static: int
    """Channels of the fields that condition it."""
    width: int
    """Channels of a token; a multiple of 4 and of `heads`."""
    depth: int
    """Blocks."""
    heads: int = 4
    """Attention heads."""
    patch: int = 2
    """Cells on a side that become one token."""
    features: int = 0
    """Numbers that condition the whole field."""

    def __post_init__(self) -> None:
        for name, largest in LARGEST.items():
            value, least = getattr(self, name), 0 if name == "features" else 1
            if not isinstance(value, int) or isinstance(value, bool) or not least <= value <= largest:
                raise InvalidInput.of(f"spec.{name}", received=value, accepted=f"an integer in {least}…{largest}")
        if self.width % 4 or self.width % self.heads:
            raise InvalidInput.of("spec.width", received=self.width, accepted=f"a multiple of 4 and of {self.heads}")

    @classmethod
    def from_json(cls, values: Mapping[str, Any]) -> DiTSpec:
        """The spec that `asdict` wrote as JSON.

        Raises InvalidInput for a name that is missing or unknown, and whatever the constructor refuses.
        """
        known = {field.name for field in fields(cls)}
        if not isinstance(values, Mapping) or set(values) != known:
            received = sorted(map(str, values)) if isinstance(values, Mapping) else values
            raise InvalidInput.of("spec", received=received, accepted=f"exactly {', '.join(sorted(known))}")
        return cls(**values)
