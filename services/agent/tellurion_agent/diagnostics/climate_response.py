"""How much the planet warms for more carbon dioxide."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from tellurion_agent.diagnostics.samples import effective_size, lag1, t_quantile
from tellurion_agent.recipes.recipe import NoAnswer


def control_drift(control: xr.DataArray, years: NDArray[np.int_]) -> NDArray[np.float64]:
    """The control's linear fit of yearly means, at the years of an experiment.

    The same calendar years where the control has them, else counted from each run's first, the branch time unknown.
    Raises NoAnswer for a control of fewer than ten years.
    """
    own = control.year.values
    if own.size < 10:
        raise NoAnswer(f"the control run has {own.size} whole years; at least 10 are needed for its drift")
    parallel = own[0] <= years[0] and own[-1] >= years[-1]
    fit = np.polyfit(own - own[0], control.values, 1)
    return np.polyval(fit, years - (own[0] if parallel else years[0]))


@dataclass(frozen=True)
class Gregory:
    """N = F + λ ΔT, of 4×CO₂."""

    forcing: float
    """W m⁻², of 4×CO₂."""
    feedback: float
    """W m⁻² K⁻¹, negative where the climate is stable."""
    sensitivity: float
    """K for a doubling: half of where N reaches 0."""
    low: float
    high: float


def gregory(warming: NDArray[np.float64], imbalance: NDArray[np.float64]) -> Gregory:
    """Regression of the imbalance on the warming after an abrupt quadrupling (Gregory et al. 2004), halved.

    The interval is Fieller's for the ratio, with the residuals' autocorrelation regarded.
    Raises NoAnswer for fewer than 20 years and where the imbalance does not fall as it warms.
    """
    if warming.size < 20:
        raise NoAnswer(f"{warming.size} whole years after the quadrupling; at least 20, better 150, are needed")
    feedback, forcing = np.polyfit(warming, imbalance, 1)
    if feedback >= 0:
        raise NoAnswer(
            f"the imbalance does not fall with warming (λ = {feedback:.3g} W m-2 K-1): no equilibrium is in sight"
        )
    residuals = imbalance - forcing - feedback * warming
    spread, mean = np.sum((warming - warming.mean()) ** 2), warming.mean()
    if np.sum(residuals**2) < 1e-18 * np.sum(imbalance**2):
        low = high = -forcing / feedback / 2
    else:
        n = effective_size(warming.size, max(lag1(residuals), 0.0))
        variance = np.sum(residuals**2) / max(n - 2, 1e-9)
        q = t_quantile(n - 2) ** 2 * variance if n > 2 else np.inf
        # Where a line N̄ + λ (T − T̄) with both uncertain may cross 0.
        a, b, c = feedback**2 - q / spread, 2 * imbalance.mean() * feedback, imbalance.mean() ** 2 - q / n
        root = np.sqrt(max(b * b - 4 * a * c, 0.0)) if np.isfinite(q) else np.inf
        low, high = (
            sorted(((mean + (-b - root) / (2 * a)) / 2, (mean + (-b + root) / (2 * a)) / 2))
            if a > 0
            else (np.nan, np.nan)
        )
    return Gregory(float(forcing), float(feedback), float(-forcing / feedback / 2), float(low), float(high))


def transient_response(warming: NDArray[np.float64]) -> float:
    """Mean of years 61–80 of a rise of 1 % a year, about the doubling in year 70; `warming` is of years in a row.

    Raises NoAnswer when one of those years is missing.
    """
    about = warming[60:80]
    if np.isfinite(about).sum() < 20:
        there = int(np.isfinite(warming).sum())
        raise NoAnswer(f"the run has {there} whole years; all of the years 61–80 are needed")
    return float(np.mean(about))


def crossing(years: NDArray[np.int_], smooth: NDArray[np.float64], level: float) -> int | None:
    """First year from which on the smoothed warming does not fall below a level again; None when there is none."""
    there = np.isfinite(smooth)
    below = np.flatnonzero(smooth[there] < level)
    first = below[-1] + 1 if below.size else 0
    return int(years[there][first]) if first < there.sum() else None
