"""How often is a threshold passed?"""

from __future__ import annotations

import numpy as np
import xarray as xr

from tellurion_agent.catalogue.units import unit
from tellurion_agent.diagnostics.times import in_season, step
from tellurion_agent.recipes.asked import FIELD, SERIES_INPUTS
from tellurion_agent.recipes.checking import FINITE
from tellurion_agent.recipes.figures import lines
from tellurion_agent.recipes.recipe import Check, Inputs, NoAnswer, Outcome, Recipe, Slots
from tellurion_agent.recipes.selection import Notes, mean_series
from tellurion_agent.recipes.wording import as_value, outcome, subject, units_of, written
from tellurion_agent.slots import Kind, Slot

STEPS = {"hourly": "hours", "daily": "days", "monthly": "months", "yearly": "years"}


def compute(inputs: Inputs, slots: Slots) -> Outcome:
    """Number of days, months or years beyond the threshold, their share, and the count of each year."""
    notes: Notes = []
    series = mean_series(inputs, "field", slots, notes)
    units, above = units_of(series), (slots.get("side") or "above") == "above"
    limit = _converted(float(slots["threshold"]), slots.get("units"), units)
    values = in_season(series, slots["season"].months).dropna("time")
    beyond = values > limit if above else values < limit
    steps, what = STEPS[step(series.time)], subject(series, slots)
    yearly = beyond.groupby("time.year").sum().astype(float)
    yearly = yearly.reindex(year=np.arange(yearly.year.min(), yearly.year.max() + 1)).fillna(0.0)
    wording = f"{what} is {'above' if above else 'below'} {limit:g} {units}"
    return outcome(
        f"{steps.capitalize()} in which {wording}",
        [
            as_value(f"{steps} in which {wording}", int(beyond.sum()), steps),
            as_value(f"share of the {values.size} {steps}", 100 * float(beyond.mean()), "%"),
            as_value("mean count of a year", yearly.mean(), f"{steps} year-1"),
        ],
        notes,
        count=written(yearly, f"{steps} {'above' if above else 'below'} {limit:g} {units}", steps),
        series=written(values, what, units),
    )


def _converted(threshold: float, given: str | None, units: str) -> float:
    if not given or given == units:
        return threshold
    source, target = unit(given), unit(units)
    if source is None or target is None or not source.is_convertible(target):
        raise NoAnswer(f"a threshold in {given} cannot be compared with data in {units}")
    return float(source.convert(threshold, target))


def _again(outcome: Outcome, inputs: Inputs, slots: Slots) -> bool:
    count: xr.DataArray = outcome.data["count"]
    return float(count.sum()) == float(outcome.values[0].value)


RECIPE = Recipe(
    name="threshold_count",
    title="Count of times beyond a threshold",
    phrases=(
        "How many days per year is it hotter than 30 degrees in Spain?",
        "number of months with sea surface temperature above 28 °C",
        "count the days with more than 10 mm of rain over India",
        "how often does temperature fall below zero in Scandinavia",
        "number of frost days",
        "in how many months did the Niño 3.4 region exceed 27 degC",
        "how frequently is wind speed over 15 m/s in the North Sea",
        "days below freezing per winter over Canada",
        "exceedances of a threshold of 25 mm/day",
    ),
    slots=(
        *FIELD,
        Slot("threshold", Kind.NUMBER, "Which threshold?", required=True),
        Slot("units", Kind.UNITS, "In which units is the threshold?"),
        Slot("side", Kind.CHOICE, "Above or below it?", default="above", choices=("above", "below")),
    ),
    inputs=SERIES_INPUTS,
    method="Count of the times, as the data have them, at which the area mean is beyond the threshold; equal "
    "does not count.",
    references=(
        "Zhang, X., et al., 2011: Indices for monitoring changes in extremes. WIREs Clim. Change, 2, 851–870.",
    ),
    compute=compute,
    plot=lines("count"),
    checks=(FINITE, Check("the counts of the years sum to the whole", _again)),
)
