"""What decides a UNet's parameters and their meaning: sizes and switches, checked, to be kept beside its weights."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, fields
from typing import Any

from tellurion_core.errors import InvalidInput

LARGEST = {
    "in_channels": 4096,
    "out_channels": 4096,
    "width": 2048,
    "blocks": 16,
    "heads": 64,
    "patch": 16,
    "features": 1024,
}
"""A spec may come with weights that nobody vouches for: what it asks for is bounded."""
MOST_RESOLUTIONS = 8
LARGEST_MULTIPLIER = 32


@dataclass(frozen=True, kw_only=True)
class UNetSpec:
    """The shape of a `UNet`. `asdict` gives what JSON can hold, and `from_json` takes it back.

    Raises InvalidInput for a value out of range, of another type, or that another one forbids.
    """

    in_channels: int
    """Channels of the state and of the static fields together."""
    out_channels: int
    """Channels of the estimate: those of the state."""
    width: int
    """Channels at the finest resolution; even."""
    multipliers: tuple[int, ...]
    """Channels of each resolution in units of `width`, finest first; each resolution halves the one before."""
    blocks: int
    """Residual blocks of each resolution on the way down; one more on the way up."""
    attention: tuple[int, ...] = ()
    """Resolutions with attention after each block, as indices of `multipliers`, ascending."""
    middle_attention: bool = True
    """Whether there is attention between the two middle blocks."""
    heads: int = 4
    """Attention heads; a divisor of the channels wherever there is attention."""
    patch: int = 1
    """Cells on a side that become channels before the first convolution, and cells again after the last; 1: none."""
    periodic: bool = False
    """Whether the left edge and the right edge of the grid are neighbours, as longitudes are round the globe."""
    features: int = 0
    """Numbers that condition the whole field, such as the sine and cosine of the month."""
    scale_shift: bool = True
    """Whether level and features scale and shift the normalised channels, instead of being added to them."""
    dropout: float = 0.0
    """Share of channels' values dropped in training."""

    def __post_init__(self) -> None:
        for name in ("multipliers", "attention"):
            object.__setattr__(self, name, _integers(name, getattr(self, name)))
        for name, largest in LARGEST.items():
            value, least = getattr(self, name), 0 if name == "features" else 1
            _require(name, value, _is_integer(value) and least <= value <= largest, f"an integer in {least}…{largest}")
        for name in ("middle_attention", "periodic", "scale_shift"):
            _require(name, getattr(self, name), isinstance(getattr(self, name), bool), "true or false")
        known = len(self.multipliers)
        within = 1 <= known <= MOST_RESOLUTIONS and all(1 <= m <= LARGEST_MULTIPLIER for m in self.multipliers)
        accepted = f"1 to {MOST_RESOLUTIONS} integers in 1…{LARGEST_MULTIPLIER}"
        _require("multipliers", self.multipliers, within, accepted)
        ascending = self.attention == tuple(sorted(set(self.attention) & set(range(known))))
        _require("attention", self.attention, ascending, f"ascending indices of resolutions, 0…{known - 1}")
        _require("width", self.width, self.width % 2 == 0, "an even number")
        attended = [self.multipliers[i] for i in self.attention] + [self.multipliers[-1]] * self.middle_attention
        divides = all(self.width * multiplier % self.heads == 0 for multiplier in attended)
        _require("heads", self.heads, divides, "a divisor of the channels wherever there is attention")
        number = isinstance(self.dropout, int | float) and not isinstance(self.dropout, bool)
        _require("dropout", self.dropout, number and 0 <= self.dropout < 1, "a share in [0, 1)")

    @property
    def stride(self) -> int:
        """Cells on a side that one value of the coarsest resolution stands for."""
        return int(self.patch * 2 ** (len(self.multipliers) - 1))

    @classmethod
    def from_json(cls, values: Mapping[str, Any]) -> UNetSpec:
        """The spec that `asdict` wrote as JSON.

        Raises InvalidInput for a name that is missing or unknown, and whatever the constructor refuses.
        """
        known = {field.name for field in fields(cls)}
        if not isinstance(values, Mapping) or set(values) != known:
            received = sorted(map(str, values)) if isinstance(values, Mapping) else values
            raise InvalidInput.of("spec", received=received, accepted=f"exactly {', '.join(sorted(known))}")
        return cls(**values)


def _integers(name: str, values: Iterable[int]) -> tuple[int, ...]:
    listed = isinstance(values, list | tuple) and all(_is_integer(value) for value in values)
    _require(name, values, listed, "a list of integers")
    return tuple(values)


def _is_integer(value: object) -> bool:
    return isinstance(value, int) and not isinstance(value, bool)


def _require(name: str, value: object, holds: bool, accepted: str) -> None:
    if not holds:
        raise InvalidInput.of(f"spec.{name}", received=value, accepted=accepted)


RECONMOST = UNetSpec(
    in_channels=42,
    out_channels=42,
    width=128,
    multipliers=(1, 2, 2, 2, 4, 4),
    blocks=3,
    heads=4,
)
"""The released ReconMOST denoiser for 42 levels × 173 × 360: about 160 million parameters.

Its options ask for attention at resolutions that an image size of 180 never reaches: only the middle block has it.
"""
