"""Figures with their uncertainty, where items that were made from one document or image are not independent.

With G clusters of n_g items, N items in all, r_g the sum of x − m over the items of cluster g:

    mean      m = Σx / N          SE² = G/(G−1) · Σ_g r_g² / N²
    pooled    θ = f(Σ_g T_g)      SE² = (G−1)/G · Σ_g (θ_g − mean of θ_g)²,  θ_g = f(Σ T − T_g)
    both      95 % interval: the value ± t(0.975; G−1) · SE

The mean's is the cluster-robust sandwich (Liang and Zeger, 1986, Biometrika 73) with the usual correction for few
clusters: with one item in each it is s/√N. The other is the jackknife that leaves out a cluster at a time (Efron and
Stein, 1981, Ann. Statist. 9). Neither is cut off where a metric's range ends. From one cluster nothing is known of the
spread between clusters, so there is neither standard error nor interval.

Sums are exact before they are rounded, so nothing depends on the order of items; memory grows with the number of
clusters, by some tens of bytes each.
"""

from __future__ import annotations

import math
from array import array
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from fractions import Fraction
from functools import lru_cache
from itertools import chain

from scipy.special import stdtr, stdtrit

CONFIDENCE = 0.95
LARGEST = 1e100
"""Of a value: sums of more squares than there can be items stay finite."""
_SPLITTER = 2.0**27 + 1
"""Of a double into two halves of 26 bits (Dekker, 1971), whose products with small integers are exact."""


@dataclass(frozen=True, slots=True)
class Estimate:
    """A figure and how sure it is."""

    value: float | None
    """None where it has none."""
    stderr: float | None
    """None where there is no value, or one cluster."""
    ci95: tuple[float, float] | None
    """None where there is no standard error."""
    n: int
    """Items."""
    clusters: int
    """Documents or images that they were made from."""


NOTHING = Estimate(None, None, None, 0, 0)


class Mean:
    """A mean over items that come cluster by cluster."""

    def __init__(self) -> None:
        # A cluster's sum is _sums + _rests: what one double cannot hold of it is in the other.
        self._sums, self._rests, self._sizes = array("d"), array("d"), array("q")

    def add(self, values: Sequence[float]) -> None:
        """One cluster's values, at least one, none beyond `LARGEST`."""
        size = len(values)
        total = values[0] if size == 1 else math.fsum(values)
        self._sums.append(total)
        self._rests.append(0.0 if size == 1 else math.fsum((*values, -total)))
        self._sizes.append(size)

    def estimate(self) -> Estimate:
        """The mean of all values that came."""
        n, clusters = sum(self._sizes), len(self._sizes)
        if not n:
            return NOTHING
        total = math.fsum(chain(self._sums, self._rests))
        rest = math.fsum(chain(self._sums, self._rests, (-total,)))
        mean = float((Fraction(total) + Fraction(rest)) / n)
        if clusters == 1:
            return Estimate(mean, None, None, n, clusters)
        high, low = _halves(mean)
        squares = math.fsum(
            math.fsum((total, rest, -size * high, -size * low)) ** 2
            for total, rest, size in zip(self._sums, self._rests, self._sizes, strict=True)
        )
        return _estimate(mean, math.sqrt(clusters / (clusters - 1) * squares) / n, n, clusters)


class Pooled:
    """A figure of a whole corpus, from statistics that add up over items; they come cluster by cluster.

    `shown`: the figure is shown rounded, as this has it; its spread is that of `value`, since what one of many clusters
    changes is less than the rounding.
    """

    def __init__(
        self, value: Callable[[Sequence[float]], float], shown: Callable[[Sequence[float]], float] | None = None
    ) -> None:
        self._value = value
        self._shown = shown or value
        self._sums: list[array[float]] = []
        self._n = 0

    def add(self, statistics: Sequence[Sequence[float]]) -> None:
        """The statistics of one cluster's items, at least one, each of the same length."""
        sums = [math.fsum(column) for column in zip(*statistics, strict=True)]
        if not self._sums:
            self._sums = [array("d") for _ in sums]
        for column, total in zip(self._sums, sums, strict=True):
            column.append(total)
        self._n += len(statistics)

    def estimate(self) -> Estimate:
        """The figure of all statistics that came."""
        if not self._n:
            return NOTHING
        clusters, totals = len(self._sums[0]), [math.fsum(column) for column in self._sums]
        value = self._shown(totals)
        if not abs(value) <= LARGEST:  # which NaN is not either
            return Estimate(None, None, None, self._n, clusters)
        if clusters == 1:
            return Estimate(value, None, None, self._n, clusters)
        left_out = [
            self._value([total - one for total, one in zip(totals, cluster, strict=True)])
            for cluster in zip(*self._sums, strict=True)
        ]
        if not all(abs(one) <= LARGEST for one in left_out):
            return Estimate(value, None, None, self._n, clusters)
        centre = math.fsum(left_out) / clusters
        squares = math.fsum((one - centre) ** 2 for one in left_out)
        return _estimate(value, math.sqrt((clusters - 1) / clusters * squares), self._n, clusters)


def p_value(difference: Estimate) -> float | None:
    """Two-sided, of a difference that might be 0, by Student's t with G − 1 degrees of freedom.

    1 where no item differs. None where there is no standard error, or where it is 0 and the difference is not: values
    that do not vary allow no test.
    """
    if difference.value is None or difference.stderr is None:
        return None
    if not difference.stderr:
        return None if difference.value else 1.0
    return float(2 * stdtr(difference.clusters - 1, -abs(difference.value / difference.stderr)))


def holm(p_values: Sequence[float | None]) -> list[float | None]:
    """P-values corrected for their number, in their order; those that are None are no test, and do not count.

    Source: Holm (1979), A simple sequentially rejective multiple test procedure, Scand. J. Statist. 6.
    """
    tests = sorted((p, position) for position, p in enumerate(p_values) if p is not None)
    corrected: list[float | None] = [None] * len(p_values)
    least = 0.0
    for rank, (p, position) in enumerate(tests):
        least = max(least, min((len(tests) - rank) * p, 1.0))
        corrected[position] = least
    return corrected


def _estimate(value: float, stderr: float, n: int, clusters: int) -> Estimate:
    half = _quantile(clusters - 1) * stderr
    return Estimate(value, stderr, (value - half, value + half), n, clusters)


@lru_cache(maxsize=4096)
def _quantile(degrees: int) -> float:
    """Of Student's t, as many standard errors as half the interval has."""
    return float(stdtrit(degrees, (1 + CONFIDENCE) / 2))


def _halves(number: float) -> tuple[float, float]:
    """Two doubles of 26 bits whose sum is the number."""
    shifted = _SPLITTER * number
    high = shifted - (shifted - number)
    return high, number - high
