"""How much do two regions differ?"""

from __future__ import annotations

import xarray as xr

from tellurion_agent.diagnostics.samples import mean_interval
from tellurion_agent.diagnostics.times import climate_mean, complete, season_means
from tellurion_agent.recipes.asked import LEVEL, PERIOD, REGION, SEASON, SERIES_INPUTS, VARIABLE, WHICH_DATA, of
from tellurion_agent.recipes.checking import BRACKETED, FINITE, again
from tellurion_agent.recipes.figures import lines
from tellurion_agent.recipes.recipe import Inputs, NoAnswer, Outcome, Recipe, Slots
from tellurion_agent.recipes.selection import Notes, mean_series
from tellurion_agent.recipes.wording import as_value, difference_units, name_of, outcome, span, units_of, written

ROLES = ("first", "second")


def compute(inputs: Inputs, slots: Slots) -> Outcome:
    """The mean of the first region less that of the second, and the two."""
    notes: Notes = []
    months, regions = slots["season"].months, [slots[f"{role}_region"] for role in ROLES]
    if regions[0] == regions[1]:
        raise NoAnswer(f"both regions are {regions[0].name}")
    series = [mean_series(inputs, "field", {**slots, "region": region}, notes) for region in regions]
    if "time" not in series[0].dims:
        raise NoAnswer("the field has no time: a map answers what it holds")
    means = [float(climate_mean(each, months)) for each in series]
    units, low, high = units_of(series[0]), None, None
    if complete(series[0].time, months).any():
        yearly = season_means(series[0], months) - season_means(series[1], months)
        if yearly.sizes["year"] >= 5:
            centre, low, high = mean_interval(yearly.values)
            low, high = (end - centre + means[0] - means[1] for end in (low, high))
    names = " less ".join(region.name for region in regions)
    what = ", ".join(filter(None, (name_of(series[0]), slots["season"].name, span(series[0], months))))
    values = [as_value(f"{names}: {what}", means[0] - means[1], difference_units(units), low, high)]
    values += [as_value(f"mean of {region.name}", mean, units) for region, mean in zip(regions, means, strict=True)]
    arrays = {
        role: written(each, region.name, units) for role, each, region in zip(ROLES, series, regions, strict=True)
    }
    return outcome(f"{names}: {what}", values, notes, **arrays)


def _of_differences(data: xr.Dataset, slots: Slots) -> float:
    return float(climate_mean(data.first - data.second, slots["season"].months))


RECIPE = Recipe(
    name="region_difference",
    title="Difference between two regions",
    phrases=(
        "How much warmer is the tropics than the Arctic?",
        "mean temperature of 30S-30N minus 60N-90N",
        "equator-to-pole temperature contrast",
        "temperature contrast between the tropics and the polar region",
        "meridional gradient of temperature: mean(30S-30N) - mean(60S-90S)",
        "difference in sea surface temperature between the western and the eastern Pacific",
        "by how many degrees is the tropical belt warmer than the polar cap",
        "how much saltier is the Atlantic than the Pacific",
        "rainfall over India minus rainfall over the Sahel",
        "pressure difference between the Northern and the Southern Hemisphere",
        "difference of the zonal mean temperature of two latitude bands",
    ),
    slots=(
        VARIABLE,
        of("first", REGION, "Of which region?", required=True),
        of("second", REGION, "Less which region?", required=True),
        LEVEL,
        PERIOD,
        SEASON,
        *WHICH_DATA,
    ),
    inputs=SERIES_INPUTS,
    method=(
        "Area-weighted means of the two regions, over the complete years or seasons, months weighed with their "
        "lengths; that of the first less that of the second. The 95 % interval is of the mean of the yearly "
        "differences, with their lag-1 autocorrelation regarded."
    ),
    references=(
        "Zwiers, F. W., and H. von Storch, 1995: Taking serial correlation into account. J. Climate, 8, 336–351.",
    ),
    compute=compute,
    plot=lines("first", "second"),
    checks=(FINITE, BRACKETED, again("the mean of the differences is the difference of the means", _of_differences)),
)
