"""Droughts and wet spells."""

from __future__ import annotations

import numpy as np
import xarray as xr
from numpy.typing import NDArray
from scipy.special import gammainc, ndtri, psi

from tellurion_agent.recipes.recipe import NoAnswer

FEWEST_YEARS = 20
"""Of a calendar month, for its distribution to be fitted (WMO 2012 recommends 30)."""
SPI_LIMIT = 8.21
"""The quantile of the largest probability below one in double precision; xclim has the same bound."""


def spi(
    monthly: NDArray[np.float64], month: NDArray[np.int_], window: int, base: NDArray[np.bool_]
) -> NDArray[np.float64]:
    """Standardised precipitation index (McKee et al. 1993): sums of `window` months as quantiles of the normal.

    For each calendar month a gamma distribution by maximum likelihood (Thom 1958's equation, solved) to the sums > 0 of
    the base; zeros have the probability q of their share, H = q + (1 − q) G(x) (Edwards and McKee 1997). Within ±8.21.
    Raises NoAnswer for fewer than FEWEST_YEARS of a calendar month.
    """
    sums = np.full(monthly.size, np.nan)
    if monthly.size >= window:
        sums[window - 1 :] = np.convolve(monthly, np.ones(window), "valid")
    index = np.full(monthly.size, np.nan)
    for m in np.unique(month):
        at = month == m
        sample = sums[at & base]
        sample = sample[np.isfinite(sample)]
        if sample.size < FEWEST_YEARS:
            raise NoAnswer(f"{sample.size} years in the base period; a standardised index needs {FEWEST_YEARS}")
        wet = sample[sample > 0]
        if wet.size < 4 or np.ptp(wet) == 0:
            continue
        q = 1 - wet.size / sample.size
        shape, scale = gamma_fit(wet)
        x = sums[at]
        probability = np.where(x > 0, q + (1 - q) * gammainc(shape, np.maximum(x, 0) / scale), q)
        index[at] = np.clip(ndtri(np.where(np.isfinite(x), probability, np.nan)), -SPI_LIMIT, SPI_LIMIT)
    return index


def gamma_fit(wet: NDArray[np.float64]) -> tuple[float, float]:
    """Shape and scale of the likeliest gamma distribution: ln k − ψ(k) = ln x̄ − mean ln x, by Newton's rule."""
    a = np.log(wet.mean()) - np.log(wet).mean()
    k = (1 + np.sqrt(1 + 4 * a / 3)) / (4 * a)
    for _ in range(20):
        step = 1e-6 * k
        slope = (psi(k + step) - psi(k - step)) / (2 * step)
        k -= (np.log(k) - psi(k) - a) / (1 / k - slope)
    return float(k), float(wet.mean() / k)


def longest_spell(event: NDArray[np.bool_]) -> NDArray[np.int_]:
    """Most events in a row along the last axis."""
    run = np.zeros(event.shape[:-1], int)
    longest = run.copy()
    for day in np.moveaxis(event, -1, 0):
        run = (run + 1) * day
        longest = np.maximum(longest, run)
    return longest


def yearly_longest_spell(event: xr.DataArray) -> xr.DataArray:
    """[year, …] longest run of days of each calendar year (ETCCDI's CDD and CWD; Zhang et al. 2011)."""

    def of_year(days: xr.DataArray) -> xr.DataArray:
        whole = days.chunk(time=-1) if days.chunks is not None else days
        return xr.apply_ufunc(
            longest_spell, whole, input_core_dims=[["time"]], dask="parallelized", output_dtypes=[int]
        )

    return event.groupby("time.year").map(of_year)
