"""How a state of the atmosphere lies in an array: channels on σ levels, on the Gaussian grid of a truncation."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from tellurion_core.errors import InvalidInput

TRUNCATIONS = (5, 213)
LEVELS = (2, 60)


@dataclass(frozen=True)
class Layout:
    """States [C, Y, X], flattened in C order where a vector is wanted; levels count from the top down.

    The grid is the quadratic one, on which products of two fields of the truncation are free of aliasing:
    X ≥ 3T + 1 and Y = X / 2.
    """

    truncation: int = 31
    """T, the largest total wavenumber."""
    levels: int = 5
    """L layers of equal mass; σ = p / pₛ."""

    def __post_init__(self) -> None:
        for name, (least, most) in (("truncation", TRUNCATIONS), ("levels", LEVELS)):
            value = getattr(self, name)
            if isinstance(value, bool) or not isinstance(value, int) or not least <= value <= most:
                raise InvalidInput.of(name, received=value, accepted=f"a whole number, {least} to {most}")

    @cached_property
    def channels(self) -> tuple[str, ...]:
        """u1…uL, v1…vL in m/s, t1…tL in K, ps in Pa."""
        return *(f"{name}{k}" for name in "uvt" for k in range(1, self.levels + 1)), "ps"

    @property
    def shape(self) -> tuple[int, int, int]:
        """C, Y, X."""
        half = -(-(3 * self.truncation + 1) // 4)
        return 3 * self.levels + 1, 2 * half, 4 * half

    @property
    def size(self) -> int:
        """C · Y · X."""
        return int(np.prod(self.shape))

    @cached_property
    def sigma(self) -> NDArray[np.float64]:
        """[L] σ at the centres of the layers."""
        return (np.arange(self.levels) + 0.5) / self.levels

    @cached_property
    def latitude(self) -> NDArray[np.float64]:
        """[Y] degrees north, from the south."""
        return np.degrees(np.arcsin(self._quadrature[0]))

    @cached_property
    def longitude(self) -> NDArray[np.float64]:
        """[X] degrees east, from 0."""
        return np.arange(self.shape[2]) * (360.0 / self.shape[2])

    @cached_property
    def area(self) -> NDArray[np.float64]:
        """[Y] shares of the sphere of the rows, by Gauss's weights; they sum to 1."""
        return self._quadrature[1] / 2

    @cached_property
    def mirror(self) -> NDArray[np.float64]:
        """[C] what a mirror that swaps the poles multiplies a channel by: v, which then points the other way, by −1."""
        return np.array([-1.0 if name.startswith("v") else 1.0 for name in self.channels])

    @cached_property
    def _quadrature(self) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        return np.polynomial.legendre.leggauss(self.shape[1])

    def check(self, states: NDArray[np.floating], field: str) -> None:
        """Raise InvalidInput unless `states` are [..., C, Y, X], finite, with air of positive heat and weight."""
        if states.shape[-3:] != self.shape:
            received, (c, y, x) = f"shape {states.shape}", self.shape
            raise InvalidInput.of(field, received=received, accepted=f"[..., {c}, {y}, {x}] for T{self.truncation}")
        if not np.isfinite(states).all():
            raise InvalidInput.of(field, received="a value that is not finite", accepted="finite values")
        if not (states[..., 2 * self.levels :, :, :] > 0).all():
            accepted = "temperatures in K and surface pressure in Pa, above zero"
            raise InvalidInput.of(field, received="zero or less", accepted=accepted)
