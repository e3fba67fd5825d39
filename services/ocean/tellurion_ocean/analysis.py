"""What every method returns."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from tellurion_ocean.prior import Prior


@dataclass(frozen=True, eq=False)
class Analysis:
    """Temperature of one month on the prior's grid, °C; land is NaN."""

    mean: NDArray[np.float64]
    """[Z, Y, X] the best estimate."""
    std: NDArray[np.float64]
    """[Z, Y, X] one standard deviation of its error."""
    members: NDArray[np.float32]
    """[K, Z, Y, X] equally likely fields, whose spread is that error; K may be 0."""

    @classmethod
    def of_scaled(
        cls,
        prior: Prior,
        month: int,
        anomaly: NDArray[np.float64],  # [P] in units of std
        variance: NDArray[np.float64],  # [P] in units of std²
        member_anomalies: NDArray[np.float64],  # [P, K] in units of std
    ) -> Analysis:
        """From anomalies of the climatology, scaled by the prior's standard deviation."""
        climatology = prior.climatology(month)
        members = np.full((member_anomalies.shape[1], *prior.grid.shape), np.nan, dtype=np.float32)
        for member, scaled in zip(members, member_anomalies.T, strict=True):
            member[prior.wet] = climatology + prior.std * scaled
        return cls(
            mean=prior.to_field(climatology + prior.std * anomaly),
            std=prior.to_field(prior.std * np.sqrt(variance)),
            members=members,
        )
