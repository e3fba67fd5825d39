"""What every method returns, and how it is called."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from tellurion_core.predictor import CancelCheck
from tellurion_core.progress import Progress
from tellurion_ocean.cancellation import never, silent
from tellurion_ocean.observations import Observations
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


class Method(Protocol):
    """A method of analysis."""

    def __call__(
        self,
        prior: Prior,
        observations: Observations,
        month: int,
        *,
        members: int = 0,
        seed: int = 0,
        cancelled: CancelCheck = never,
        progress: Progress = silent,
    ) -> Analysis:
        """The analysis of observations that passed quality control.

        Member k is the same whatever the number of members. Raises Cancelled soon after `cancelled()` turns true.
        """
        ...
