"""How fast does a variable change, and how sure is that?"""

from __future__ import annotations

import numpy as np

from tellurion_agent.diagnostics.times import season_means
from tellurion_agent.diagnostics.trends import AUTOCORRELATED, least_squares
from tellurion_agent.recipes.asked import FIELD, SERIES_INPUTS, quantity
from tellurion_agent.recipes.checking import BRACKETED, FINITE, labelled, slope_of
from tellurion_agent.recipes.figures import lines
from tellurion_agent.recipes.recipe import Check, Inputs, Outcome, Recipe, Slots
from tellurion_agent.recipes.selection import Notes, mean_series
from tellurion_agent.recipes.wording import as_value, asked_first, difference_units, outcome, subject, units_of, written

QUANTITIES = ("slope", "total change")


def compute(inputs: Inputs, slots: Slots) -> Outcome:
    """The slope per decade with its interval, the change over the years, and the probability by chance."""
    notes: Notes = []
    series = mean_series(inputs, "field", slots, notes)
    yearly = season_means(series, slots["season"].months)
    x = yearly.year.values.astype(float)
    trend = least_squares(x, yearly.values)
    if trend.r1 > AUTOCORRELATED:
        notes.append(
            f"The residuals are autocorrelated (lag 1: {trend.r1:.2f}): the interval rests on {trend.n:.0f} "
            f"independent years "
            f"of {yearly.size}."
        )
    if yearly.size < 20:
        notes.append(f"{yearly.size} years are a short record for a trend.")
    units, what = difference_units(units_of(series)), subject(yearly.assign_attrs(series.attrs), slots)
    fit = yearly.copy(data=trend.intercept + trend.slope * x)
    per_decade = f"{units} decade-1"
    slope = as_value(f"linear trend of {what}", 10 * trend.slope, per_decade, 10 * trend.low, 10 * trend.high)
    change = as_value(f"change along the trend, {x[0]:.0f}–{x[-1]:.0f}", trend.slope * (x[-1] - x[0]), units)
    values = {
        QUANTITIES[0]: [slope],
        QUANTITIES[1]: [change],
        "p": [as_value("probability of such a trend by chance", trend.p, "1")],
    }
    return outcome(
        f"Linear trend of {what}",
        asked_first(values, slots.get("quantity") or QUANTITIES[0]),
        notes,
        series=written(yearly, f"yearly mean of {what}", units_of(series)),
        trend=written(fit, "least-squares fit", units_of(series)),
    )


def _along(outcome: Outcome, inputs: Inputs, slots: Slots) -> bool:
    years = outcome.data.series.year.values
    change = labelled(outcome, "linear trend") * (years[-1] - years[0]) / 10
    return bool(np.isclose(labelled(outcome, "change along"), change))


RECIPE = Recipe(
    name="linear_trend",
    title="Linear trend",
    phrases=(
        "What is the linear trend of global mean surface temperature?",
        "how fast is the Mediterranean warming per decade",
        "trend in precipitation over the Sahel since 1950",
        "is sea surface temperature in the Niño 3.4 region rising",
        "rate of change of sea level pressure over the Arctic in winter",
        "warming rate of the Indian Ocean from 1980 to 2014 with confidence interval",
        "least squares slope of summer temperature in Europe",
        "by how many degrees per decade did the Southern Ocean change",
        "is the trend in salinity significant",
        "fit a straight line to the annual means and tell its slope",
        "by how much per decade has it warmed",
        "decadal tendency of temperature, per decade",
        "at which rate has the temperature been changing, expressed per century",
        "long-term trend of annual mean temperature, per year",
        "how fast will Asia warm per decade under a scenario",
    ),
    slots=(*FIELD, quantity("The slope, or the change along it over all years?", QUANTITIES)),
    inputs=SERIES_INPUTS,
    method=(
        "Ordinary least squares of the yearly or seasonal area means; the 95 % interval and the test take the "
        "residuals for "
        "an autoregressive process of order one, with n (1 − r₁)/(1 + r₁) independent values."
    ),
    references=("Santer, B. D., et al., 2000: Statistical significance of trends. J. Geophys. Res., 105, 7337–7356.",),
    compute=compute,
    plot=lines("series", "trend"),
    checks=(
        FINITE,
        BRACKETED,
        slope_of("series", label="linear trend"),
        Check("the change is the slope times the years", _along),
    ),
)
