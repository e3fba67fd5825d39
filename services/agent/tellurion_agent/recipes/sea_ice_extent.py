"""How far does the sea ice reach?"""

from __future__ import annotations

import numpy as np

from tellurion_agent.diagnostics.sea_ice import MILLION_KM2, extent, ice_area
from tellurion_agent.diagnostics.times import climate_mean, season_means
from tellurion_agent.diagnostics.trends import FEWEST, least_squares
from tellurion_agent.recipes.asked import PERIOD, SEASON, WHICH_DATA
from tellurion_agent.recipes.checking import BRACKETED, FINITE, among
from tellurion_agent.recipes.figures import lines
from tellurion_agent.recipes.recipe import Check, Input, Inputs, NoAnswer, Outcome, Recipe, Slots
from tellurion_agent.recipes.selection import Notes, within, years
from tellurion_agent.recipes.wording import as_value, outcome, span, units_of, written
from tellurion_agent.regions import named
from tellurion_agent.slots import Kind, Slot

HEMISPHERES = {"northern": "Northern Hemisphere", "southern": "Southern Hemisphere"}


def compute(inputs: Inputs, slots: Slots) -> Outcome:
    """Mean extent and area of a hemisphere's ice in a season, and the trend of the extent."""
    notes: Notes = []
    side, season = slots.get("hemisphere") or "northern", slots["season"]
    field = years(inputs["ice"], slots.get("period"), notes, season.months)
    field = within(field, named(HEMISPHERES[side]), notes)
    share = field / (100.0 if units_of(field) == "%" else 1.0)
    monthly = {"extent": extent(share, field.area), "area": ice_area(share, field.area)}
    there = field.notnull().any(("lat", "lon")).compute()
    if not there.any():
        raise NoAnswer("the sea ice concentration has no values there")
    monthly = {name: series.compute().where(there) for name, series in monthly.items()}
    means = {name: float(climate_mean(series, season.months)) for name, series in monthly.items()}
    where = f"{HEMISPHERES[side]}, {season.name}, {span(field)}"
    values = [as_value(f"sea ice {name}, {where}", means[name], "1e6 km2") for name in monthly]
    data = {name: written(series, f"sea ice {name}", "1e6 km2") for name, series in monthly.items()}
    if np.unique(field.time.dt.year).size > FEWEST:
        yearly = season_means(monthly["extent"], season.months)
        trend = least_squares(yearly.year.values.astype(float), yearly.values)
        slope, low, high = (10 * v for v in (trend.slope, trend.low, trend.high))
        values.append(as_value("linear trend of the extent", slope, "1e6 km2 decade-1", low, high))
        smallest = yearly[int(np.nanargmin(yearly.values))]
        values.append(as_value(f"smallest extent of a year, in {int(smallest.year)}", smallest, "1e6 km2"))
    return outcome(f"Sea ice, {where}", values, [*notes, "Extent: area of cells with at least 15 % of ice."], **data)


def _no_less(outcome: Outcome, inputs: Inputs, slots: Slots) -> bool:
    hemisphere = 2 * np.pi * 6.371e6**2 / MILLION_KM2
    # Ice of less than 15 % counts to the area alone.
    return bool(
        (outcome.data.extent <= hemisphere).all()
        and (outcome.data.area <= outcome.data.extent + 0.15 * hemisphere).all()
    )


RECIPE = Recipe(
    name="sea_ice_extent",
    title="Sea ice extent and area",
    phrases=(
        "Arctic sea ice extent in September",
        "how large is the Antarctic sea ice area in winter",
        "trend of September Arctic sea ice",
        "sea ice extent with the 15 percent threshold",
        "mean March sea ice extent in the Northern Hemisphere",
        "when was the smallest Arctic sea ice extent",
        "area covered by sea ice around Antarctica",
        "time series of sea ice extent",
        "is Arctic sea ice declining",
    ),
    slots=(
        Slot(
            "hemisphere",
            Kind.CHOICE,
            "The northern or the southern hemisphere?",
            default="northern",
            choices=("northern", "southern"),
        ),
        SEASON,
        PERIOD,
        *WHICH_DATA,
    ),
    inputs=(Input("ice", ("sea_ice_area_fraction",), needs=("time", "lat", "lon")),),
    method=(
        "Extent: sum of the areas of the cells with a concentration of at least 15 %. Area: sum of concentration "
        "times cell "
        "area. Means of the season, months weighed with their lengths."
    ),
    references=(
        "Cavalieri, D. J., et al., 1999: Deriving long-term time series of sea ice cover. J. Geophys. Res., 104, "
        "15803–15814.",
    ),
    compute=compute,
    plot=lines("extent", "area"),
    checks=(FINITE, BRACKETED, among("extent"), Check("extent and area are possible on a hemisphere", _no_less)),
)
