"""The atmosphere: dry primitive equations on a global grid under Held–Suarez forcing, all members at once."""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import cache, cached_property
from typing import TYPE_CHECKING, ClassVar

import numpy as np
from numpy.typing import NDArray

from tellurion_assimilation.systems.atmosphere.layout import Layout
from tellurion_core.errors import InvalidInput, Unavailable

if TYPE_CHECKING:
    from tellurion_assimilation.systems.atmosphere.dynamics import Dynamics

HOURLY = 31
"""The finest truncation with a step of an hour: a third of it changes a forecast of 48 hours by 0.05 m/s, and winds of
90 m/s stay within the scheme's stability."""
LONGEST_FORECAST = 24 * 366.0
"""Hours."""


@dataclass(frozen=True)
class Atmosphere:
    """Held–Suarez dynamics at a truncation; T31 on five levels runs well on two cores, T42 on eight wants a GPU.

    Raises Unavailable at the first forecast where `dinosaur` is not installed (the extra `atmosphere`).
    """

    truncation: int = 31
    levels: int = 5
    name: ClassVar[str] = "atmosphere"

    def __post_init__(self) -> None:
        _ = self.layout

    @cached_property
    def layout(self) -> Layout:
        """How a state lies in an array."""
        return Layout(self.truncation, self.levels)

    @property
    def size(self) -> int:
        """Variables of a state."""
        return self.layout.size

    @property
    def dt(self) -> float:
        """Hours of a step."""
        return self.step / 3600

    @property
    def step(self) -> float:
        """Seconds, a whole fraction of an hour."""
        return 3600.0 / math.ceil(self.truncation / HOURLY)

    def forecast(self, states: NDArray[np.floating], hours: float) -> NDArray[np.float32]:
        """The states [B, C, Y, X] so many hours later, float32; the input is untouched.

        What the truncation cannot hold is lost at the start, and nothing else: 0 hours give the states as the model
        sees them. Raises InvalidInput when states are not finite or of another layout, when hours are not a whole
        number of steps, or when the model does not survive what it was given.
        """
        states = np.asarray(states, dtype=np.float32)
        self.layout.check(states, "states")
        if states.ndim != 4:
            raise InvalidInput.of("states", received=f"{states.ndim} dimensions", accepted="[B, C, Y, X]")
        steps = hours * 3600 / self.step
        if not (0 <= hours <= LONGEST_FORECAST and float(steps).is_integer()):
            accepted = f"0 to {LONGEST_FORECAST:g} hours, a multiple of {self.step / 3600:g}"
            raise InvalidInput.of("hours", received=hours, accepted=accepted)
        if not len(states):
            return states
        later = np.array(self._dynamics.forecast(states, int(steps)))
        if not np.isfinite(later).all():
            accepted = "states whose winds the model's time step can follow"
            raise InvalidInput.of(
                "states", received=f"a forecast that grew without bound in {hours:g} h", accepted=accepted
            )
        return later

    def start(self, rng: np.random.Generator) -> NDArray[np.float32]:
        """[C, Y, X] air at rest, at 288 K and 1000 hPa, and 1 K of noise to break the symmetry; spin it up."""
        levels, (_, *grid) = self.layout.levels, self.layout.shape
        temperature = 288.0 + rng.standard_normal((levels, *grid))
        state = np.concatenate([np.zeros((2 * levels, *grid)), temperature, np.full((1, *grid), 1e5)])
        return state.astype(np.float32)

    @property
    def _dynamics(self) -> Dynamics:
        return _compiled(self.layout, self.step)


@cache
def _compiled(layout: Layout, step: float) -> Dynamics:
    """Equal atmospheres share what was compiled for them: that takes longer than most forecasts."""
    try:
        from tellurion_assimilation.systems.atmosphere.dynamics import Dynamics
    except ImportError as error:
        raise Unavailable(
            f"the atmosphere needs {error.name}: install tellurion-assimilation[atmosphere]",
            reason="NO_ATMOSPHERE_MODEL",
        ) from error
    return Dynamics(layout, step)
