"""How deep lies the thermocline?"""

from __future__ import annotations

import xarray as xr

from tellurion_agent.diagnostics.averages import area_mean
from tellurion_agent.diagnostics.levels import isotherm_depth
from tellurion_agent.diagnostics.times import climate_mean
from tellurion_agent.recipes.asked import OCEAN_TEMPERATURE, PERIOD, REGION, SEASON, WHICH_DATA, of
from tellurion_agent.recipes.checking import FINITE, again
from tellurion_agent.recipes.figures import map_of
from tellurion_agent.recipes.recipe import Input, Inputs, NoAnswer, Outcome, Recipe, Slots
from tellurion_agent.recipes.selection import Notes, masked, within, years
from tellurion_agent.recipes.wording import as_value, outcome, place, span, written
from tellurion_agent.slots import Kind, Region, Slot


def compute(inputs: Inputs, slots: Slots) -> Outcome:
    """Mean depth of an isotherm over the region, less that over another where one is named; the map."""
    notes: Notes = []
    months, isotherm = slots["season"].months, float(slots.get("isotherm") or 20.0)
    field = years(inputs["temperature"], slots.get("period"), notes, months)
    depths = [_depth(field, slots.get(name), months, isotherm, notes) for name in ("region", "base_region")]
    depth, mean = depths[0]
    what = f"depth of the {isotherm:g} °C isotherm"
    where = ", ".join(filter(None, (place(slots.get("region")), span(field, months))))
    values = [as_value(f"mean {what}, {where}", mean, "m")]
    if slots.get("base_region") is not None:
        other = depths[1][1]
        values = [
            as_value(f"{what}, {where}, less that of {place(slots['base_region'])}", mean - other, "m"),
            values[0],
            as_value(f"mean {what}, {place(slots['base_region'])}", other, "m"),
        ]
    missing = 1 - float((depth.area * depth.notnull()).sum() / depth.area.where(depth.water, 0.0).sum())
    if missing > 0.005:
        notes.append(f"In {100 * missing:.0f} % of the water the isotherm is not met: it is all warmer or colder.")
    means = xr.DataArray([m for _, m in depths], coords={"box": ["region", "base_region"]}, dims="box")
    return outcome(
        f"Depth of the {isotherm:g} °C isotherm, {where}",
        values,
        notes,
        depth=written(depth.drop_vars("water"), what, "m"),
        means=written(means, f"mean {what}", "m"),
    )


def _depth(
    field: xr.DataArray, region: Region | None, months: tuple[int, ...], isotherm: float, notes: Notes
) -> tuple[xr.DataArray, float]:
    inside = within(field, region, notes)
    mean = climate_mean(inside, months) if "time" in inside.dims else inside
    mean = masked(mean.assign_coords(area=inside.area)).compute()
    depth = isotherm_depth(mean, isotherm).assign_coords(water=mean.notnull().any("level"))
    if not depth.notnull().any():
        raise NoAnswer(f"nowhere in {place(region)} does the water reach {isotherm:g} °C at a depth within the levels")
    return depth, float(area_mean(depth, depth.area)[0])


def _difference(data: xr.Dataset, slots: Slots) -> float:
    mean, other = data.means.values
    return float(mean - (other if slots.get("base_region") is not None else 0.0))


RECIPE = Recipe(
    name="thermocline_depth",
    title="Depth of the thermocline",
    phrases=(
        "Depth of the 20 °C isotherm in the equatorial Pacific",
        "thermocline depth of the tropical Atlantic",
        "mean depth of the thermocline taken as the 20 degree isotherm",
        "D20 of the eastern Pacific",
        "Z20 climatology of the model",
        "at which depth lies the 20C isotherm",
        "how deep is the 20 degree isotherm on average",
        "how much deeper is the isotherm in the west than in the east",
        "tilt of the thermocline: D20 of 160E-180 minus D20 of 120W-90W",
        "where is the thermocline",
    ),
    slots=(
        REGION,
        of("base", REGION, "Compared with which region?"),
        PERIOD,
        SEASON,
        Slot("isotherm", Kind.NUMBER, "Which isotherm, in °C?", default=20.0),
        *WHICH_DATA,
    ),
    inputs=(Input("temperature", OCEAN_TEMPERATURE, needs=("level", "lat", "lon")),),
    method=(
        "In every cell the depth at which the mean temperature of the complete years falls through the isotherm, "
        "linear between levels, from the surface down; its area-weighted mean over the cells that have one."
    ),
    references=(
        "Meinen, C. S., and M. J. McPhaden, 2000: Observations of warm water volume changes in the equatorial Pacific "
        "and their relationship to El Niño and La Niña. J. Climate, 13, 3551–3559.",
    ),
    compute=compute,
    plot=map_of("depth"),
    checks=(FINITE, again("it is the mean of the map, or the difference of two", _difference)),
)
