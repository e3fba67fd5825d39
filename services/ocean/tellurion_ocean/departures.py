"""Departures of observations from the climatology, in the units that the methods work in."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_array, diags_array

from tellurion_core.errors import InvalidInput
from tellurion_geo import point_operator
from tellurion_ocean.observations import Observations
from tellurion_ocean.prior import Prior


@dataclass(frozen=True, eq=False)
class Departures:
    """What N observations say and what the prior expects there, in units of the prior's standard deviation."""

    positions: NDArray[np.float64]
    """[N, 4] for the covariance; the places as they are, not those of the nearest cells."""
    values: NDArray[np.float64]
    """[N] (y − Hc) / Hs."""
    error_variance: NDArray[np.float64]
    """[N] (σ / Hs)² plus representativeness."""
    std: NDArray[np.float64]
    """[N] °C, Hs: the unit of the others."""
    operator: csr_array
    """[N, P] from scaled anomalies at the cells to scaled departures: H between the units of both."""
    modes: NDArray[np.float64]
    """[N, K] EOFs at the observations."""
    patterns: NDArray[np.float64]
    """[N, M] left-out residuals at the observations."""


def departures(prior: Prior, observations: Observations, month: int) -> Departures:
    """The departures of observations that passed `quality_control`.

    Raises InvalidInput when one lies outside the ocean of the prior.
    """
    places = observations.latitude, observations.longitude, observations.depth
    operator, usable = point_operator(prior.grid, prior.wet, *places)
    if not usable.all():
        received = f"{np.count_nonzero(~usable)} of {len(usable)} outside the ocean"
        raise InvalidInput.of("observations", received=received, accepted="observations that passed quality control")
    seen = operator[:, prior.wet.ravel()]
    std = seen @ prior.std
    return Departures(
        positions=prior.positions(*places),
        values=(observations.temperature - seen @ prior.climatology(month)) / std,
        error_variance=(observations.uncertainty / std) ** 2 + prior.hyperparameters.representativeness,
        std=std,
        operator=diags_array(1 / std) @ seen @ diags_array(prior.std),
        modes=np.ascontiguousarray(seen @ prior.modes),
        patterns=np.ascontiguousarray(seen @ prior.patterns),
    )
