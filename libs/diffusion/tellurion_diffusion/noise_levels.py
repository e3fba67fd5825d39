"""Which noise levels a network is trained at."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Protocol

import torch
from torch import Tensor

from tellurion_core.errors import InvalidInput


class NoiseLevels(Protocol):
    """A distribution of σ."""

    def draw(self, count: int, generator: torch.Generator, /) -> Tensor:
        """σ [count], float32 on the generator's device."""
        ...


@dataclass(frozen=True)
class LogNormal:
    """log σ ~ N(mean, std²), by default that of Karras et al. (2022), table 1."""

    mean: float = -1.2
    std: float = 1.2

    def draw(self, count: int, generator: torch.Generator, /) -> Tensor:
        """σ [count], float32 on the generator's device."""
        return (self.mean + self.std * torch.randn(count, generator=generator, device=generator.device)).exp()


@dataclass(frozen=True)
class LogUniform:
    """log σ evenly in [log smallest, log largest], one level in each of `count` equal parts of it.

    A batch so stratified covers all levels, which takes most of their noise out of the loss.
    """

    smallest: float
    largest: float

    def __post_init__(self) -> None:
        if not 0 < self.smallest < self.largest < math.inf:
            received = (self.smallest, self.largest)
            raise InvalidInput.of("smallest, largest", received=received, accepted="0 < smallest < largest")

    def draw(self, count: int, generator: torch.Generator, /) -> Tensor:
        """σ [count], float32 on the generator's device."""
        shares = torch.arange(count, device=generator.device) + torch.rand(
            count, generator=generator, device=generator.device
        )
        low, high = math.log(self.smallest), math.log(self.largest)
        return (low + (high - low) / count * shares).exp()
