"""How does a variable go through the year?"""

from __future__ import annotations

import numpy as np
import xarray as xr

from tellurion_agent.diagnostics.times import monthly_climatology, monthly_means
from tellurion_agent.recipes.asked import LEVEL, PERIOD, REGION, SERIES_INPUTS, VARIABLE, WHICH_DATA
from tellurion_agent.recipes.checking import FINITE, again
from tellurion_agent.recipes.figures import lines
from tellurion_agent.recipes.recipe import Check, Inputs, NoAnswer, Outcome, Recipe, Slots
from tellurion_agent.recipes.selection import Notes, mean_series
from tellurion_agent.recipes.wording import (
    as_value,
    asked_first,
    difference_units,
    month_name,
    outcome,
    subject,
    units_of,
    written,
)
from tellurion_agent.slots import Kind, Slot

STATISTICS = ("range", "amplitude", "maximum", "minimum")


def compute(inputs: Inputs, slots: Slots) -> Outcome:
    """Means of the calendar months, their range, the amplitude of the annual harmonic, and the extreme months."""
    notes: Notes = []
    series = monthly_means(mean_series(inputs, "field", slots, notes))
    cycle, units = monthly_climatology(series), units_of(series)
    if cycle.sizes["month"] < 12 or cycle.isnull().any():
        raise NoAnswer("the data do not have all calendar months")
    highest, lowest = (int(cycle.month[at]) for at in (cycle.argmax("month"), cycle.argmin("month")))
    harmonic = 2 / 12 * np.abs(np.sum(cycle.values * np.exp(-2j * np.pi * np.arange(12) / 12)))
    what = subject(series, slots)
    values = {
        "range": [as_value(f"range of the seasonal cycle, {what}", cycle.max() - cycle.min(), difference_units(units))],
        "amplitude": [as_value(f"amplitude of the annual harmonic, {what}", harmonic, difference_units(units))],
        "maximum": [
            as_value(f"month of the maximum, {what}", month_name(highest), "1"),
            as_value(f"maximum, in {month_name(highest)}", cycle.max(), units),
        ],
        "minimum": [
            as_value(f"month of the minimum, {what}", month_name(lowest), "1"),
            as_value(f"minimum, in {month_name(lowest)}", cycle.min(), units),
        ],
    }
    asked = slots.get("statistic") or "range"
    return outcome(
        f"Seasonal cycle of {what}", asked_first(values, asked), notes, cycle=written(cycle, f"mean of {what}", units)
    )


def _parseval(outcome: Outcome, inputs: Inputs, slots: Slots) -> bool:
    amplitude = next(float(v.value) for v in outcome.values if "harmonic" in v.label)
    variance = float(outcome.data.cycle.var())
    return amplitude**2 / 2 <= variance * (1 + 1e-6) + 1e-12


def _from_cycle(data: xr.Dataset, slots: Slots) -> float | str:
    cycle, asked = data.cycle, slots.get("statistic") or "range"
    if asked == "range":
        return float(cycle.max() - cycle.min())
    if asked == "amplitude":
        angle = 2 * np.pi * cycle.month / 12
        return float(np.hypot((cycle * np.cos(angle)).sum(), (cycle * np.sin(angle)).sum())) / 6
    return month_name(int(cycle.idxmax("month") if asked == "maximum" else cycle.idxmin("month")))


RECIPE = Recipe(
    name="seasonal_cycle",
    title="Seasonal cycle",
    phrases=(
        "What is the seasonal cycle of sea surface temperature in the North Pacific?",
        "In which month is precipitation over India largest?",
        "annual cycle of Arctic sea ice concentration",
        "how large is the seasonal amplitude of temperature over Europe",
        "when does the Mediterranean reach its maximum temperature during the year",
        "show the climatological monthly means of rainfall in the Amazon",
        "month of minimum salinity in the Bay of Bengal",
        "seasonality of wind speed over the Southern Ocean",
        "difference between the warmest and the coldest month in Siberia",
        "peak-to-peak amplitude of the climatological seasonal cycle",
        "mean annual range, maximum minus minimum of the monthly climatology",
        "month with most precipitation in the mean annual cycle",
        "which calendar month is on average the coldest",
        "when in the year is it wettest",
        "in which month does the temperature climatology peak",
    ),
    slots=(
        VARIABLE,
        REGION,
        LEVEL,
        PERIOD,
        Slot(
            "statistic",
            Kind.CHOICE,
            "The range, the amplitude of the annual harmonic, or the month of the maximum or minimum?",
            default="range",
            choices=STATISTICS,
        ),
        *WHICH_DATA,
    ),
    inputs=SERIES_INPUTS,
    method=(
        "Area-weighted mean at every time, then the mean of each calendar month over the years. The range is the "
        "largest "
        "less the smallest of the twelve; the amplitude is that of the first harmonic fitted to them, half of "
        "the range "
        "where the cycle is a cosine."
    ),
    references=(
        "Wilks, D. S., 2019: Statistical Methods in the Atmospheric Sciences, 4th ed., section 10.4. Elsevier.",
    ),
    compute=compute,
    plot=lines("cycle"),
    checks=(
        FINITE,
        again("the twelve means give the same answer", _from_cycle),
        Check("the annual harmonic has no more variance than the cycle", _parseval),
    ),
)
