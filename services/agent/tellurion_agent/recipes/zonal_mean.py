"""How does a variable depend on latitude?"""

from __future__ import annotations

import numpy as np

from tellurion_agent.diagnostics.averages import zonal_mean
from tellurion_agent.diagnostics.times import climate_mean
from tellurion_agent.recipes.asked import FIELD, MAP_INPUTS
from tellurion_agent.recipes.checking import FINITE, among
from tellurion_agent.recipes.figures import lines
from tellurion_agent.recipes.recipe import Inputs, NoAnswer, Outcome, Recipe, Slots
from tellurion_agent.recipes.selection import Notes, part
from tellurion_agent.recipes.wording import as_value, asked_first, name_of, outcome, subject, units_of, written
from tellurion_agent.slots import Kind, Slot

STATISTICS = ("mean", "maximum", "minimum", "latitude of the maximum", "latitude of the minimum")


def compute(inputs: Inputs, slots: Slots) -> Outcome:
    """The profile over latitude, its extremes, and its values at some latitudes."""
    notes: Notes = []
    field = part(inputs["field"], slots, notes, fraction=inputs.get("land_fraction"))
    profile = zonal_mean(climate_mean(field, slots["season"].months), field.area).compute()
    there = profile.dropna("lat")
    if not there.size:
        raise NoAnswer(f"{name_of(field)} has no values there")
    units, what = units_of(field), subject(field, slots)
    top, bottom = there[int(np.argmax(there.values))], there[int(np.argmin(there.values))]
    rows = field.area.sum("lon").sel(lat=there.lat)
    values = {
        "mean": [as_value(f"mean of the zonal mean, {what}", there.weighted(rows).mean(), units)],
        "maximum": [as_value(f"maximum of the zonal mean, at {float(top.lat):.4g}°N, {what}", top, units)],
        "latitude of the maximum": [as_value("latitude of the maximum", top.lat, "degrees_north")],
        "minimum": [as_value(f"minimum of the zonal mean, at {float(bottom.lat):.4g}°N", bottom, units)],
        "latitude of the minimum": [as_value("latitude of the minimum", bottom.lat, "degrees_north")],
    }
    asked = slots.get("statistic") or ("mean" if slots.get("region") else "maximum")
    return outcome(
        f"Zonal mean of {what}",
        asked_first(values, asked),
        notes,
        profile=written(profile, f"zonal mean {name_of(field)}", units),
    )


RECIPE = Recipe(
    name="zonal_mean",
    title="Zonal mean",
    phrases=(
        "Zonal mean temperature as a function of latitude",
        "plot the zonally averaged precipitation",
        "at which latitude is the zonal-mean zonal wind strongest",
        "meridional profile of sea surface temperature",
        "average around latitude circles of sea level pressure in DJF",
        "how does rainfall vary with latitude",
        "latitude of the maximum zonal mean rainfall",
        "zonal average of cloud cover for 2000-2010",
        "zonal-mean temperature between 40N and 50N",
        "zonally averaged precipitation for 20S-10S",
    ),
    slots=(
        *FIELD,
        Slot("statistic", Kind.CHOICE, "The mean, an extreme, or the latitude of one?", choices=STATISTICS),
    ),
    inputs=MAP_INPUTS,
    method="Mean over time as for a climatology, then along each parallel of the cells that have values.",
    references=("Peixoto, J. P., and A. H. Oort, 1992: Physics of Climate, chapter 4. AIP.",),
    compute=compute,
    plot=lines("profile"),
    checks=(FINITE, among("profile", label="maximum of"), among("profile", label="mean of")),
)
