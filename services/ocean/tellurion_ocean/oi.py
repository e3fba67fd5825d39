"""Method `oi`: optimal interpolation of scaled anomalies in three dimensions, cell by cell, with its analysis error.

x = c + P Hᵀ(H P Hᵀ + R)⁻¹(y − H c) with c the climatology and P = std · Matérn · std, from the nearest observations.
Source: Bretherton, Davis and Fandry (1976); Gandin (1963).
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from tellurion_core.predictor import CancelCheck
from tellurion_core.progress import Progress
from tellurion_ocean.analysis import Analysis
from tellurion_ocean.calibration import amplitude
from tellurion_ocean.cancellation import never, silent
from tellurion_ocean.departures import departures
from tellurion_ocean.local import interpolate_locally
from tellurion_ocean.observations import Observations
from tellurion_ocean.prior import Prior
from tellurion_ocean.samples import draw

VARIANCE = 1.0
"""Of the anomalies, in units of the prior's std²: without EOFs the covariance carries all of it."""


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
    """The analysis; a member is the mean plus the error that the same gain makes on a draw from the prior."""
    seen = departures(prior, observations, month)
    seen = replace(seen, modes=seen.modes[:, :0])
    a = amplitude(seen, prior.hyperparameters, residual_variance=VARIANCE, cancelled=cancelled)
    draws = draw(prior, seen, range(members), seed, amplitude=a, residual_variance=VARIANCE, cancelled=cancelled)
    estimates, variance = interpolate_locally(
        prior.cell_positions,
        seen.positions,
        seen.error_variance,
        np.column_stack([seen.values, draws.observed]),
        variance=a * VARIANCE,
        neighbours=prior.hyperparameters.neighbours,
        cancelled=cancelled,
        progress=lambda fraction: progress(fraction, "optimal interpolation"),
    )
    anomaly, seen_of_draws = estimates[:, 0], estimates[:, 1:]
    return Analysis.of_scaled(prior, month, anomaly, variance, anomaly[:, None] + draws.at_cells - seen_of_draws)
