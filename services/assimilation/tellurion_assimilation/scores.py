"""How far an estimate is from the truth, and whether its stated uncertainty is honest.

An estimate is an ensemble [N, n] or a `Gaussian`; weights [n] sum to 1 and are equal where none are given.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.special import ndtr

from tellurion_assimilation.methods.gaussian import Gaussian
from tellurion_core.kernels import compiled

Array = NDArray[np.float64]
Estimate = Array | Gaussian


@dataclass(frozen=True, eq=False)
class Scores:
    """Of one estimate, in the state's units."""

    rmse: float
    """Of the mean, √ of the mean square over the state."""
    spread: float
    """√ of the mean variance over the state; of members, with N − 1."""
    crps: float
    """Mean continuous ranked probability score. Of members it is fair: its expectation does not depend on N."""
    ranks: NDArray[np.int64] | None = None
    """[N + 1] how often the truth lay above 0, 1, …, N members; None for a Gaussian."""


def rmse(estimate: Estimate, truth: Array, weights: Array | None = None) -> float:
    """Of the estimate's mean against the truth [n]."""
    mean = estimate.mean if isinstance(estimate, Gaussian) else estimate.sum(axis=0) / len(estimate)
    error = mean - truth
    return math.sqrt(error @ error / len(truth) if weights is None else error**2 @ weights)


def assess(estimate: Estimate, truth: Array, weights: Array | None = None) -> Scores:
    """All scores against the truth [n]; an ensemble has at least two members."""
    weights = np.full(len(truth), 1 / len(truth)) if weights is None else weights
    if isinstance(estimate, Gaussian):
        crps = gaussian_crps(estimate.mean, np.sqrt(estimate.variance), truth) @ weights
        return Scores(rmse(estimate, truth, weights), float(np.sqrt(estimate.variance @ weights)), float(crps))
    ranks = np.zeros(len(estimate) + 1, np.int64)
    square, variance, crps = _of_members(estimate, truth, weights, ranks)
    return Scores(math.sqrt(square), math.sqrt(variance), crps, ranks)


def spread_skill(spread: float, rmse: float, members: float) -> float:
    """√((N + 1)/N) · spread / RMSE, from their root mean squares: 1 when the spread is honest; N = ∞ for a Gaussian.

    Source: Fortin et al. (2014), Why should ensemble spread match the RMSE of the ensemble mean, eq. 15.
    """
    return math.sqrt(1 + 1 / members) * spread / rmse


def gaussian_crps(mean: Array, std: Array, truth: Array) -> Array:
    """Of normal distributions [n], each. Source: Gneiting and Raftery (2007), Strictly proper scoring rules, eq. 21."""
    z = (truth - mean) / std
    density = np.exp(-0.5 * z**2) / math.sqrt(2 * math.pi)
    return std * (z * (2 * ndtr(z) - 1) + 2 * density - 1 / math.sqrt(math.pi))


@compiled()
def _of_members(members, truth, weights, ranks):  # [N, n], [n], [n]; adds to [N + 1]
    """Weighted means of squared error, variance and fair CRPS.

    Source: Ferro (2014), Fair scores for ensemble forecasts, eq. 7.
    """
    count, n = members.shape
    square = variance = crps = 0.0
    ordered = np.empty(count)
    for i in range(n):
        ordered[:] = members[:, i]
        ordered.sort()
        mean, rank = ordered.mean(), 0
        deviation = distance = pairs = 0.0
        for k in range(count):
            departure = ordered[k] - mean
            deviation += departure**2
            distance += abs(ordered[k] - truth[i])
            pairs += (2 * k + 1 - count) * departure  # the sum of |x − x′| over all pairs
            rank += ordered[k] < truth[i]
        square += weights[i] * (mean - truth[i]) ** 2
        variance += weights[i] * deviation / (count - 1)
        crps += weights[i] * (distance / count - pairs / (count * (count - 1)))
        ranks[rank] += 1
    return square, variance, crps
