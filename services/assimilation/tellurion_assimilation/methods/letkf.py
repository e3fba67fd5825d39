"""LETKF: the local ensemble transform Kalman filter, one analysis a grid point from the observations around it.

With anomalies X, Y = H X, and R divided by the taper, in the space of the N members

    P̃ = [(N − 1) I + Yᵀ R⁻¹ Y]⁻¹,  w̄ = P̃ Yᵀ R⁻¹ (y − ȳ),  W = [(N − 1) P̃]^½,  x_a = x̄ + X (w̄ + W)

with the symmetric root, so that neighbours have nearly the same weights. Source: Hunt, Kostelich and Szunyogh (2007),
Efficient data assimilation for spatiotemporal chaos: a local ensemble transform Kalman filter.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass, field, replace

import numpy as np
from numpy.typing import NDArray

from tellurion_assimilation.localization import Domain, Neighbourhoods
from tellurion_assimilation.methods.ensemble import EnsembleMethod, check_ensemble, too_accurate
from tellurion_assimilation.methods.inverse_root import quadrature
from tellurion_assimilation.methods.local_analysis import analyse_locally
from tellurion_assimilation.observations import Observations
from tellurion_core.errors import InvalidInput

LARGEST_CONDITION = 2.0**44
"""Of [(N − 1) P̃]⁻¹; beyond it rounding begins to show in what the observations do not see."""


@dataclass(frozen=True, kw_only=True)
class LETKF(EnsembleMethod):
    """A state is [C, M] in C order: C variables at each of the domain's M grid points, which share their weights.

    A grid point that sees no observation keeps its background, but for inflation and rotation, which are the same
    everywhere.
    """

    domain: Domain
    """Where the grid points are."""
    radius: float
    """Of localization, in the domain's units: an observation counts for about exp(−½) of itself at this distance, and
    for nothing from 3.64 times it on; may be infinite."""
    remembered: tuple[NDArray[np.float64], tuple[Neighbourhoods, ...]] | None = field(
        default=None, repr=False, compare=False
    )
    """Positions of observations, and what the grid points see of them."""

    def __post_init__(self) -> None:
        super().__post_init__()
        if not self.radius > 0:
            raise InvalidInput.of("localization", received=self.radius, accepted="a radius above 0")

    def fixed(self, positions: NDArray[np.float64]) -> LETKF:
        """The same filter, which need not search for observations that lie at these positions [p, d]."""
        return replace(self, remembered=(positions, tuple(self.domain.near(positions, self.radius))))

    def assimilate(
        self, ensemble: NDArray[np.float64], observations: Observations, rng: np.random.Generator
    ) -> NDArray[np.float64]:
        """See `EnsembleMethod`.

        Time and memory grow linearly with the grid points. Raises InvalidInput as said there, for a state that is not
        a whole number of variables a grid point, for positions that are missing or outside the domain, and for errors
        so much smaller than the ensemble's spread that double precision does not hold both.
        """
        check_ensemble(ensemble, observations)
        members, n = ensemble.shape
        channels, left = divmod(n, self.domain.points)
        if left or not channels:
            accepted = f"a multiple of the {self.domain.points} grid points"
            raise InvalidInput.of("ensemble", received=f"{n} variables", accepted=accepted)
        if not len(observations):
            return ensemble.copy()
        observed = observations.of(ensemble)
        expected = observed.mean(axis=0)
        unit = observations.errors * math.sqrt(members - 1)
        with np.errstate(over="ignore"):  # what is not finite is refused below
            seen = np.ascontiguousarray(((observed - expected) / unit).T)
            innovation = (observations.values - expected) / unit
            strongest = np.einsum("pn,pn->p", seen, seen).max()

        background = np.ascontiguousarray(ensemble, np.float64).reshape(members, channels, self.domain.points)
        mean, anomalies = np.empty(background.shape[1:]), np.empty(background.shape)
        for near in self._near(observations.positions):
            bound = 1 + strongest * np.diff(near.starts).max()  # of the eigenvalues of all [(N − 1) P̃]⁻¹
            if not bound <= LARGEST_CONDITION:
                raise too_accurate(observations)
            roots = quadrature(math.ceil(math.log2(bound)))
            analyse_locally(background, near, seen, innovation, roots, mean, anomalies)
        if not np.isfinite(mean).all():
            raise too_accurate(observations)
        return mean.ravel() + self.mixed(anomalies.reshape(members, n), rng)

    def _near(self, positions: NDArray[np.float64] | None) -> Iterable[Neighbourhoods]:
        if self.remembered is not None and np.array_equal(positions, self.remembered[0]):
            return self.remembered[1]
        return self.domain.near(positions, self.radius)
