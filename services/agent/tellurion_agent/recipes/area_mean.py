"""What is the mean of a variable over a region and a period?"""

from __future__ import annotations

from matplotlib.figure import Figure

from tellurion_agent.diagnostics.samples import mean_interval
from tellurion_agent.diagnostics.times import climate_mean, complete, season_means
from tellurion_agent.recipes.asked import ANNUAL, FIELD, LAND_FRACTION
from tellurion_agent.recipes.checking import BRACKETED, FINITE, among
from tellurion_agent.recipes.figures import lines, map_of
from tellurion_agent.recipes.recipe import Check, Input, Inputs, NoAnswer, Outcome, Recipe, Slots
from tellurion_agent.recipes.selection import Notes, averaged, masked, mean_series, part
from tellurion_agent.recipes.wording import as_value, name_of, outcome, subject, units_of, written


def compute(inputs: Inputs, slots: Slots) -> Outcome:
    """Mean over area and time, with the monthly series it comes from."""
    notes: Notes = []
    months = slots["season"].months
    if "time" not in inputs["field"].dims:
        return _of_map(inputs, slots, notes)
    series = mean_series(inputs, "field", slots, notes)
    units, low, high = units_of(series), None, None
    mean = float(climate_mean(series, months))
    if complete(series.time, months).any() and (yearly := season_means(series, months)).sizes["year"] >= 5:
        centre, low, high = mean_interval(yearly.values)
        low, high = low - centre + mean, high - centre + mean
    label = f"mean {subject(series, slots)}"
    return outcome(label, [as_value(label, mean, units, low, high)], notes, series=written(series, "area mean", units))


def _of_map(inputs: Inputs, slots: Slots, notes: Notes) -> Outcome:
    """Mean over the area of a field that has no time."""
    if slots["season"].months != ANNUAL.months:
        raise NoAnswer(f"the data have no time: {slots['season'].name} cannot be chosen in them")
    field = part(inputs["field"], slots, notes, fraction=inputs.get("land_fraction"))
    if not {"lat", "lon"} <= {*field.dims}:
        raise NoAnswer("the data have neither time nor a grid: there is nothing to average")
    notes.append("The data have no time: it is not said of which years they are.")
    mean = averaged(field, notes)
    label = f"mean {subject(field, slots)}"
    field_map = written(masked(field).compute(), name_of(field), units_of(field))
    return outcome(label, [as_value(label, mean, units_of(field))], notes, map=field_map)


def _plot(figure: Figure, outcome: Outcome, slots: Slots) -> None:
    (lines("series") if "series" in outcome.data else map_of("map"))(figure, outcome, slots)


def _among(outcome: Outcome, inputs: Inputs, slots: Slots) -> bool:
    return among("series" if "series" in outcome.data else "map").holds(outcome, inputs, slots)


RECIPE = Recipe(
    name="area_mean",
    title="Mean over a region and a period",
    phrases=(
        "What is the mean sea surface temperature in the North Atlantic from 1981 to 2010?",
        "average precipitation over the Sahel in JJA",
        "How warm is the tropical Pacific on average?",
        "global mean surface air temperature 1961-1990",
        "give me the climatological value of salinity in the Mediterranean",
        "compute the area-weighted average of sea level pressure over Europe in winter",
        "typical wind speed in the Southern Ocean",
        "long-term mean temperature at 500 hPa in the tropics",
        "what's the annual mean rainfall in India",
        "mean over all longitudes of the temperature of a latitude band",
        "how many millimeters of rain fall per day on average over the box",
        "how salty is the sea surface on average",
        "mean annual total precipitation in mm per year",
        "mean runoff over the globe",
        "time-mean near-surface temperature in K",
    ),
    slots=FIELD,
    inputs=(Input("field", ()), LAND_FRACTION),
    method=(
        "Mean over the cells whose centres lie in the region, weighed with their exact areas on the sphere, "
        "missing values "
        "left out; then over the complete years or seasons, months weighed with their lengths in the data's "
        "calendar. The "
        "95 % interval is of the mean of the yearly values, with their lag-1 autocorrelation regarded."
    ),
    references=(
        "Zwiers, F. W., and H. von Storch, 1995: Taking serial correlation into account. J. Climate, 8, 336–351.",
    ),
    compute=compute,
    plot=_plot,
    checks=(FINITE, BRACKETED, Check("the answer lies within the range of what is averaged", _among)),
)
