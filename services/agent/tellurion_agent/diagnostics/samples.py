"""How much an autocorrelated sample tells."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.special import stdtr, stdtrit


def lag1(values: ArrayLike) -> float:
    """Lag-1 autocorrelation of departures from the mean, over the neighbours that are both there."""
    x = np.asarray(values, float) - np.nanmean(values)
    pairs = x[1:] * x[:-1]
    variance = np.nanmean(x**2)
    if not variance or not np.isfinite(pairs).any():
        return 0.0
    return float(np.clip(np.nansum(pairs) / (np.isfinite(pairs).sum() + 1) / variance, -0.99, 0.99))


def effective_size(n: int, r1: float, r2: float | None = None) -> float:
    """Independent values among n: n (1 − r₁r₂)/(1 + r₁r₂) for two series (Bretherton et al. 1999, eq. 31).

    For the mean or trend of one series it is n (1 − r)/(1 + r) (Santer et al. 2000, eq. 6). Never more than n.
    """
    product = r1 if r2 is None else r1 * r2
    return float(min(n, n * (1 - product) / (1 + product)))


def t_quantile(df: float, level: float = 0.975) -> float:
    """Quantile of Student's t, infinite for no degree of freedom."""
    return float(stdtrit(df, level)) if df > 0 else np.inf


def t_probability(t: float, df: float) -> float:
    """Two-sided probability of a |t| as large."""
    return float(2 * stdtr(df, -abs(t))) if df > 0 else 1.0


def correlation(x: NDArray[np.float64], y: NDArray[np.float64]) -> tuple[float, float, float, float]:
    """Pearson's r of pairs, its 95 % interval by Fisher's z, and the number of independent pairs that it rests on."""
    both = np.isfinite(x) & np.isfinite(y)
    r = float(np.corrcoef(x[both], y[both])[0, 1])
    n = effective_size(int(both.sum()), lag1(np.where(both, x, np.nan)), lag1(np.where(both, y, np.nan)))
    if n <= 3 or abs(r) >= 1:
        return r, -1.0 if n <= 3 else r, 1.0 if n <= 3 else r, n
    half = 1.959964 / np.sqrt(n - 3)
    return r, float(np.tanh(np.arctanh(r) - half)), float(np.tanh(np.arctanh(r) + half)), n


def mean_interval(values: ArrayLike) -> tuple[float, float, float]:
    """Mean, and the ends of its 95 % interval with the autocorrelation regarded.

    Without ends where there are fewer than three values that are independent: Student's t says nothing of them.
    """
    x = np.asarray(values, float)
    n, mean = int(np.isfinite(x).sum()), float(np.nanmean(x))
    effective = effective_size(n, max(lag1(x), 0.0)) if n else 0.0
    if effective < 3:
        return mean, np.nan, np.nan
    half = t_quantile(effective - 1) * float(np.nanstd(x, ddof=1)) / np.sqrt(effective)
    return mean, mean - half, mean + half
