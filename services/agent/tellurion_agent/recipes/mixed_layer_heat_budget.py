"""What warms and cools the upper ocean?"""

from __future__ import annotations

import numpy as np
import xarray as xr

from tellurion_agent.diagnostics.advection import meridional, vertical, zonal
from tellurion_agent.diagnostics.levels import layer_mean
from tellurion_agent.diagnostics.ocean import DENSITY, HEAT_CAPACITY
from tellurion_agent.diagnostics.times import climate_mean
from tellurion_agent.recipes.asked import LEVEL, OCEAN_TEMPERATURE, PERIOD, REGION, SEASON, WHICH_DATA
from tellurion_agent.recipes.checking import FINITE, again
from tellurion_agent.recipes.figures import bars
from tellurion_agent.recipes.recipe import Input, Inputs, NoAnswer, Outcome, Recipe, Slots
from tellurion_agent.recipes.selection import Notes, averaged, within, years
from tellurion_agent.recipes.wording import as_value, headline, outcome, place, span, written
from tellurion_agent.slots import Kind, Level, Slot

MIXED = Level(0.0, 50.0, "m")
MONTH = 365.2425 / 12 * 86400
"""Seconds."""
ADVECTION = {
    "zonal advection": ("zonal", zonal),
    "meridional advection": ("meridional", meridional),
    "vertical advection": ("vertical", vertical),
}
SURFACE = "surface heat flux"
TERMS = (*ADVECTION, SURFACE)


def compute(inputs: Inputs, slots: Slots) -> Outcome:
    """Mean rates of warming of a layer by the currents and through the surface, of those that the data have."""
    notes: Notes = []
    months, layer = slots["season"].months, slots.get("level") or MIXED
    if layer.units != "m":
        raise NoAnswer(f"a layer of the ocean is in m, not in {layer.units}")
    upper, lower = (0.0, layer.lower) if layer.upper == layer.lower else (layer.upper, layer.lower)

    def area(field: xr.DataArray) -> xr.DataArray:
        return averaged(within(field, slots.get("region"), notes), notes)

    temperature = years(inputs["temperature"], slots.get("period"), notes, months)
    rates: dict[str, float] = {}
    for name, (role, advection) in ADVECTION.items():
        if role in inputs:
            velocity = years(inputs[role], slots.get("period"), notes, months)
            both = xr.align(velocity, temperature, join="inner")
            if any(size != temperature.sizes[d] for d, size in both[0].sizes.items() if d != "time"):
                raise NoAnswer(f"temperature and {role} velocity are on different grids")
            rate = layer_mean(advection(*both), upper, lower).assign_attrs(long_name=name)
            rates[name] = MONTH * float(climate_mean(area(rate), months))
    if "flux" in inputs:
        flux = years(inputs["flux"], slots.get("period"), notes, months)
        into = float(climate_mean(area(flux), months))
        rates[SURFACE] = MONTH * into / (DENSITY * HEAT_CAPACITY * (lower - upper))
        notes.append("All of the surface heat flux is taken to stay in the layer.")
    if not rates:
        raise NoAnswer("neither currents nor the surface heat flux were found")
    where = f"{place(slots.get('region'))}, {span(temperature, months)}"
    what = f"{upper:g}–{lower:g} m, {where}"
    values = {name: as_value(f"warming by {name}, {what}", rate, "K month-1") for name, rate in rates.items()}
    asked = slots.get("term")
    if asked is None:
        total = as_value(f"sum of the terms of the heat budget, {what}", sum(rates.values()), "K month-1")
        ordered = [total, *values.values()]
    else:
        ordered = headline(asked, values)
    array = xr.DataArray(list(rates.values()), coords={"term": list(rates)}, dims="term")
    notes.append(f"ρ = {DENSITY:g} kg m-3, cp = {HEAT_CAPACITY:.2f} J kg-1 K-1; products of monthly means.")
    return outcome(f"Heat budget, {what}", ordered, notes, rate=written(array, "warming", "K month-1"))


def _of_the_term(data: xr.Dataset, slots: Slots) -> float:
    asked = slots.get("term")
    return float(np.sum(data.rate) if asked is None else data.rate.sel(term=asked))


RECIPE = Recipe(
    name="mixed_layer_heat_budget",
    title="Heat budget of the upper ocean",
    phrases=(
        "Mixed-layer heat budget of the equatorial Pacific",
        "zonal advection of heat -u dT/dx in the upper 50 m",
        "meridional heat advection -v dT/dy of the layer",
        "vertical advection term -w dT/dz in the heat budget, K per month",
        "how much does upwelling cool the upper ocean",
        "how much does zonal advection warm the top 50 m",
        "surface flux term hfds/(rho cp h) of the mixed layer",
        "what warming rate does the surface heat flux give for a layer of 50 m",
        "terms of the temperature tendency of the upper ocean",
        "heat budget: advection by the currents and surface heating",
    ),
    slots=(
        REGION,
        Slot(LEVEL.name, LEVEL.kind, "Which layer?", default=MIXED),
        PERIOD,
        SEASON,
        Slot("term", Kind.CHOICE, "Which term of the budget?", choices=TERMS),
        *WHICH_DATA,
    ),
    inputs=(
        Input("temperature", OCEAN_TEMPERATURE, needs=("time", "level", "lat", "lon")),
        Input("zonal", ("sea_water_x_velocity",), needs=("time", "level", "lat", "lon"), optional=True),
        Input("meridional", ("sea_water_y_velocity",), needs=("time", "level", "lat", "lon"), optional=True),
        Input("vertical", ("upward_sea_water_velocity",), needs=("time", "level", "lat", "lon"), optional=True),
        Input("flux", ("surface_downward_heat_flux_in_sea_water",), needs=("time", "lat", "lon"), optional=True),
    ),
    method=(
        "In every cell −u ∂T/∂x, −v ∂T/∂y and −w ∂T/∂z of monthly means by central differences, averaged over the "
        "layer with the levels' thicknesses; the surface heat flux over ρ cp h. Area-weighted means of complete years."
    ),
    references=(
        "Stevenson, J. W., and P. P. Niiler, 1983: Upper ocean heat budget during the Hawaii-to-Tahiti Shuttle "
        "Experiment. J. Phys. Oceanogr., 13, 1894–1907.",
    ),
    compute=compute,
    plot=bars("rate"),
    checks=(FINITE, again("it is the term that was asked for, or the sum of all", _of_the_term)),
)
