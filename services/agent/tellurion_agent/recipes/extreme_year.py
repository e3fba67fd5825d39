"""Which year was the warmest, the wettest, the coldest?"""

from __future__ import annotations

import numpy as np
import xarray as xr

from tellurion_agent.diagnostics.times import climate_mean, departures, season_means
from tellurion_agent.recipes.asked import FIELD, SERIES_INPUTS
from tellurion_agent.recipes.checking import FINITE, again
from tellurion_agent.recipes.figures import lines
from tellurion_agent.recipes.recipe import Inputs, NoAnswer, Outcome, Recipe, Slots
from tellurion_agent.recipes.selection import Notes, mean_series
from tellurion_agent.recipes.wording import as_value, difference_units, outcome, subject, units_of, written
from tellurion_agent.slots import Kind, Slot


def compute(inputs: Inputs, slots: Slots) -> Outcome:
    """The year with the largest or smallest mean, that mean, and how far the next year is from it."""
    notes: Notes = []
    series = mean_series(inputs, "field", slots, notes)
    months = slots["season"].months
    usual, departure = climate_mean(series, months), season_means(departures(series), months).dropna("year")
    yearly = departure - departure.mean("year") + usual
    if yearly.sizes["year"] < 2:
        raise NoAnswer("there are fewer than two years with values to choose from")
    largest = (slots.get("statistic") or "maximum") == "maximum"
    ranked = yearly.isel(year=np.argsort(-yearly.values if largest else yearly.values))
    units, what = units_of(series), subject(yearly.assign_attrs(series.attrs), slots)
    word = "largest" if largest else "smallest"
    first, second = (ranked.isel(year=place) for place in (0, 1))
    values = [
        as_value(f"year with the {word} mean of {what}", int(first.year), "year"),
        as_value(f"mean of {int(first.year)}", first, units),
        as_value(f"difference from the next, {int(second.year)}", abs(float(first - second)), difference_units(units)),
    ]
    return outcome(
        f"Year with the {word} {what}", values, notes, series=written(yearly, f"yearly mean of {what}", units)
    )


def _extreme(data: xr.Dataset, slots: Slots) -> float:
    years = data.series.idxmin("year") if slots.get("statistic") == "minimum" else data.series.idxmax("year")
    return float(years)


RECIPE = Recipe(
    name="extreme_year",
    title="Warmest, coldest, wettest or driest year",
    phrases=(
        "Which was the warmest year in the Arctic?",
        "coldest year of the record over Europe",
        "in what year was annual mean precipitation highest",
        "wettest year in India since 1950",
        "which year had the lowest mean sea level pressure",
        "warmest calendar year in near-surface temperature",
        "in which year was the sea surface coldest on average",
        "the year with the highest annual mean temperature",
        "driest summer in the Sahel, which year",
        "hottest year on record in the model",
    ),
    slots=(
        *FIELD,
        Slot(
            "statistic", Kind.CHOICE, "The largest or the smallest?", default="maximum", choices=("maximum", "minimum")
        ),
    ),
    inputs=SERIES_INPUTS,
    method="Area-weighted means of complete years or seasons, months weighed with their lengths; the extreme of them.",
    references=("WMO, 2017: Guidelines on the Calculation of Climate Normals. WMO-No. 1203.",),
    compute=compute,
    plot=lines("series"),
    checks=(FINITE, again("no other year goes beyond", _extreme)),
)
