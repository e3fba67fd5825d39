"""How far does the sea ice reach?"""

from __future__ import annotations

import numpy as np
import xarray as xr

from tellurion_agent.diagnostics.sea_ice import MILLION_KM2, extent, ice_area
from tellurion_agent.diagnostics.times import climate_mean, season_means
from tellurion_agent.diagnostics.trends import FEWEST, least_squares
from tellurion_agent.recipes.asked import EARLIER, PERIOD, SEASON, WHICH_DATA
from tellurion_agent.recipes.checking import BRACKETED, FINITE, again
from tellurion_agent.recipes.figures import lines
from tellurion_agent.recipes.recipe import Check, Input, Inputs, NoAnswer, Outcome, Recipe, Slots
from tellurion_agent.recipes.selection import Notes, within, years
from tellurion_agent.recipes.wording import as_value, headline, outcome, span, units_of, written
from tellurion_agent.regions import named
from tellurion_agent.slots import Kind, Period, Season, Slot

MEASURES = ("extent", "area")
STATISTICS = ("mean value", "trend per decade", "smallest of the years")
CHANGE = "change"
HEMISPHERES = {"northern": "Northern Hemisphere", "southern": "Southern Hemisphere"}


def compute(inputs: Inputs, slots: Slots) -> Outcome:
    """Mean extent and area of a hemisphere's ice in a season, and the trend of the extent."""
    notes: Notes = []
    side, season = slots.get("hemisphere") or "northern", slots["season"]
    measure, statistic = slots.get("measure") or MEASURES[0], slots.get("statistic") or STATISTICS[0]
    monthly = _monthly(inputs, side, slots.get("period"), season, notes)
    means = {name: float(climate_mean(monthly[name], season.months)) for name in MEASURES}
    where = f"{HEMISPHERES[side]}, {season.name}, {span(monthly[measure], season.months)}"
    values = {name: as_value(f"sea ice {name}, {where}", means[name], "1e6 km2") for name in MEASURES}
    values = {STATISTICS[0]: values.pop(measure)} | values
    data = {name: written(monthly[name], f"sea ice {name}", "1e6 km2") for name in MEASURES}
    if np.unique(monthly[measure].time.dt.year).size > FEWEST:
        yearly = season_means(monthly[measure], season.months)
        trend = least_squares(yearly.year.values.astype(float), yearly.values)
        slope, low, high = (10 * v for v in (trend.slope, trend.low, trend.high))
        values[STATISTICS[1]] = as_value(
            f"linear trend of the sea ice {measure}, {where}", slope, "1e6 km2 decade-1", low, high
        )
        smallest = yearly[int(np.nanargmin(yearly.values))]
        values[STATISTICS[2]] = as_value(f"smallest {measure} of a year, in {int(smallest.year)}", smallest, "1e6 km2")
        data["yearly"] = written(yearly, f"sea ice {measure} of the season", "1e6 km2")
    if (base := slots.get("base")) is not None:
        earlier = climate_mean(_monthly(inputs, side, base, season, notes)[measure], season.months)
        change = f"change of the sea ice {measure}, {where}, relative to {base.first}–{base.last}"
        values = {CHANGE: as_value(change, means[measure] - float(earlier), "1e6 km2")} | values
        data["base"] = written(xr.DataArray(float(earlier)), f"sea ice {measure} of the base period", "1e6 km2")
        statistic = CHANGE
    notes.append("Extent: area of cells with at least 15 % of ice.")
    return outcome(f"Sea ice, {where}", headline(statistic, values), notes, **data)


def _monthly(inputs: Inputs, side: str, period: Period | None, season: Season, notes: Notes) -> dict[str, xr.DataArray]:
    """Extent and area [time] in 10⁶ km²."""
    field = within(years(inputs["ice"], period, notes, season.months), named(HEMISPHERES[side]), notes)
    share = field / (100.0 if units_of(field) == "%" else 1.0)
    there = field.notnull().any(("lat", "lon")).compute()
    if not there.any():
        raise NoAnswer("the sea ice concentration has no values there")
    found = {"extent": extent(share, field.area), "area": ice_area(share, field.area)}
    return {name: series.compute().where(there) for name, series in found.items()}


def _again(data: xr.Dataset, slots: Slots) -> float:
    measure, statistic = slots.get("measure") or MEASURES[0], slots.get("statistic") or STATISTICS[0]
    months = slots["season"].months
    if "base" in data:
        return float(climate_mean(data[measure], months) - data.base)
    if statistic == STATISTICS[0]:
        return float(climate_mean(data[measure], months))
    yearly = data.yearly.dropna("year")
    x = yearly.year - yearly.year.mean()
    return float(yearly.min() if statistic == STATISTICS[2] else 10 * (x * yearly).sum() / (x**2).sum())


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
        "mean September SIE of the Antarctic",
        "how quickly does the Arctic ice extent shrink per decade",
        "change of sea ice extent between 1981-1990 and 2011-2020",
        "by how much is the ice extent of 2010-2019 smaller than that of 1979-1988",
        "sea ice area in million km2, not extent",
    ),
    slots=(
        Slot(
            "hemisphere",
            Kind.CHOICE,
            "The northern or the southern hemisphere?",
            default="northern",
            choices=("northern", "southern"),
        ),
        Slot("measure", Kind.CHOICE, "The extent or the area?", default=MEASURES[0], choices=MEASURES),
        Slot(
            "statistic", Kind.CHOICE, "The mean, the trend or the minimum?", default=STATISTICS[0], choices=STATISTICS
        ),
        SEASON,
        PERIOD,
        EARLIER,
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
    checks=(
        FINITE,
        BRACKETED,
        again("the kept series give it again", _again),
        Check("extent and area are possible on a hemisphere", _no_less),
    ),
)
