"""What do the members of an ensemble say together?"""

from __future__ import annotations

import numpy as np
import xarray as xr

from tellurion_agent.diagnostics.times import season_means
from tellurion_agent.recipes.asked import LEVEL, PERIOD, REGION, SEASON, VARIABLE, WHICH_DATA
from tellurion_agent.recipes.checking import FINITE, among
from tellurion_agent.recipes.figures import lines
from tellurion_agent.recipes.recipe import Check, Input, Inputs, NoAnswer, Outcome, Recipe, Slots
from tellurion_agent.recipes.selection import Notes, averaged, part, several
from tellurion_agent.recipes.wording import as_value, difference_units, outcome, subject, units_of, written


def members(inputs: Inputs, slots: Slots, notes: Notes) -> xr.DataArray:
    """[member, year] means of the members that hold the region and season; those that do not are named in the notes."""
    found = {}
    for label, field in several(inputs, "fields").items():
        own: Notes = []
        try:
            found[label] = season_means(averaged(part(field, slots, own), own), slots["season"].months)
        except NoAnswer as reason:
            notes.append(f"{label} is left out: {reason}.")
        notes += [f"{label}: {note}" for note in own]
    if len(found) < 2:
        raise NoAnswer(f"fewer than two members hold what is asked for: {' '.join(notes)}")
    stacked = xr.concat(found.values(), dim=xr.Variable("member", list(found)), join="inner", combine_attrs="override")
    if not stacked.sizes["year"]:
        raise NoAnswer("the members have no year in common")
    return stacked


def compute(inputs: Inputs, slots: Slots) -> Outcome:
    """Ensemble mean over the years, the spread between members, and both year by year."""
    notes: Notes = []
    each = members(inputs, slots, notes)
    units, n = units_of(each), each.sizes["member"]
    mean, spread = each.mean("member"), each.std("member", ddof=1)
    of_member = each.mean("year")
    what = subject(each.isel(member=0), slots)
    low, high = (mean - spread, mean + spread)
    return outcome(
        f"Ensemble of {n} members: {what}",
        [
            as_value(f"mean of {n} members, {what}", mean.mean(), units, of_member.min(), of_member.max()),
            as_value(
                "spread: mean standard deviation between members in a year", spread.mean(), difference_units(units)
            ),
            as_value("standard deviation between the members' means", of_member.std(ddof=1), difference_units(units)),
        ],
        [*notes, "The interval of the mean is from the lowest to the highest member."],
        mean=written(mean, "ensemble mean", units),
        lower=written(low, "mean less one standard deviation", units),
        upper=written(high, "mean and one standard deviation", units),
        members=written(each, "members", units),
    )


def _within_members(outcome: Outcome, inputs: Inputs, slots: Slots) -> bool:
    data = outcome.data
    slack = 1e-9 * float(np.abs(data.members).max())
    return bool(
        (
            (data["mean"] >= data.members.min("member") - slack) & (data["mean"] <= data.members.max("member") + slack)
        ).all()
    )


RECIPE = Recipe(
    name="ensemble_spread",
    title="Ensemble mean and spread",
    phrases=(
        "Ensemble mean and spread of global temperature",
        "how much do the ensemble members differ in rainfall over Europe",
        "plot the ensemble mean sea surface temperature with its standard deviation",
        "spread across realizations of the large ensemble",
        "internal variability estimated from the members",
        "mean over all ensemble members of the seasonal forecast",
        "uncertainty range of the ensemble for Arctic temperature",
        "average the realisations r1 to r10",
    ),
    slots=(VARIABLE, REGION, LEVEL, PERIOD, SEASON, *WHICH_DATA),
    inputs=(Input("fields", (), needs=("time",), many=True),),
    method=(
        "Area mean of each member and year; mean and standard deviation (n − 1) between members in each year "
        "that all have, "
        "averaged over the years."
    ),
    references=(
        "Deser, C., et al., 2020: Insights from Earth system model initial-condition large ensembles. Nat. Clim. "
        "Change, 10, 277–286.",
    ),
    compute=compute,
    plot=lines("mean", "lower", "upper"),
    checks=(FINITE, Check("the ensemble mean lies among the members in every year", _within_members), among("members")),
)
