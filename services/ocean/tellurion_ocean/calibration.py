"""The amplitude that this month's observations give the prior: some months stray further from climatology than others.

Observations are held out, whole profiles at a time, and predicted from the others. The prior's covariance is multiplied
by the factor that makes the errors of these predictions, in °C², as large on average as their stated variance. Source:
Dee (1995), On-line estimation of error covariance parameters for atmospheric data assimilation, applied to held-out
innovations; the number of places that the average rests on, (Σ e)² / Σ e², is Kish's (1965) effective sample size.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from tellurion_core.predictor import CancelCheck
from tellurion_ocean.cancellation import never, stop_if
from tellurion_ocean.departures import Departures
from tellurion_ocean.eof_fit import fit_eofs
from tellurion_ocean.local import Patterns, interpolate_locally
from tellurion_ocean.prior import Hyperparameters

FOLDS = 8
"""Times that a part is held out."""
LARGEST_PART = 2000
"""Observations of a part, about; more of them would only cost time."""
PRIOR_WEIGHT = 20.0
"""The factor 1 counts as this many places that err alike."""
RANGE = 0.05, 20.0


def amplitude(
    seen: Departures,
    hyperparameters: Hyperparameters,
    *,
    residual_variance: float,
    pattern_share: float = 0.0,
    prior_weight: float = PRIOR_WEIGHT,
    cancelled: CancelCheck = never,
) -> float:
    """The factor on the prior covariance, modes modesᵀ + residual_variance · Matérn, that the held-out errors show.

    `pattern_share` of the residual variance is that of the localised patterns. The factor 1 counts as `prior_weight`
    places. Raises Cancelled.
    """
    # profile-mates stand at one place and are held out together; rounding lets the order of observations not matter
    places, place_of = np.unique(np.round(seen.positions[:, :3], 9), axis=0, return_inverse=True)
    parts = max(FOLDS, len(place_of) // LARGEST_PART)
    error, stated = np.zeros(len(places)), np.zeros(len(places))
    for part in range(min(FOLDS, len(places) - 1)):
        stop_if(cancelled)
        out = place_of.ravel() % parts == part
        if out.all() or not out.any():
            continue
        squared, variance = _held_out(seen, out, hyperparameters, residual_variance, pattern_share, cancelled)
        weight = seen.std[out] ** 2
        excess = weight * (squared - seen.error_variance[out])
        error += np.bincount(place_of.ravel()[out], weights=excess, minlength=len(places))
        stated += np.bincount(place_of.ravel()[out], weights=weight * variance, minlength=len(places))
    if not error.any():
        return 1.0
    # one profile in a strayed eddy can hold most of the error: then the month shows the work of few places, not of all
    effective = error.sum() ** 2 / np.sum(error**2)
    factor = (prior_weight + effective * error.sum() / stated.sum()) / (prior_weight + effective)
    return float(np.clip(factor, *RANGE))


def _held_out(
    seen: Departures,
    out: NDArray[np.bool_],
    hyper: Hyperparameters,
    residual_variance: float,
    pattern_share: float,
    cancelled: CancelCheck,
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Squared errors of the predictions of the observations `out` and their stated variances, both in units of std²."""
    kept = ~out
    noise = hyper.eof_fit_variance + seen.error_variance[kept]
    fit, fit_error = fit_eofs(seen.modes[kept], noise, amplitude=1.0)
    fitted = fit @ seen.values[kept]
    left = seen.values[kept] - seen.modes[kept] @ fitted
    estimates, variance = interpolate_locally(
        seen.positions[out],
        seen.positions[kept],
        seen.error_variance[kept],
        np.column_stack([left, seen.modes[kept]]),
        variance=(1 - pattern_share) * residual_variance,
        neighbours=hyper.neighbours,
        patterns=Patterns.sharing(
            seen.patterns[out], seen.patterns[kept], pattern_share * residual_variance, hyper.localisation
        ),
        cancelled=cancelled,
    )
    unseen_modes = seen.modes[out] - estimates[:, 1:]
    variance += np.einsum("nk,kl,nl->n", unseen_modes, fit_error, unseen_modes, optimize=True)
    return (seen.values[out] - seen.modes[out] @ fitted - estimates[:, 0]) ** 2, variance
