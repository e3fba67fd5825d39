"""Means with 95 % intervals over groups of near-duplicates, which are drawn together.

Sources: Davison and Hinkley 1997, section 3.8 (the bootstrap of clusters); Rao and Wu 1988 (one fewer is drawn than
there are, so that the variance of a mean of few runs is not understated).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from tellurion_core.errors import InvalidInput

COVERED = 0.95
RESAMPLES = 10_000


@dataclass(frozen=True)
class Interval:
    """A mean and the interval that it lies in at 95 %."""

    mean: float
    low: float
    high: float


def over_groups(
    values: ArrayLike,
    groups: ArrayLike,
    *,
    per: ArrayLike = 1.0,
    seed: int = 0,
    resamples: int = RESAMPLES,
) -> Interval:
    """Of cases [N], or [S, N] in S runs, by a bootstrap that draws whole groups [N], and runs, with replacement.

    For the paired difference of two methods give the differences of their cases; for a ratio of means give what
    `values` are divided by, `per` case. Quantiles of the resampled means.

    Raises InvalidInput where groups are not as many as the cases, or fewer than two.
    """
    cases, group = np.atleast_2d(np.asarray(values, np.float64)), np.asarray(groups)
    names, which = np.unique(group, return_inverse=True)
    if cases.ndim != 2 or group.shape != cases.shape[1:] or len(names) < 2:
        accepted = f"one for each of {cases.shape[-1]} cases, two different ones at least"
        raise InvalidInput.of("groups", received=f"shape {group.shape}, {len(names)} different", accepted=accepted)
    random = np.random.default_rng(seed)
    times = drawn(random, len(names), resamples)  # [R, groups]
    runs = drawn(random, len(cases), resamples)  # [R, S]

    def resampled(of_cases: NDArray[np.float64]) -> NDArray[np.float64]:
        sums = np.stack([np.bincount(which, run, len(names)) for run in of_cases])  # [S, groups]
        return ((runs @ sums) * times).sum(1)

    divisors = np.broadcast_to(np.asarray(per, np.float64), cases.shape)
    return interval(float(cases.sum() / divisors.sum()), resampled(cases) / resampled(divisors))


def interval(mean: float, resampled: NDArray[np.float64]) -> Interval:
    """A figure with the quantiles of its resamples [R], of those that are numbers."""
    low, high = np.nanquantile(resampled, [(1 - COVERED) / 2, (1 + COVERED) / 2])
    return Interval(mean, float(low), float(high))


def drawn(random: np.random.Generator, count: int, resamples: int) -> NDArray[np.floating[Any]]:
    """[R, count] times that each of `count` is drawn."""
    return random.multinomial(max(1, count - 1), np.full(count, 1 / count), size=resamples).astype(np.float64)
