"""How much do clouds warm or cool the Earth?"""

from __future__ import annotations

import xarray as xr

from tellurion_agent.diagnostics.times import climate_mean
from tellurion_agent.recipes.asked import LAND_FRACTION, PERIOD, REGION, SEASON, WHICH_DATA
from tellurion_agent.recipes.checking import FINITE, again
from tellurion_agent.recipes.figures import bars
from tellurion_agent.recipes.recipe import Input, Inputs, NoAnswer, Outcome, Recipe, Slots
from tellurion_agent.recipes.selection import Notes, averaged, part
from tellurion_agent.recipes.wording import as_value, headline, outcome, place, span, written
from tellurion_agent.slots import Kind, Slot

COMPONENTS = ("net effect", "shortwave effect", "longwave effect")
OUTGOING = {"shortwave effect": "toa_outgoing_shortwave_flux", "longwave effect": "toa_outgoing_longwave_flux"}
CLEAR = "_assuming_clear_sky"


def compute(inputs: Inputs, slots: Slots) -> Outcome:
    """Clear-sky less all-sky outgoing radiation: of sunlight, of thermal radiation, and of both."""
    notes: Notes = []
    months = slots["season"].months
    found: dict[str, float] = {}
    for name in OUTGOING:
        roles = [f"{name.split()[0]}_{sky}" for sky in ("all", "clear")]
        if set(roles) <= set(inputs):
            fraction = inputs.get("land_fraction")
            series = (averaged(part(inputs[role], slots, notes, fraction=fraction), notes) for role in roles)
            all_sky, clear = xr.align(*series, join="inner")
            found[name] = float(climate_mean(clear - all_sky, months))
            years = span(all_sky, months)
    if not found:
        raise NoAnswer("outgoing radiation with and without clouds is needed")
    if len(found) == len(OUTGOING):
        found = {COMPONENTS[0]: sum(found.values())} | found
    where = f"{place(slots.get('region'))}, {years}"
    asked = slots.get("component") or COMPONENTS[0]
    values = {
        name: as_value(f"{name.split()[0]} cloud radiative effect at the top of the atmosphere, {where}", v, "W m-2")
        for name, v in found.items()
    }
    along = xr.DataArray(list(found.values()), coords={"component": list(found)}, dims="component")
    return outcome(
        f"Cloud radiative effect, {where}",
        headline(asked, values),
        [*notes, "Clear sky less all sky: positive where clouds warm."],
        effect=written(along, "cloud radiative effect", "W m-2"),
    )


def _of_the_component(data: xr.Dataset, slots: Slots) -> float:
    return float(data.effect.sel(component=slots.get("component") or COMPONENTS[0]))


RECIPE = Recipe(
    name="cloud_radiative_effect",
    title="Cloud radiative effect",
    phrases=(
        "Cloud radiative effect at the top of the atmosphere",
        "net CRE TOA of the model",
        "shortwave cloud radiative effect over the tropics",
        "longwave cloud forcing",
        "SWCRE and LWCRE from all-sky and clear-sky fluxes",
        "cloud radiative forcing SW+LW, global mean",
        "by how many watts per square metre do clouds change the energy budget",
        "how much do clouds cool the planet",
        "do clouds warm or cool the Arctic",
        "CRE from clear-sky and all-sky OLR",
    ),
    slots=(
        REGION,
        PERIOD,
        SEASON,
        Slot("component", Kind.CHOICE, "Net, shortwave or longwave?", default=COMPONENTS[0], choices=COMPONENTS),
        *WHICH_DATA,
    ),
    inputs=(
        *(
            Input(f"{name.split()[0]}_{sky}", (flux + suffix,), needs=("time",), optional=True)
            for name, flux in OUTGOING.items()
            for sky, suffix in (("all", ""), ("clear", CLEAR))
        ),
        LAND_FRACTION,
    ),
    method=(
        "Area-weighted mean of outgoing radiation at the top of the atmosphere under clear sky less that under all "
        "sky, shortwave and longwave; their sum is the net effect. Means of complete years or seasons."
    ),
    references=(
        "Ramanathan, V., et al., 1989: Cloud-radiative forcing and climate: results from the Earth Radiation Budget "
        "Experiment. Science, 243, 57–63.",
    ),
    compute=compute,
    plot=bars("effect"),
    checks=(FINITE, again("it is that of the component asked for", _of_the_component)),
)
