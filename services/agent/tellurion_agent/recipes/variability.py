"""How much does a variable vary from year to year?"""

from __future__ import annotations

import numpy as np
import xarray as xr

from tellurion_agent.diagnostics.samples import lag1
from tellurion_agent.diagnostics.times import season_means
from tellurion_agent.recipes.asked import FIELD, SERIES_INPUTS, quantity
from tellurion_agent.recipes.checking import BRACKETED, FINITE, again
from tellurion_agent.recipes.figures import lines
from tellurion_agent.recipes.recipe import Inputs, NoAnswer, Outcome, Recipe, Slots
from tellurion_agent.recipes.selection import Notes, mean_series
from tellurion_agent.recipes.wording import as_value, asked_first, difference_units, outcome, subject, units_of, written

QUANTITIES = ("standard deviation", "detrended standard deviation", "autocorrelation")


def compute(inputs: Inputs, slots: Slots) -> Outcome:
    """Standard deviation of yearly values, as they are and without their trend, and their persistence."""
    notes: Notes = []
    series = mean_series(inputs, "field", slots, notes)
    yearly = season_means(series, slots["season"].months).dropna("year")
    if yearly.size < 5:
        raise NoAnswer(f"{yearly.size} years are too few to tell how they vary; at least 5 are needed")
    x, y = yearly.year.values.astype(float), yearly.values
    detrended = y - np.polyval(np.polyfit(x, y, 1), x)
    units, what = difference_units(units_of(series)), subject(yearly.assign_attrs(series.attrs), slots)
    about, memory = np.sqrt(np.sum(detrended**2) / (y.size - 2)), lag1(detrended) if np.ptp(detrended) > 1e-12 else 0.0
    values = {
        QUANTITIES[0]: [as_value(f"standard deviation of {what}", np.std(y, ddof=1), units)],
        QUANTITIES[1]: [as_value("standard deviation about the linear trend", about, units)],
        QUANTITIES[2]: [as_value("lag-1 autocorrelation about the trend", memory, "1")],
    }
    return outcome(
        f"Year-to-year variability of {what}",
        asked_first(values, slots.get("quantity") or QUANTITIES[0]),
        notes,
        series=written(yearly, f"yearly mean of {what}", units_of(series)),
    )


def _from_series(data: xr.Dataset, slots: Slots) -> float:
    values, x = data.series.values, data.series.year.values - data.series.year.values.mean()
    away = values - values.mean()
    rest = away - x * (x @ away) / (x @ x)
    match slots.get("quantity"):
        case "detrended standard deviation":
            return float(np.sqrt(rest @ rest / (rest.size - 2)))
        case "autocorrelation":
            return lag1(rest)
    return float(np.sqrt(away @ away / (away.size - 1)))


RECIPE = Recipe(
    name="variability",
    title="Year-to-year variability",
    phrases=(
        "Interannual variability of rainfall in the Sahel",
        "standard deviation of yearly mean temperature over Europe",
        "how variable is winter sea level pressure over Iceland",
        "year-to-year fluctuations of Mediterranean sea surface temperature",
        "interannual standard deviation of summer temperature",
        "detrended variability of global mean temperature",
        "how persistent are annual anomalies of the North Atlantic",
        "variance from one year to the next of Indian rainfall",
        "lag-1 autocorrelation of the yearly means",
        "std of the yearly mean series of sea level pressure",
        "how much do annual means vary from year to year, one sigma",
        "sigma of annual means of the area mean temperature",
        "remove the linear trend from the yearly means and give the standard deviation of the rest",
        "average over the area and over each year: what is the standard deviation between years",
        "standard deviation of the detrended annual-mean temperature",
    ),
    slots=(*FIELD, quantity("Their standard deviation, that about the trend, or their persistence?", QUANTITIES)),
    inputs=SERIES_INPUTS,
    method="Standard deviation (n − 1) of the yearly or seasonal area means; about the least-squares line with n − 2.",
    references=(
        "von Storch, H., and F. W. Zwiers, 1999: Statistical Analysis in Climate Research. Cambridge University Press.",
    ),
    compute=compute,
    plot=lines("series"),
    checks=(FINITE, BRACKETED, again("sums of squares give the same", _from_series)),
)
