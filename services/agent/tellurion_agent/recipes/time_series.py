"""How did a region's mean develop?"""

from __future__ import annotations

from tellurion_agent.diagnostics.times import ALL_MONTHS, season_means
from tellurion_agent.recipes.asked import FIELD, SERIES_INPUTS
from tellurion_agent.recipes.checking import FINITE, among
from tellurion_agent.recipes.figures import lines
from tellurion_agent.recipes.recipe import Inputs, Outcome, Recipe, Slots
from tellurion_agent.recipes.selection import Notes, mean_series
from tellurion_agent.recipes.wording import as_value, outcome, subject, units_of, written
from tellurion_agent.slots import Kind, Slot


def compute(inputs: Inputs, slots: Slots) -> Outcome:
    """The yearly or monthly series, and its mean, spread, first and last value."""
    notes: Notes = []
    series = mean_series(inputs, "field", slots, notes)
    months, units = slots["season"].months, units_of(series)
    yearly = slots.get("sampling") == "yearly" or set(months) != set(ALL_MONTHS)
    values = season_means(series, months) if yearly else series
    there = values.dropna(values.dims[0])
    ends = there.year.values if yearly else [f"{t.dt.year.item()}-{t.dt.month.item():02d}" for t in there.time[[0, -1]]]
    what = subject(series, slots)
    return outcome(
        f"{what}: {'yearly' if yearly else 'single'} values",
        [
            as_value(f"mean of {what}", there.mean(), units),
            as_value(f"standard deviation of {what}", there.std(ddof=1) if there.size > 1 else 0.0, units),
            as_value(f"first value, {ends[0]}", there[0], units),
            as_value(f"last value, {ends[-1]}", there[-1], units),
        ],
        notes,
        series=written(values, f"area mean of {what}", units),
    )


RECIPE = Recipe(
    name="time_series",
    title="Time series of a region's mean",
    phrases=(
        "Plot the time series of global mean temperature",
        "show me how sea surface temperature in the Mediterranean evolved since 1980",
        "time series of area-averaged precipitation over India",
        "evolution of Arctic temperature between 1950 and 2014",
        "draw the yearly mean sea level pressure over Iceland as a curve",
        "year by year summer rainfall in the Sahel",
        "monthly series of salinity in the North Sea",
        "history of surface temperature averaged over Australia",
        "how did the mean temperature of the Southern Ocean change over time",
    ),
    slots=(
        *FIELD,
        Slot("sampling", Kind.CHOICE, "Monthly or yearly values?", default="monthly", choices=("monthly", "yearly")),
    ),
    inputs=SERIES_INPUTS,
    method=(
        "Mean over the cells of the region, weighed with their areas, at every time; yearly or seasonal values "
        "are means of "
        "complete years or seasons, months weighed with their lengths."
    ),
    references=("WMO, 2017: Guidelines on the Calculation of Climate Normals. WMO-No. 1203.",),
    compute=compute,
    plot=lines("series"),
    checks=(FINITE, *(among("series", which=i) for i in (0, 2, 3))),
)
