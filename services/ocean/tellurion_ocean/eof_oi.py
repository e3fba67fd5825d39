"""Method `eof_oi`: a ridge fit of the EOFs to all observations, then local optimal interpolation of what they leave.

The fit finds b̂ = (FᵀV⁻¹F + I/a)⁻¹FᵀV⁻¹d, with F the EOFs at the observations and V diagonal but inflated, since
neighbours err alike; the local analysis then sees d − F b̂. With C the covariance of the fit's error and w a cell's
local weights, the error variance is that of the local analysis plus (φ − Fᵀw)ᵀ C (φ − Fᵀw): universal kriging's form
(Cressie, Statistics for Spatial Data, 1993, eq. 3.4.17).
"""

from __future__ import annotations

import numpy as np

from tellurion_core.predictor import CancelCheck
from tellurion_core.progress import Progress
from tellurion_ocean.analysis import Analysis
from tellurion_ocean.calibration import amplitude
from tellurion_ocean.cancellation import never, silent
from tellurion_ocean.departures import departures
from tellurion_ocean.eof_fit import fit_eofs
from tellurion_ocean.local import interpolate_locally
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
    """The analysis; a member is the mean plus the error that the same gain makes on a draw from the prior."""
    hyper = prior.hyperparameters
    seen = departures(prior, observations, month)
    a = amplitude(seen, hyper, residual_variance=hyper.residual_variance, cancelled=cancelled)
    draws = draw(
        prior, seen, range(members), seed, amplitude=a, residual_variance=hyper.residual_variance, cancelled=cancelled
    )
    data = np.column_stack([seen.values, draws.observed])

    noise = a * hyper.eof_fit_variance + seen.error_variance
    fit, fit_error = fit_eofs(seen.modes, noise, amplitude=a)
    fitted = fit @ data
    estimates, variance = interpolate_locally(
        prior.cell_positions,
        seen.positions,
        seen.error_variance,
        np.column_stack([data - seen.modes @ fitted, seen.modes]),
        variance=a * hyper.residual_variance,
        neighbours=hyper.neighbours,
        cancelled=cancelled,
        progress=lambda fraction: progress(fraction, "interpolation of what the EOFs leave"),
    )
    unseen_modes = prior.modes - estimates[:, data.shape[1] :]
    variance += np.einsum("pk,kl,pl->p", unseen_modes, fit_error, unseen_modes, optimize=True)
    analysed = prior.modes @ fitted + estimates[:, : data.shape[1]]
    anomaly = analysed[:, 0]
    return Analysis.of_scaled(prior, month, anomaly, variance, anomaly[:, None] + draws.at_cells - analysed[:, 1:])
