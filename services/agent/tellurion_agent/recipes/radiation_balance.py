"""How much energy does the Earth gain at the top of the atmosphere?"""

from __future__ import annotations

import xarray as xr

from tellurion_agent.diagnostics.samples import mean_interval
from tellurion_agent.diagnostics.times import season_means
from tellurion_agent.recipes.asked import PERIOD, REGION, SEASON, WHICH_DATA
from tellurion_agent.recipes.checking import BRACKETED, FINITE, again
from tellurion_agent.recipes.figures import lines
from tellurion_agent.recipes.recipe import Input, Inputs, NoAnswer, Outcome, Recipe, Slots
from tellurion_agent.recipes.selection import Notes, averaged, part
from tellurion_agent.recipes.wording import as_value, headline, outcome, place, span, written
from tellurion_agent.slots import Kind, Slot

TERMS = {
    "incoming": "toa_incoming_shortwave_flux",
    "reflected": "toa_outgoing_shortwave_flux",
    "emitted": "toa_outgoing_longwave_flux",
}


QUANTITIES = ("net radiation", "planetary albedo")


def imbalance(inputs: Inputs, slots: Slots, notes: Notes, suffix: str = "") -> xr.DataArray:
    """Net downward flux [time]: incoming less reflected less emitted, or as the data have it."""
    if f"net{suffix}" in inputs:
        return averaged(part(inputs[f"net{suffix}"], slots, notes), notes)
    roles = [f"{role}{suffix}" for role in TERMS]
    if lacking := [role for role in roles if role not in inputs]:
        raise NoAnswer(f"the imbalance lacks the {', '.join(lacking)} radiation")
    down, up, emitted = xr.align(*(averaged(part(inputs[role], slots, notes), notes) for role in roles), join="inner")
    return (down - up - emitted).assign_attrs(units="W m-2", long_name="net downward radiation")


def compute(inputs: Inputs, slots: Slots) -> Outcome:
    """The mean imbalance, and the albedo where it can be had."""
    notes: Notes = []
    yearly = season_means(imbalance(inputs, slots, notes), slots["season"].months).dropna("year")
    where = f"{place(slots.get('region'))}, {span(yearly)}"
    net = as_value(f"net downward radiation at the top of the atmosphere, {where}", *_interval(yearly))
    values, data = {QUANTITIES[0]: net}, {}
    if {"incoming", "reflected"} <= set(inputs):
        parts = [averaged(part(inputs[role], slots, notes), notes) for role in ("incoming", "reflected")]
        down, up = (float(season_means(p, slots["season"].months).mean()) for p in parts)
        values[QUANTITIES[1]] = as_value(f"planetary albedo, {where}", up / down, "1")
        means = xr.DataArray([up, down], coords={"flux": ["reflected", "incoming"]}, dims="flux")
        data["sunlight"] = written(means, "sunlight at the top of the atmosphere", "W m-2")
    return outcome(
        f"Radiation balance, {where}",
        headline(slots.get("quantity") or QUANTITIES[0], values),
        notes,
        imbalance=written(yearly, "net downward radiation", "W m-2"),
        **data,
    )


def _again(data: xr.Dataset, slots: Slots) -> float:
    if slots.get("quantity") == QUANTITIES[1]:
        return float(data.sunlight[0] / data.sunlight[1])
    return float(data.imbalance.mean())


def _interval(yearly: xr.DataArray) -> tuple[float, str, float, float]:
    mean, low, high = mean_interval(yearly.values)
    return mean, "W m-2", low, high


RECIPE = Recipe(
    name="radiation_balance",
    title="Energy imbalance at the top of the atmosphere",
    phrases=(
        "Earth's energy imbalance",
        "net radiation at the top of the atmosphere",
        "TOA radiative imbalance of the model",
        "is the piControl run in radiative balance",
        "planetary albedo",
        "albedo of the Earth as seen from space",
        "reflected over incoming sunlight at the top of the atmosphere",
        "incoming solar minus outgoing longwave and reflected shortwave",
        "how many watts per square metre does the planet gain",
        "radiation budget of the tropics at the top of atmosphere",
    ),
    slots=(
        REGION,
        PERIOD,
        SEASON,
        Slot("quantity", Kind.CHOICE, "The balance or the albedo?", default=QUANTITIES[0], choices=QUANTITIES),
        *WHICH_DATA,
    ),
    inputs=(
        *(Input(role, (name,), needs=("time",), optional=True) for role, name in TERMS.items()),
        Input("net", ("toa_net_downward_radiative_flux",), needs=("time",), optional=True),
    ),
    method="Area-weighted mean of incoming less reflected shortwave less outgoing longwave radiation; means of "
    "complete years.",
    references=(
        "Loeb, N. G., et al., 2021: Satellite and ocean data reveal marked increase in Earth's heating rate. "
        "Geophys. Res. Lett., 48, e2021GL093047.",
    ),
    compute=compute,
    plot=lines("imbalance"),
    checks=(FINITE, BRACKETED, again("means of years or of sunlight give it again", _again)),
)
