"""How much heat does the ocean carry northward?"""

from __future__ import annotations

import numpy as np
import xarray as xr

from tellurion_agent.diagnostics.cells import areas
from tellurion_agent.diagnostics.ocean import heat_transport, implied_transport
from tellurion_agent.diagnostics.times import climate_mean
from tellurion_agent.recipes.asked import ANNUAL, OCEAN_TEMPERATURE, PERIOD, WHICH_DATA
from tellurion_agent.recipes.checking import FINITE, among
from tellurion_agent.recipes.figures import lines
from tellurion_agent.recipes.recipe import Input, Inputs, NoAnswer, Outcome, Recipe, Slots
from tellurion_agent.recipes.selection import Notes, years
from tellurion_agent.recipes.wording import as_value, outcome, span, written


def compute(inputs: Inputs, slots: Slots) -> Outcome:
    """The transport over latitude, its largest northward and southward values."""
    notes: Notes = []
    transport, covered = _transport(inputs, slots, notes)
    there = transport.dropna("lat")
    if there.size < 2:
        raise NoAnswer("the section has no values")
    top, bottom = there[int(np.argmax(there.values))], there[int(np.argmin(there.values))]
    what = f"ocean heat transport, {covered}"
    return outcome(
        f"Northward {what}",
        [
            as_value(f"largest northward {what}, at {float(top.lat):.4g}°N", top, "PW"),
            as_value(f"largest southward, at {float(bottom.lat):.4g}°N", bottom, "PW"),
            as_value("at the row nearest to the equator", there[int(np.argmin(np.abs(there.lat.values)))], "PW"),
        ],
        notes,
        transport=written(transport, "northward ocean heat transport", "PW"),
    )


def _transport(inputs: Inputs, slots: Slots, notes: Notes) -> tuple[xr.DataArray, str]:
    def chosen(role: str) -> xr.DataArray:
        return years(inputs[role], slots.get("period"), notes)

    if "given" in inputs:
        field = chosen("given")
        return climate_mean(field, ANNUAL.months).compute(), span(field)
    if {"velocity", "temperature"} <= set(inputs):
        v, t = xr.align(chosen("velocity"), chosen("temperature"), join="inner")
        if not v.size:
            raise NoAnswer("velocity and temperature share no cells or times")
        notes.append(
            "From products of mean values; eddies within a step, and a net flow through sections, are not in it."
        )
        return climate_mean(heat_transport(v, t).compute(), ANNUAL.months), span(v)
    if "flux" in inputs:
        field = chosen("flux")
        if float(np.ptp(field.lat.values)) < 120:
            raise NoAnswer("the surface flux must cover the globe for a transport to follow from it")
        notes.append("Implied by the surface heat flux of a steady ocean; the global mean flux is taken off.")
        return implied_transport(climate_mean(field, ANNUAL.months).compute(), areas(field)), span(field)
    raise NoAnswer("neither the transport, nor velocity and temperature, nor the surface heat flux were found")


RECIPE = Recipe(
    name="heat_transport",
    title="Meridional ocean heat transport",
    phrases=(
        "Meridional heat transport of the ocean",
        "northward ocean heat transport as a function of latitude",
        "how many petawatts does the ocean carry poleward",
        "heat transport implied by surface fluxes",
        "maximum poleward heat transport in the Northern Hemisphere ocean",
        "ocean heat transport across the equator",
        "compute heat transport from velocity and temperature",
        "poleward energy transport by ocean currents",
    ),
    slots=(PERIOD, *WHICH_DATA),
    inputs=(
        Input("given", ("northward_ocean_heat_transport",), needs=("time", "lat"), optional=True),
        Input("velocity", ("sea_water_y_velocity",), needs=("time", "level", "lat", "lon"), optional=True),
        Input("temperature", OCEAN_TEMPERATURE, needs=("time", "level", "lat", "lon"), optional=True),
        Input("flux", ("surface_downward_heat_flux_in_sea_water",), needs=("time", "lat", "lon"), optional=True),
    ),
    method=(
        "The model's own transport; else ρ cp ∫∫ v (θ − ⟨θ⟩) dx dz over each whole parallel; else the transport "
        "that the "
        "surface heat flux implies, summed from the north pole."
    ),
    references=(
        "Trenberth, K. E., and J. M. Caron, 2001: Estimates of meridional atmosphere and ocean heat transports. "
        "J. Climate, 14, 3433–3443.",
    ),
    compute=compute,
    plot=lines("transport"),
    checks=(FINITE, among("transport"), among("transport", which=1)),
)
