"""Optimal interpolation of winds: the classical method, with errors of the background that are alike everywhere.

In units of their standard deviations these errors are taken for the winds of a streamfunction and a velocity potential,
independent of each other and isotropic. Let C be the covariance of ψ as a function of the cosine between positions a
and b on the unit sphere; what ψ grows by towards g at a and towards h at b then has the covariance

    C′ g·h + C″ (g·b)(a·h)

and the wind of ψ is u = −∂ψ northwards, v = ∂ψ eastwards, that of χ its gradient. C is Matérn's with ν = 5/2 of the
chord r, whence C′ ∝ (1 + r/ℓ) exp(−r/ℓ) and C″ ∝ exp(−r/ℓ)/ℓ². Sources: Hollingsworth and Lönnberg (1986), The
statistical structure of short-range forecast errors; Daley (1991), Atmospheric data analysis, section 5.2.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy.linalg import cho_factor, cho_solve

from tellurion_assimilation.localization import EARTH_RADIUS
from tellurion_assimilation.systems.winds import ERROR, Stations

Array = NDArray[np.float64]


class Positions(NamedTuple):
    """Unit vectors [P, 3] at places on the sphere: up, eastward and northward."""

    up: Array
    east: Array
    north: Array

    @classmethod
    def of(cls, latitude: Array, longitude: Array) -> Positions:
        """Of degrees [P]."""
        sin_lat, cos_lat = np.sin(np.radians(latitude)), np.cos(np.radians(latitude))
        sin_lon, cos_lon = np.sin(np.radians(longitude)), np.cos(np.radians(longitude))
        return cls(
            np.stack([cos_lat * cos_lon, cos_lat * sin_lon, sin_lat], axis=1),
            np.stack([-sin_lon, cos_lon, np.zeros_like(sin_lon)], axis=1),
            np.stack([-sin_lat * cos_lon, -sin_lat * sin_lon, cos_lat], axis=1),
        )


@dataclass(frozen=True)
class WindCorrelation:
    """Of eastward and northward wind at any two places."""

    length: float
    """ℓ, km."""
    divergent: float
    """Share of χ in the variance."""

    def between(self, a: Positions, b: Positions) -> Array:
        """[2, P, 2, Q] of u and v at a with u and v at b; 1 for a component and itself."""
        chord = np.sqrt(np.maximum(2 - 2 * a.up @ b.up.T, 0))
        x = chord / (self.length / EARTH_RADIUS)
        second = np.exp(-x)
        first, second = (1 + x) * second, second * (EARTH_RADIUS / self.length) ** 2

        def growth(g: Array, h: Array) -> Array:
            return first * (g @ h.T) + second * (g @ b.up.T) * (a.up @ h.T)

        rotational, divergent = 1 - self.divergent, self.divergent
        east, north = growth(a.east, b.east), growth(a.north, b.north)
        found = np.empty((2, len(a.up), 2, len(b.up)))
        found[0, :, 0] = rotational * north + divergent * east
        found[1, :, 1] = rotational * east + divergent * north
        found[0, :, 1] = divergent * growth(a.east, b.north) - rotational * growth(a.north, b.east)
        found[1, :, 0] = divergent * growth(a.north, b.east) - rotational * growth(a.east, b.north)
        return found


@dataclass(frozen=True, eq=False)
class WindOI:
    """x_b + B Hᵀ (H B Hᵀ + R)⁻¹ (y − H x_b) on a grid."""

    correlation: WindCorrelation
    latitude: Array
    """[Y] degrees."""
    longitude: Array
    """[X] degrees."""
    scale: Array
    """[2, Y, X] standard errors of the background, m/s."""

    def analyses(
        self,
        backgrounds: NDArray[np.floating],  # [N, 2, Y, X]
        stations: Stations,
        values: Array,  # [N, 2, P]
    ) -> Array:
        """[N, 2, Y, X] of as many backgrounds and readings, in m/s; the cube of 2 P is what it costs."""
        at = Positions.of(self.latitude[stations.rows], self.longitude[stations.columns])
        spread = stations.of(self.scale)  # [2, P]
        innovation = spread[:, :, None, None] * self.correlation.between(at, at) * spread
        innovation = innovation.reshape(spread.size, -1)
        innovation.flat[:: spread.size + 1] += ERROR**2
        departures = (values - stations.of(backgrounds)).reshape(len(values), -1)
        weights = spread * cho_solve(cho_factor(innovation), departures.T).T.reshape(values.shape)
        increments = np.empty(backgrounds.shape)
        for row, latitude in enumerate(self.latitude):
            here = Positions.of(np.full(len(self.longitude), latitude), self.longitude)
            covariances = self.correlation.between(here, at)  # [2, X, 2, P]
            increments[:, :, row] = np.tensordot(weights, covariances, ((1, 2), (2, 3)))
        return backgrounds + self.scale * increments
