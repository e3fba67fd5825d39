"""Linear trends, and how sure they are when neighbouring years resemble each other."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import xarray as xr
from numpy.typing import NDArray
from scipy.special import stdtr

from tellurion_agent.diagnostics.samples import effective_size, lag1, t_probability, t_quantile
from tellurion_agent.recipes.recipe import NoAnswer

FEWEST = 5
"""Values that a trend needs."""
BLOCK = 1_000_000
"""Values of which trends are computed at once; some twenty arrays of as many are needed for it."""
AUTOCORRELATED = 0.1
"""Lag-1 autocorrelation of residuals beyond which a test for independent values is too sure."""


@dataclass(frozen=True)
class Trend:
    """y = intercept + slope · x, with the 95 % interval of the slope."""

    slope: float
    intercept: float
    low: float
    high: float
    p: float
    """Two-sided probability of such a slope without a trend."""
    r1: float
    """Lag-1 autocorrelation of the residuals."""
    n: float
    """Independent values."""


def least_squares(x: NDArray[np.float64], y: NDArray[np.float64]) -> Trend:
    """Ordinary least squares; interval and test with n (1 − r₁)/(1 + r₁) independent values (Santer et al. 2000).

    Raises NoAnswer for fewer than FEWEST values or when half are missing.
    """
    there = _enough(y)
    slope, intercept = np.polyfit(x[there], y[there], 1)
    residuals = np.where(there, y - intercept - slope * x, np.nan)
    spread = np.nansum(residuals**2)
    # Residuals of nothing but rounding have no autocorrelation to speak of.
    exact = spread <= 1e-20 * max(float(np.nansum(y**2)), 1e-300)
    r1 = 0.0 if exact else lag1(residuals)
    n = effective_size(int(there.sum()), max(r1, 0.0))
    if exact:
        return Trend(float(slope), float(intercept), float(slope), float(slope), 0.0 if slope else 1.0, r1, n)
    error = np.sqrt(spread / max(n - 2, 1e-9) / np.sum((x[there] - x[there].mean()) ** 2))
    half = t_quantile(n - 2) * error
    return Trend(
        float(slope),
        float(intercept),
        float(slope - half),
        float(slope + half),
        t_probability(slope / error, n - 2),
        r1,
        n,
    )


@dataclass(frozen=True)
class RobustTrend:
    """Theil–Sen's slope and Mann–Kendall's test."""

    slope: float
    intercept: float
    low: float
    high: float
    p: float
    """Of the plain test, for independent values."""
    p_adjusted: float
    """Of the test for autocorrelated ones."""
    tau: float
    r1: float


def theil_sen(x: NDArray[np.float64], y: NDArray[np.float64]) -> RobustTrend:
    """Median of pairwise slopes with Sen's interval (Sen 1968); Mann–Kendall, plain and after Hamed and Rao (1998).

    Where the latter's variance comes out negative, the series is pre-whitened instead (Yue et al. 2002).
    Raises NoAnswer as `least_squares` does.
    """
    import pymannkendall as mk  # slow to import
    from scipy.stats import theilslopes

    there = _enough(y)
    slope, intercept, low, high = theilslopes(y[there], x[there], 0.95)
    plain = adjusted = mk.original_test(y[there])
    if there.sum() >= 10:
        with np.errstate(invalid="ignore", divide="ignore"):
            adjusted = mk.hamed_rao_modification_test(y[there])
        if not adjusted.var_s > 0:
            adjusted = mk.trend_free_pre_whitening_modification_test(y[there])
    residuals = np.where(there, y - intercept - slope * x, np.nan)
    numbers = (slope, intercept, low, high, plain.p, adjusted.p, plain.Tau)
    return RobustTrend(*map(float, numbers), 0.0 if np.nanmax(np.abs(residuals)) < 1e-12 else lag1(residuals))


def trend_map(yearly: xr.DataArray) -> xr.Dataset:
    """`slope` per year and `p` [lat, lon] of yearly means [year, lat, lon], as `least_squares` in every cell.

    Lazily chunked along space; NaN where a cell has less than half of the years.
    """
    y = yearly
    if y.chunks is not None:
        across = [dim for dim in y.dims if dim != "year"]
        y = y.chunk({"year": -1, across[0]: max(1, BLOCK * y.sizes[across[0]] // y.size)})
    slope, p = xr.apply_ufunc(
        _cell_trends,
        y,
        y.year.astype(float),
        input_core_dims=[["year"], ["year"]],
        output_core_dims=[[], []],
        dask="parallelized",
        output_dtypes=[float, float],
    )
    return xr.Dataset({"slope": slope, "p": p})


def _cell_trends(y: NDArray[np.float64], x: NDArray[np.float64]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Slope and p [...] of y [..., years] over x [years]."""
    there = np.isfinite(y)
    count = there.sum(-1)
    enough = (count >= FEWEST) & (2 * count >= x.size)
    with np.errstate(invalid="ignore", divide="ignore"):
        at = np.where(there, x, np.nan)
        dx = np.where(there, x - np.nansum(at, -1, keepdims=True) / count[..., None], 0.0)
        dy = np.where(there, y - np.nansum(y, -1, keepdims=True) / count[..., None], 0.0)
        slope = (dx * dy).sum(-1) / (dx**2).sum(-1)
        rest = np.where(there, dy - slope[..., None] * dx, 0.0)
        pairs = (there[..., 1:] & there[..., :-1]).sum(-1) + 1
        r1 = np.clip((rest[..., 1:] * rest[..., :-1]).sum(-1) / pairs / ((rest**2).sum(-1) / count), 0.0, 0.99)
        n = count * (1 - r1) / (1 + r1)
        error = np.sqrt((rest**2).sum(-1) / np.maximum(n - 2, 1e-9) / (dx**2).sum(-1))
        p = np.where(n > 2, 2 * stdtr(np.maximum(n - 2, 1e-9), -np.abs(slope / error)), 1.0)
    return np.where(enough, slope, np.nan), np.where(enough, p, np.nan)


def _enough(y: NDArray[np.float64]) -> NDArray[np.bool_]:
    there = np.isfinite(y)
    if there.sum() < FEWEST or 2 * there.sum() < y.size:
        raise NoAnswer(f"{int(there.sum())} of {y.size} values are there; a trend needs at least {FEWEST}, and half")
    return there
