"""Which forcing drives the observed change most?"""

from __future__ import annotations

import xarray as xr

from tellurion_agent.recipes.attribution import INPUTS, NAMES, SLOTS, factors, regressed
from tellurion_agent.recipes.checking import FINITE, again
from tellurion_agent.recipes.figures import bars
from tellurion_agent.recipes.recipe import Inputs, Outcome, Recipe, Slots
from tellurion_agent.recipes.selection import Notes
from tellurion_agent.recipes.wording import as_value, outcome


def compute(inputs: Inputs, slots: Slots) -> Outcome:
    """The forcing with the largest attributed trend, and the trends of all."""
    notes: Notes = []
    found = regressed(inputs, slots, notes)
    units = f"{found.units} decade-1"
    trends = {role: found.attributed(role) for role in found.roles}
    main = max(trends, key=lambda role: abs(trends[role]))
    values = [as_value(f"main driver of the change of {found.what}", NAMES[main], "1")]
    values += [as_value(f"trend attributed to {NAMES[role]}", trend, units) for role, trend in trends.items()]
    values.append(as_value("observed trend", found.trends["observed"], units))
    if not found.scalings[main].detected:
        notes.append(f"The response to {NAMES[main]} is not detected: its factor may be 0.")
    return outcome(f"Drivers of the change of {found.what}", values, notes, **factors(found))


def _largest(data: xr.Dataset, slots: Slots) -> str:
    return str(data.forcing.values[int(abs(data.attributed).argmax())])


RECIPE = Recipe(
    name="main_driver",
    title="Main driver of a change",
    phrases=(
        "Which forcing is the main driver of the observed warming?",
        "main contributor to the warming: greenhouse gases, aerosols or natural forcing",
        "what has caused most of the warming since 1901",
        "dominant forcing of the temperature change over Europe",
        "largest driver of the observed trend",
        "is the warming caused by greenhouse gases, aerosols or natural forcing",
        "which of GHG, aerosol and natural contributes most to the trend",
        "principal cause of the observed temperature rise",
    ),
    slots=tuple(slot for slot in SLOTS if slot.name not in ("forcing", "measure")),
    inputs=INPUTS,
    method=(
        "Ordinary least squares of yearly area means on the responses simulated with each forcing alone, means over "
        "the models that have all of them; the forcing whose scaled response has the largest trend."
    ),
    references=(
        "Allen, M. R., and S. F. B. Tett, 1999: Checking for model consistency in optimal fingerprinting. Clim. "
        "Dyn., 15, 419–434.",
    ),
    compute=compute,
    plot=bars("attributed"),
    checks=(FINITE, again("no forcing has a larger attributed trend", _largest)),
)
