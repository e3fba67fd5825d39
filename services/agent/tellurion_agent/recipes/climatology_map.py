"""Where is a variable large and where small, on average?"""

from __future__ import annotations

import numpy as np
import xarray as xr

from tellurion_agent.diagnostics.averages import area_mean
from tellurion_agent.diagnostics.times import climate_mean
from tellurion_agent.recipes.asked import FIELD, MAP_INPUTS
from tellurion_agent.recipes.checking import FINITE, again, among
from tellurion_agent.recipes.figures import map_of
from tellurion_agent.recipes.recipe import Inputs, NoAnswer, Outcome, Recipe, Slots
from tellurion_agent.recipes.selection import Notes, masked, part
from tellurion_agent.recipes.wording import as_value, name_of, outcome, subject, units_of, written


def compute(inputs: Inputs, slots: Slots) -> Outcome:
    """The mean map, its area mean, and where it is largest and smallest."""
    notes: Notes = []
    field = part(inputs["field"], slots, notes, fraction=inputs.get("land_fraction"))
    mean = masked(climate_mean(field, slots["season"].months)).compute()
    if not mean.notnull().any():
        raise NoAnswer(f"{name_of(field)} has no values there")
    units, what = units_of(field), subject(field, slots)
    average, _ = area_mean(mean, field.area)
    places = {}
    for word, at in (("largest", np.nanargmax(mean.values)), ("smallest", np.nanargmin(mean.values))):
        y, x = np.unravel_index(int(at), mean.shape)
        places[word] = f"{mean.lat.values[y]:.4g}°N, {mean.lon.values[x] % 360:.4g}°E", float(mean.values[y, x])
    values = [as_value(f"area mean of the mean map of {what}", average, units)]
    values += [
        as_value(f"{word} value of the map, at {place}", value, units) for word, (place, value) in places.items()
    ]
    return outcome(
        f"Mean {what}",
        values,
        notes,
        climatology=written(mean, f"mean {name_of(field)}", units),
        cell_area=written(mean.area, "area of the cell that counts", "m2"),
    )


def _weighted(data: xr.Dataset, slots: Slots) -> float:
    there = data.climatology.notnull().values
    return float(np.average(data.climatology.values[there], weights=data.cell_area.values[there]))


RECIPE = Recipe(
    name="climatology_map",
    title="Map of the mean of a period or season",
    phrases=(
        "Map of the mean sea surface temperature 1991-2020",
        "show a climatology map of annual precipitation",
        "plot the DJF mean sea level pressure over the North Atlantic",
        "where is the ocean saltiest on average",
        "draw a map of mean winter temperature over Europe",
        "spatial distribution of summer rainfall in Asia",
        "climatological map of zonal wind at 200 hPa",
        "geographical pattern of average sea ice concentration in March",
        "JJA mean map of cloud cover",
    ),
    slots=FIELD,
    inputs=MAP_INPUTS,
    method=(
        "In every cell the mean over the complete years or seasons, of the calendar months' means weighed with their "
        "lengths in the data's calendar, missing values left out."
    ),
    references=("WMO, 2017: Guidelines on the Calculation of Climate Normals. WMO-No. 1203.",),
    compute=compute,
    plot=map_of("climatology"),
    akin="area_mean",
    checks=(FINITE, among("climatology"), again("the cells and their areas give the same mean", _weighted)),
)
