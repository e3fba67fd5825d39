"""Method `climatology`: the harmonics of the year, whatever the observations say; the straw man of every table."""

from __future__ import annotations

import numpy as np

from tellurion_core.predictor import CancelCheck
from tellurion_core.progress import Progress
from tellurion_ocean.analysis import Analysis
from tellurion_ocean.cancellation import never, silent
from tellurion_ocean.departures import departures
from tellurion_ocean.observations import Observations
from tellurion_ocean.prior import Prior
from tellurion_ocean.samples import draw


def analyse(
    prior: Prior,
    observations: Observations,
    month: int,
    *,
    members: int = 0,
    seed: int = 0,
    cancelled: CancelCheck = never,
    progress: Progress = silent,
) -> Analysis:
    """The prior itself: its mean, its standard deviation, and draws from it as members."""
    progress(0.0, "climatology")
    nothing = np.zeros(0, dtype=np.int64)
    draws = draw(
        prior,
        departures(prior, observations[nothing], month),
        range(members),
        seed,
        amplitude=1.0,
        residual_variance=prior.hyperparameters.residual_variance,
        cancelled=cancelled,
    )
    anomaly = np.zeros(len(prior.std))
    return Analysis.of_scaled(prior, month, anomaly, prior.scaled_variance, draws.at_cells)
