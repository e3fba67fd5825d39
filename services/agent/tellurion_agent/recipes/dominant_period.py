"""With which period does a series swing most?"""

from __future__ import annotations

import numpy as np
import xarray as xr

from tellurion_agent.diagnostics.spectra import Spectrum
from tellurion_agent.diagnostics.times import Step, anomalies, monthly_climatology, monthly_means, step
from tellurion_agent.recipes.asked import LEVEL, PERIOD, REGION, VARIABLE, WHICH_DATA
from tellurion_agent.recipes.recipe import Inputs, NoAnswer, Outcome, Slots
from tellurion_agent.recipes.selection import Notes, mean_series
from tellurion_agent.recipes.wording import as_value, outcome, subject, written

PERIOD_SLOTS = (VARIABLE, REGION, LEVEL, PERIOD, *WHICH_DATA)


def series_for_spectrum(inputs: Inputs, slots: Slots, notes: Notes) -> tuple[xr.DataArray, float, str]:
    """Monthly anomalies, or yearly values, of an area mean; the step in years; and what it is.

    Raises NoAnswer when the times are not evenly spaced.
    """
    series = mean_series(inputs, "field", slots, notes)
    what = subject(series, slots)
    if step(series.time) is Step.YEARLY:
        values, length, gaps = series, 1.0, np.diff(series.time.dt.year.values)
    else:
        monthly = monthly_means(series)
        values, length = anomalies(monthly, monthly_climatology(monthly)), 1 / 12
        gaps = np.diff(monthly.time.dt.year.values * 12 + monthly.time.dt.month.values)
        notes.append("The calendar months' means are taken off: the seasonal cycle is not among the periods.")
    if (gaps != 1).any():
        raise NoAnswer("the times have gaps: a spectrum needs evenly spaced values")
    notes.append("The linear trend is taken off.")
    return values, length, what


def answer(found: Spectrum, what: str, title: str, notes: Notes, **data: xr.DataArray) -> Outcome:
    """The dominant period, whether it rises above red noise, and the spectrum."""
    period, significant = found.peak()
    along = {"period": ("period", found.period, {"units": "years", "long_name": "period"})}
    power = xr.DataArray(found.power, coords=along, dims="period")
    if not significant:
        notes.append("The peak does not rise above what red noise reaches in 95 % of cases: no period is sure.")
    return outcome(
        f"{title} of {what}",
        [
            as_value(f"dominant period of {what}", period, "years"),
            as_value(
                "significance over red noise, 5 % level", "significant" if significant else "not significant", "1"
            ),
        ],
        notes,
        power=written(power, "power over variance", "1"),
        red=written(power.copy(data=found.red), "95 % of red noise", "1"),
        **data,
    )


def at_peak(outcome: Outcome, inputs: Inputs, slots: Slots) -> bool:
    """That no local maximum of the spectrum is higher than the answer's."""
    power = outcome.data.power
    p, answer = power.values, float(outcome.values[0].value)
    inner = np.flatnonzero((p[1:-1] > p[:-2]) & (p[1:-1] >= p[2:])) + 1
    highest = p[inner].max() if inner.size else p.max()
    return bool(np.isclose(float(power.sel(period=answer, method="nearest")), highest))
