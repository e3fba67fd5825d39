"""How much heat does the ocean hold?"""

from __future__ import annotations

import xarray as xr

from tellurion_agent.diagnostics.cells import areas
from tellurion_agent.diagnostics.ocean import DENSITY, HEAT_CAPACITY, heat_content
from tellurion_agent.diagnostics.times import climate_mean
from tellurion_agent.recipes.asked import ANNUAL, EARLIER, LEVEL, OCEAN_TEMPERATURE, PERIOD, REGION, WHICH_DATA
from tellurion_agent.recipes.checking import FINITE
from tellurion_agent.recipes.figures import map_of
from tellurion_agent.recipes.recipe import Check, Input, Inputs, NoAnswer, Outcome, Recipe, Slots, Value
from tellurion_agent.recipes.selection import Notes, masked, within, years
from tellurion_agent.recipes.wording import as_value, outcome, place, span, written
from tellurion_agent.slots import Level, Slot

UPPER_700 = Level(0.0, 700.0, "m")
LAYER = Slot(LEVEL.name, LEVEL.kind, "Between which depths?", default=UPPER_700)
CONSTANTS = (
    f"ρ = {DENSITY:g} kg m-3 and cp = {HEAT_CAPACITY:.2f} J kg-1 K-1 are constants, the heat is relative to 0 °C."
)


def content(inputs: Inputs, slots: Slots, notes: Notes) -> tuple[xr.DataArray, str]:
    """Heat content [.., lat, lon] of the layer in the region and years asked for, lazily; and what it is."""
    layer: Level = slots.get("level") or UPPER_700
    if layer.units != "m":
        raise NoAnswer(f"a layer of the ocean is in m, not in {layer.units}")
    upper, lower = sorted((layer.upper, layer.lower))
    if upper == lower:
        upper = 0.0
        notes.append(f"One depth was named: taken is the layer from the surface to {lower:g} m.")
    field = within(years(inputs["temperature"], slots.get("period"), notes), slots.get("region"), notes)
    heat = heat_content(field, upper, lower).assign_coords(area=field.area)
    notes.append(CONSTANTS)
    where = place(slots.get("region"))
    return heat, f"ocean heat content, {upper:g}–{lower:g} m, {where}"


def total(heat: xr.DataArray) -> xr.DataArray:
    """Joules [...] of the whole region; NaN where no column has water, or less than half of those that have."""
    inside = heat.area > 0
    parts = xr.Dataset(
        {
            "sum": (heat * heat.area).sum(("lat", "lon")),
            "there": (heat.notnull() * heat.area).sum(("lat", "lon")),
            "ever": heat.notnull().any("time") if "time" in heat.dims else heat.notnull(),
        }
    ).compute()
    ever = float((parts.ever * heat.area).where(inside, 0.0).sum())
    if ever == 0:
        raise NoAnswer("there is no water with values in that layer and region")
    # Columns that are missing at one time hold the mean of the others.
    return parts["sum"] * ever / parts.there.where(parts.there >= ever / 2)


def compute(inputs: Inputs, slots: Slots) -> Outcome:
    """Joules in the region, the mean of a square metre, and the map."""
    notes: Notes = []
    heat, what = content(inputs, slots, notes)
    covered = span(heat)
    mean = _mean(heat)
    joules = float(total(mean))
    water = float(mean.area.where(mean.notnull(), 0.0).sum())
    what = f"{what}, {covered}" if covered else what
    values = [
        as_value(what, joules, "J"),
        as_value("mean of a square metre", joules / water, "J m-2"),
        as_value("area of the water", water, "m2"),
    ]
    data = {"heat": written(mean, "ocean heat content", "J m-2")}
    if (base := slots.get("base")) is not None:
        earlier = _mean(content(inputs, {**slots, "period": base}, notes)[0])
        gained = float(total(mean - earlier))
        values.insert(0, as_value(f"change of {what}, relative to {base.first}–{base.last}", gained, "J"))
        data["change"] = written(mean - earlier, "change of the ocean heat content", "J m-2")
    return outcome(f"{what[0].upper()}{what[1:]}", values, notes, **data)


