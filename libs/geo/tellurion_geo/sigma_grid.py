"""The grid of a state of the atmosphere: levels of σ = p / pₛ × latitude × longitude."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from tellurion_core.errors import InvalidInput
from tellurion_geo.grid import Grid

UPPER_AIR = ("u", "v", "t")
"""What is known on every level: eastward and northward wind, m/s; air temperature, K."""
MAX_LEVELS = 1000


@dataclass(frozen=True, eq=False)
class SigmaGrid:
    """Where the values of a state [C, Y, X] stand; the arrays become read-only float64.

    The channels are u on each level from the top down, v, t, and the surface pressure: C = 3 L + 1.
    Raises InvalidInput when an axis is empty, not finite, not strictly ascending or out of range.
    """

    sigma: NDArray[np.float64]
    """[L] σ of the levels, within 0 and 1, from the top down."""
    lat: NDArray[np.float64]
    """[Y] degrees north, ascending, at least two."""
    lon: NDArray[np.float64]
    """[X] degrees east, ascending within [0, 360), at least two."""

    def __post_init__(self) -> None:
        object.__setattr__(self, "sigma", _levels(self.sigma))
        surface = Grid(np.zeros(1), self.lat, self.lon)
        object.__setattr__(self, "lat", surface.lat)
        object.__setattr__(self, "lon", surface.lon)

    @property
    def surface(self) -> Grid:
        """The same latitudes and longitudes, of one level."""
        return Grid(np.zeros(1), self.lat, self.lon)

    @property
    def shape(self) -> tuple[int, int, int]:
        """(C, Y, X)."""
        return len(UPPER_AIR) * self.sigma.size + 1, self.lat.size, self.lon.size

    @property
    def channels(self) -> tuple[str, ...]:
        """u1…uL, v1…vL, t1…tL, ps."""
        return *(f"{name}{k}" for name in UPPER_AIR for k in range(1, self.sigma.size + 1)), "ps"

    @property
    def sigma_bounds(self) -> NDArray[np.float64]:
        """[L, 2] midway between the levels; the outermost layers reach to the top and to the ground."""
        edges = np.r_[0.0, (self.sigma[1:] + self.sigma[:-1]) / 2, 1.0]
        return np.stack([edges[:-1], edges[1:]], axis=1)

    def same(self, other: SigmaGrid) -> bool:
        """Whether these are the same places, to the rounding of a file in single precision."""
        return all(
            ours.shape == theirs.shape and np.allclose(ours, theirs, rtol=1e-6, atol=1e-4)
            for ours, theirs in ((self.sigma, other.sigma), (self.lat, other.lat), (self.lon, other.lon))
        )


def _levels(values: ArrayLike) -> NDArray[np.float64]:
    sigma = np.array(values, dtype=np.float64)
    accepted = f"1…{MAX_LEVELS} ascending values within 0 and 1"
    if sigma.ndim != 1 or not 0 < sigma.size <= MAX_LEVELS:
        raise InvalidInput.of("grid.sigma", received=f"shape {sigma.shape}", accepted=accepted)
    wrong = ~((sigma > 0) & (sigma < 1))
    wrong[1:] |= ~(np.diff(sigma) > 0)
    if wrong.any():
        first = int(np.argmax(wrong))
        raise InvalidInput.of(f"grid.sigma[{first}]", received=f"{sigma[first]:g}", accepted=accepted)
    sigma.flags.writeable = False
    return sigma
