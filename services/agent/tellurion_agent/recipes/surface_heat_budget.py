"""How much heat goes through the surface, and by which way?"""

from __future__ import annotations

import xarray as xr

from tellurion_agent.diagnostics.times import climate_mean, monthly_climatology, monthly_means
from tellurion_agent.recipes.asked import LAND_FRACTION, PERIOD, REGION, SEASON, WHICH_DATA
from tellurion_agent.recipes.checking import FINITE, again
from tellurion_agent.recipes.figures import bars
from tellurion_agent.recipes.recipe import Check, Input, Inputs, NoAnswer, Outcome, Recipe, Slots
from tellurion_agent.recipes.selection import Notes, averaged, part
from tellurion_agent.recipes.wording import as_value, outcome, place, units_of, written

TERMS = {
    "shortwave": ("surface_net_downward_shortwave_flux", 1.0),
    "shortwave_down": ("surface_downwelling_shortwave_flux_in_air", 1.0),
    "shortwave_up": ("surface_upwelling_shortwave_flux_in_air", -1.0),
    "longwave": ("surface_net_downward_longwave_flux", 1.0),
    "longwave_down": ("surface_downwelling_longwave_flux_in_air", 1.0),
    "longwave_up": ("surface_upwelling_longwave_flux_in_air", -1.0),
    "sensible": ("surface_upward_sensible_heat_flux", -1.0),
    "latent": ("surface_upward_latent_heat_flux", -1.0),
}
"""Role: standard name, and the sign with which it warms the surface."""


def compute(inputs: Inputs, slots: Slots) -> Outcome:
    """The net flux and its terms, downward positive, and what the ocean's own flux says."""
    notes: Notes = []
    months = slots["season"].months
    means, cycles = {}, {}
    for role, (_, sign) in TERMS.items():
        if role in inputs:
            series = averaged(part(inputs[role], slots, notes, fraction=inputs.get("land_fraction")), notes)
            if units_of(series) != "W m-2":
                raise NoAnswer(f"{role.replace('_', ' ')} is in {units_of(series)}, not in W m-2")
            means[role] = sign * float(climate_mean(series, months))
            cycles[role] = sign * monthly_climatology(monthly_means(series))
    terms: dict[str, tuple[float, xr.DataArray]] = {}
    for kind in ("shortwave", "longwave", "sensible", "latent"):
        down, up = f"{kind}_down", f"{kind}_up"
        if kind in means:
            terms[kind] = means[kind], cycles[kind]
        elif {down, up} <= set(means):
            terms[kind] = means[down] + means[up], cycles[down] + cycles[up]
    lacking = [kind for kind in ("shortwave", "longwave", "sensible", "latent") if kind not in terms]
    where = place(slots.get("region"))
    into = None
    if "into_ocean" in inputs:
        own = averaged(part(inputs["into_ocean"], slots, notes), notes)
        into = float(climate_mean(own, months)), monthly_climatology(monthly_means(own))
    if lacking:
        if into is None:
            raise NoAnswer(f"the budget lacks the {', '.join(lacking)} heat flux")
        notes.append(f"The net flux is the data's own: they lack the {', '.join(lacking)} heat flux.")
        terms = {"all": into}
    net = sum(mean for mean, _ in terms.values())
    values = [as_value(f"net downward surface heat flux, {where}", net, "W m-2")]
    if not lacking:
        values += [as_value(f"net downward {kind} heat flux", mean, "W m-2") for kind, (mean, _) in terms.items()]
    if into is not None and not lacking:
        values.append(as_value("heat flux into the ocean as the data have it", into[0], "W m-2"))
        values.append(as_value("residual: the sum less that", net - into[0], "W m-2"))
    bar = xr.DataArray([*(m for m, _ in terms.values()), net], coords={"term": [*terms, "net"]}, dims="term")
    cycle = xr.concat([c for _, c in terms.values()], dim="term").sum("term")
    return outcome(
        f"Surface heat budget, {where}",
        values,
        [*notes, "Fluxes are positive downward."],
        flux=written(bar, "downward heat flux", "W m-2"),
        cycle=written(cycle, "net downward heat flux", "W m-2"),
    )


def _closes(outcome: Outcome, inputs: Inputs, slots: Slots) -> bool:
    flux = outcome.data.flux
    return abs(float(flux[:-1].sum() - flux.sel(term="net"))) < 1e-6


RECIPE = Recipe(
    name="surface_heat_budget",
    title="Surface heat budget",
    phrases=(
        "Surface heat budget of the tropical Pacific",
        "net surface heat flux into the ocean",
        "sum of shortwave, longwave, latent and sensible heat flux",
        "heat budget at the sea surface over the North Atlantic",
        "which flux cools the Mediterranean most",
        "surface energy balance of the Sahara",
        "net surface heat flux of the ocean, hfds",
        "how much latent heat does the ocean lose compared with radiation",
    ),
    slots=(REGION, PERIOD, SEASON, *WHICH_DATA),
    inputs=(
        *(Input(role, (name,), needs=("time",), optional=True) for role, (name, _) in TERMS.items()),
        Input("into_ocean", ("surface_downward_heat_flux_in_sea_water",), needs=("time",), optional=True),
        LAND_FRACTION,
    ),
    method=(
        "Area-weighted means of net shortwave and longwave radiation, less the upward sensible and latent heat "
        "fluxes; net "
        "radiation is down less up where it is not given."
    ),
    references=(
        "Josey, S. A., et al., 1999: New insights into the ocean heat budget closure problem. J. Climate, 12, "
        "2856–2880.",
    ),
    compute=compute,
    plot=bars("flux"),
    checks=(
        FINITE,
        again("it is the sum of the terms", lambda data, slots: float(data.flux[:-1].sum())),
        Check("the terms sum to the net flux", _closes),
    ),
)