def _mean(heat: xr.DataArray) -> xr.DataArray:
    """Mean over the years, computed, NaN outside the region."""
    mean = heat
    if "time" in heat.dims:
        mean = climate_mean(heat, ANNUAL.months) if heat.sizes["time"] > 1 else heat.isel(time=0, drop=True)
    inside: xr.DataArray = masked(mean.assign_coords(area=heat.area)).compute()
    return inside


def _absolute(outcome: Outcome, slots: Slots) -> tuple[Value, ...]:
    return outcome.values[-3:] if slots.get("base") is not None else outcome.values[:3]


def _sums_up(outcome: Outcome, inputs: Inputs, slots: Slots) -> bool:
    if slots.get("base") is None:
        return True
    gained = float((outcome.data.change * areas(outcome.data.change)).sum())
    return abs(gained - float(outcome.values[0].value)) <= 1e-6 * abs(gained)


def _mean_temperature(outcome: Outcome, inputs: Inputs, slots: Slots) -> bool:
    layer = slots.get("level") or UPPER_700
    upper, lower = sorted((layer.upper, layer.lower)) if layer.upper != layer.lower else (0.0, layer.upper)
    return -5.0 < float(_absolute(outcome, slots)[1].value) / (DENSITY * HEAT_CAPACITY * (lower - upper)) < 40.0


def _is_mean_times_area(outcome: Outcome, inputs: Inputs, slots: Slots) -> bool:
    total, mean, area = (float(v.value) for v in _absolute(outcome, slots))
    heat = outcome.data.heat
    return abs(total - mean * area) <= 1e-6 * abs(total) and float(heat.min()) <= mean * (1 + 1e-6)


RECIPE = Recipe(
    name="ocean_heat_content",
    title="Ocean heat content of a layer",
    phrases=(
        "Ocean heat content of the upper 700 m",
        "how much heat is stored in the top 2000 m of the global ocean",
        "OHC between 0 and 300 m in the North Atlantic",
        "heat stored in the upper ocean in joules",
        "map of ocean heat content 0-700 m",
        "integrated heat content of the layer from 700 to 2000 m",
        "upper ocean heat content of the tropical Pacific",
        "vertically integrated ocean temperature as heat content",
        "change of ocean heat content from 1971-1980 to 2011-2020, in ZJ",
        "OHC change 0-700 m, 2005-2014 minus 1985-1994",
        "by how many zettajoules did the upper 300 m gain heat between 1960-1979 and 1990-2009",
        "heat gain of the ocean, the later years versus the earlier",
        "mean OHC700 of the later years minus that of the earlier",
    ),
    slots=(REGION, LAYER, PERIOD, EARLIER, *WHICH_DATA),
    inputs=(Input("temperature", OCEAN_TEMPERATURE, needs=("level", "lat", "lon")),),
    method=(
        f"ρ cp ∫ θ dz over the layer, every level's cell (bounds midway between levels) clipped to the layer and "
        f"to the water "
        f"that has values, with ρ = {DENSITY:g} kg m⁻³ and cp = {HEAT_CAPACITY:.2f} J kg⁻¹ K⁻¹, relative to 0 "
        f"°C; summed over "
        "the cells with their areas."
    ),
    references=(
        "Levitus, S., et al., 2012: World ocean heat content and thermosteric sea level change. Geophys. Res. "
        "Lett., 39, L10603.",
        "IOC, SCOR and IAPSO, 2010: The international thermodynamic equation of seawater – 2010.",
    ),
    compute=compute,
    plot=map_of("heat"),
    checks=(
        FINITE,
        Check("the map of the change sums to it", _sums_up),
        Check("it is the mean of a square metre times the area", _is_mean_times_area),
        Check("the mean temperature that it implies is one of sea water", _mean_temperature),
    ),
)
