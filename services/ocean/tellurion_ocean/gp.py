"""Method `gp`: the exact joint Gaussian process of EOF amplitudes and Matérn residual, from all observations at once.

With F the EOFs at the observations and A = σ²K + R: b̂ = (FᵀA⁻¹F + I/a)⁻¹FᵀA⁻¹d by generalised least squares, and the
residual's weights are A⁻¹(d − F b̂): Rasmussen and Williams (2006), eqs. 2.41–2.42. Members are drawn by Matheron's
rule, a prior draw plus the exact update of its misfit: Wilson et al. (2020), Efficiently sampling functions from
Gaussian process posteriors, eq. 6. The variance is the exact covariance of b̂'s error seen through each cell's own
weights, plus the remaining variance of the residual, which is computed from the nearest observations (an upper bound,
see `tellurion_ocean.local`).
"""

from __future__ import annotations

import numpy as np
import scipy.linalg

from tellurion_core.errors import ResourceExhausted
from tellurion_core.predictor import CancelCheck
from tellurion_core.progress import Progress
from tellurion_ocean.analysis import Analysis
from tellurion_ocean.calibration import amplitude
from tellurion_ocean.cancellation import never, silent, stop_if
from tellurion_ocean.covariance import covariance_matrix, covariance_product
from tellurion_ocean.departures import departures
from tellurion_ocean.local import interpolate_locally
from tellurion_ocean.observations import Observations
from tellurion_ocean.prior import Prior
from tellurion_ocean.samples import draw

OBSERVATION_LIMIT = 16_000
"""Super-observations; their covariance matrix then takes 2 GiB, and time grows with their number's cube."""


def analyse(
    prior: Prior,
    observations: Observations,
    month: int,
    *,
    members: int = 0,
    seed: int = 0,
    cancelled: CancelCheck = never,
    progress: Progress = silent,
    precision: type[np.floating] = np.float32,
) -> Analysis:
    """The posterior mean, its standard deviation and posterior draws.

    `precision` is that of the covariances between cells and observations; the observations' own are double.
    Raises ResourceExhausted above OBSERVATION_LIMIT, before any large array is allocated.
    """
    if len(observations) > OBSERVATION_LIMIT:
        raise ResourceExhausted(
            f"method gp: received {len(observations)} super-observations; accepted: at most {OBSERVATION_LIMIT};"
            " method eof_oi has no such limit and comes close",
            reason="TOO_MANY_OBSERVATIONS",
        )
    hyper = prior.hyperparameters
    seen = departures(prior, observations, month)
    a = amplitude(seen, hyper, residual_variance=hyper.residual_variance, cancelled=cancelled)
    variance = a * hyper.residual_variance
    draws = draw(
        prior, seen, range(members), seed, amplitude=a, residual_variance=hyper.residual_variance, cancelled=cancelled
    )
    data = np.column_stack([seen.values, draws.observed])

    stop_if(cancelled)
    progress(0.1, "factorising the observations' covariance")
    innovation_covariance = covariance_matrix(seen.positions)
    innovation_covariance *= variance
    innovation_covariance.flat[:: len(data) + 1] += seen.error_variance
    # the transpose of a symmetric matrix is itself, in the order that LAPACK overwrites in place
    factor = scipy.linalg.cho_factor(innovation_covariance.T, lower=True, overwrite_a=True, check_finite=False)
    stop_if(cancelled)
    solved_modes = scipy.linalg.cho_solve(factor, seen.modes, check_finite=False)
    solved_data = scipy.linalg.cho_solve(factor, data, check_finite=False)
    del factor, innovation_covariance

    fit_error = np.linalg.inv(seen.modes.T @ solved_modes + np.eye(seen.modes.shape[1]) / a)
    fitted = fit_error @ (seen.modes.T @ solved_data)
    weights = np.column_stack([solved_data - solved_modes @ fitted, solved_modes])

    product = variance * covariance_product(
        prior.cell_positions,
        seen.positions,
        weights,
        precision=precision,
        cancelled=cancelled,
        progress=lambda fraction: progress(0.6 + 0.3 * fraction, "spreading the update over the grid"),
    )
    analysed = prior.modes @ fitted + product[:, : data.shape[1]]
    unseen_modes = prior.modes - product[:, data.shape[1] :]

    _, remaining = interpolate_locally(
        prior.cell_positions,
        seen.positions,
        seen.error_variance,
        seen.values[:, None],
        variance=variance,
        neighbours=hyper.neighbours,
        cancelled=cancelled,
        progress=lambda fraction: progress(0.9 + 0.1 * fraction, "analysis error"),
    )
    remaining += np.einsum("pk,kl,pl->p", unseen_modes, fit_error, unseen_modes, optimize=True)
    anomaly = analysed[:, 0]
    return Analysis.of_scaled(prior, month, anomaly, remaining, anomaly[:, None] + draws.at_cells - analysed[:, 1:])
