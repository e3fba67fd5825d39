"""How far an analysis is from the truth, and whether its stated error is honest."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.special import ndtr

BLOCK_DEGREES = 20.0
"""Side of the blocks that the bootstrap resamples: several correlation lengths."""


@dataclass(frozen=True)
class SplitError:
    """Mean squared error, °C², where the observations guide, where they do not, and in total."""

    guidance: float
    """At observed cells."""
    reconstruction: float
    """At unobserved cells."""
    total: float
    """r · guidance + (1 − r) · reconstruction, with r the observed share of the wet cells."""


def masked_error(
    squared_error: NDArray[np.float64],  # [Z, Y, X] °C²
    observed: NDArray[np.bool_],  # [Z, Y, X]
    wet: NDArray[np.bool_],  # [Z, Y, X]
) -> SplitError:
    """Each mean over the cells it selects; the total is then the mean over all wet cells."""
    guided, unguided = observed & wet, ~observed & wet
    share = np.count_nonzero(guided) / np.count_nonzero(wet)
    guidance, reconstruction = _mean(squared_error[guided]), _mean(squared_error[unguided])
    total = sum(part * error for part, error in ((share, guidance), (1 - share, reconstruction)) if part > 0)
    return SplitError(guidance, reconstruction, total)


def all_cells_error(
    squared_error: NDArray[np.float64],  # [Z, Y, X] °C²
    observed: NDArray[np.bool_],  # [Z, Y, X]
    wet: NDArray[np.bool_],  # [Z, Y, X]
) -> SplitError:
    """Cells that are not selected count as zero in a mean over every cell, land included.

    The convention of ReconMOST's released code: guidance and reconstruction are the masked ones times the fraction of
    all cells that they select; the total weighs them by r once more.
    """
    masked = masked_error(squared_error, observed, wet)
    guided, unguided = np.count_nonzero(observed & wet) / wet.size, np.count_nonzero(~observed & wet) / wet.size
    guidance = masked.guidance * guided if guided else 0.0
    reconstruction = masked.reconstruction * unguided if unguided else 0.0
    share = guided / (guided + unguided)
    return SplitError(guidance, reconstruction, share * guidance + (1 - share) * reconstruction)


def weighted_mean(
    values: NDArray[np.float64],  # [Z, Y, X]
    chosen: NDArray[np.bool_],  # [Z, Y, X]
    weights: NDArray[np.float64],  # [Y, X]
) -> float:
    """Mean over the chosen cells, weighted by area."""
    weight = np.broadcast_to(weights, values.shape)[chosen]
    return float(np.average(values[chosen], weights=weight)) if weight.size else float("nan")


def level_normalised_mean(
    squared_error: NDArray[np.float64],  # [Z, Y, X] °C²
    chosen: NDArray[np.bool_],  # [Z, Y, X]
    level_variance: NDArray[np.float64],  # [Z] °C²
) -> float:
    """Mean over levels of each level's mean squared error divided by its variance, so that the deep counts too."""
    levels = [_mean(squared_error[z][chosen[z]]) / level_variance[z] for z in range(len(level_variance))]
    return float(np.nanmean(levels)) if np.isfinite(levels).any() else float("nan")


def spread_skill(
    variance: NDArray[np.float64],  # [P] °C², stated, or that of N members
    squared_error: NDArray[np.float64],  # [P] °C², of the mean
    members: int | None = None,
) -> float:
    """√((N + 1) / N · mean variance) / RMSE of the mean; 1 when the error is honest.

    A stated variance (`members` None) counts as that of infinitely many. Source: Fortin et al. (2014), Why should
    ensemble spread match the RMSE of the ensemble mean, eq. 15.
    """
    factor = 1.0 if members is None else (members + 1) / members
    error = _mean(squared_error)
    return float(np.sqrt(factor * _mean(variance) / error)) if error > 0 else float("nan")


def ensemble_spread_skill(members: NDArray[np.floating], truth: NDArray[np.float64]) -> float:
    """`spread_skill` of members [K, P] against the truth [P], whose mean is their own; NaN for fewer than two."""
    if len(members) < 2:
        return float("nan")
    variance, mean = np.var(members, axis=0, ddof=1, dtype=np.float64), np.mean(members, axis=0, dtype=np.float64)
    return spread_skill(variance, (mean - truth) ** 2, len(members))


def fair_crps(members: NDArray[np.floating], truth: NDArray[np.float64]) -> float:
    """Mean continuous ranked probability score, °C, of members [K, P] against the truth [P]; NaN for fewer than two.

    Fair: its expectation does not depend on K. Source: Ferro (2014), Fair scores for ensemble forecasts, eq. 7.
    """
    count = len(members)
    if count < 2:
        return float("nan")
    distance = np.mean(np.abs(members - truth))
    ordered = np.sort(members, axis=0).astype(np.float64)
    rank = 2 * np.arange(1, count + 1) - count - 1
    pairs = 2 * np.mean(rank @ ordered)  # the sum of |xᵢ − xⱼ| over ordered pairs
    return float(distance - pairs / (2 * count * (count - 1)))


def gaussian_crps(mean: NDArray[np.float64], std: NDArray[np.float64], truth: NDArray[np.float64]) -> float:
    """Mean CRPS, °C, of normal distributions [P] against the truth [P].

    Source: Gneiting and Raftery (2007), Strictly proper scoring rules, eq. 21.
    """
    std = np.maximum(std, 1e-9)  # °C; a certain forecast scores its absolute error
    z = (truth - mean) / std
    density = np.exp(-0.5 * z**2) / np.sqrt(2 * np.pi)
    return float(np.mean(std * (z * (2 * ndtr(z) - 1) + 2 * density - 1 / np.sqrt(np.pi))))


def bootstrap_interval(
    values: NDArray[np.float64],  # [P]
    latitude: NDArray[np.float64],  # [P] degrees
    longitude: NDArray[np.float64],  # [P] degrees in [0, 360)
    rng: np.random.Generator,
    *,
    draws: int = 1000,
    level: float = 0.95,
) -> tuple[float, float]:
    """Interval of the mean of spatially correlated values: whole columns of BLOCK_DEGREES squares are resampled.

    Source: Wilks (1997), Resampling hypothesis tests for autocorrelated fields, with blocks in space.
    """
    rows, columns = (latitude + 90) // BLOCK_DEGREES, longitude // BLOCK_DEGREES
    _, block = np.unique(rows * 1000 + columns, return_inverse=True)
    total, size = np.bincount(block, weights=values), np.bincount(block)
    chosen = rng.integers(0, len(total), (draws, len(total)))
    means = total[chosen].sum(axis=1) / size[chosen].sum(axis=1)
    low, high = np.quantile(means, [(1 - level) / 2, (1 + level) / 2])
    return float(low), float(high)


def _mean(values: NDArray[np.floating]) -> float:
    return float(np.mean(values, dtype=np.float64)) if values.size else float("nan")
