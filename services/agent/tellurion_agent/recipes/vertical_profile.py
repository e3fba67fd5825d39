"""How does a variable depend on depth or height?"""

from __future__ import annotations

import numpy as np

from tellurion_agent.diagnostics.times import climate_mean
from tellurion_agent.recipes.asked import LAND_FRACTION, PERIOD, REGION, SEASON, VARIABLE, WHICH_DATA
from tellurion_agent.recipes.checking import FINITE, among
from tellurion_agent.recipes.figures import profile
from tellurion_agent.recipes.recipe import Input, Inputs, NoAnswer, Outcome, Recipe, Slots
from tellurion_agent.recipes.selection import Notes, averaged, within, years
from tellurion_agent.recipes.wording import as_value, name_of, outcome, subject, units_of, written


def compute(inputs: Inputs, slots: Slots) -> Outcome:
    """The mean profile, its ends, and where it changes most."""
    notes: Notes = []
    months = slots["season"].months
    field = years(inputs["field"], slots.get("period"), notes, months)
    field = within(field, slots.get("region"), notes, inputs.get("land_fraction"))
    means = averaged(field, notes)
    mean = climate_mean(means, months) if "time" in means.dims else means
    mean = mean.dropna("level")
    if mean.sizes["level"] < 2:
        raise NoAnswer(f"{name_of(field)} has values at {mean.sizes['level']} level: that is no profile")
    z, units, level_units = mean.level.values, units_of(field), mean.level.attrs.get("units", "m")
    steepest = int(np.argmax(np.abs(np.diff(mean.values) / np.diff(z))))
    what = subject(field, slots)
    gradient = (mean.values[steepest + 1] - mean.values[steepest]) / (z[steepest + 1] - z[steepest])
    between = f"between {z[steepest]:g} and {z[steepest + 1]:g} {level_units}"
    return outcome(
        f"Vertical profile of {what}",
        [
            as_value(f"at {z[0]:g} {level_units}, {what}", mean[0], units),
            as_value(f"at {z[-1]:g} {level_units}", mean[-1], units),
            as_value(f"steepest gradient, {between}", gradient, f"{units} {level_units}-1"),
        ],
        notes,
        profile=written(mean, f"mean {name_of(field)}", units),
    )


RECIPE = Recipe(
    name="vertical_profile",
    title="Vertical profile",
    phrases=(
        "Vertical profile of ocean temperature in the North Atlantic",
        "how does salinity change with depth in the Mediterranean",
        "mean temperature profile of the atmosphere over the tropics",
        "plot temperature against pressure over Europe",
        "depth profile of potential temperature averaged over the Southern Ocean",
        "average sounding of specific humidity",
        "where is the thermocline in the equatorial Pacific; show the profile",
        "temperature as a function of depth, global ocean",
    ),
    slots=(VARIABLE, REGION, PERIOD, SEASON, *WHICH_DATA),
    inputs=(Input("field", (), needs=("level",)), LAND_FRACTION),
    method=(
        "At each level the mean over the cells of the region that have values there, weighed with their areas, "
        "and over "
        "the complete years or seasons. Deep levels so stand for fewer places than the surface."
    ),
    references=("Talley, L. D., et al., 2011: Descriptive Physical Oceanography, 6th ed., chapter 4. Academic Press.",),
    compute=compute,
    plot=profile("profile"),
    checks=(FINITE, among("profile"), among("profile", which=1)),
)
