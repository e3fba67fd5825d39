"""How much do two scenarios of a model differ?"""

from __future__ import annotations

import xarray as xr

from tellurion_agent.diagnostics.times import season_means
from tellurion_agent.recipes.asked import (
    EXPERIMENT,
    LAND_FRACTION,
    LEVEL,
    PERIOD,
    REGION,
    SEASON,
    SOURCE,
    VARIABLE,
    of,
)
from tellurion_agent.recipes.checking import FINITE, again
from tellurion_agent.recipes.figures import lines
from tellurion_agent.recipes.recipe import Input, Inputs, NoAnswer, Outcome, Recipe, Slots
from tellurion_agent.recipes.selection import Notes, mean_series
from tellurion_agent.recipes.wording import as_value, difference_units, outcome, subject, units_of, written
from tellurion_agent.slots import Period

ROLES = ("first", "second")


def compute(inputs: Inputs, slots: Slots) -> Outcome:
    """Mean of the first scenario less that of the second, over the same years."""
    notes: Notes = []
    names = [str(slots[f"{role}_experiment"]) for role in ROLES]
    if names[0].casefold() == names[1].casefold():
        raise NoAnswer(f"both scenarios are {names[0]}")
    season = slots["season"]
    series = [mean_series(inputs, role, slots, notes) for role in ROLES]
    yearly = [season_means(each, season.months).dropna("year") for each in series]
    first, second = xr.align(*yearly, join="inner")
    if not first.size:
        raise NoAnswer("the scenarios have no years in common")
    if slots.get("period") is None:
        last = Period(max(int(first.year[-1]) - 19, int(first.year[0])), int(first.year[-1]))
        first, second = (each.sel(year=slice(last.first, last.last)) for each in (first, second))
        notes.append(f"Period: {last.first}–{last.last}, the last twenty years, as none was named.")
    units, what = units_of(series[0]), subject(first.assign_attrs(series[0].attrs), slots)
    values = [
        as_value(f"{' less '.join(names)}: {what}", float((first - second).mean()), difference_units(units)),
        *(as_value(f"mean in {name}", each.mean(), units) for name, each in zip(names, (first, second), strict=True)),
    ]
    return outcome(
        f"{' less '.join(names)}: {what}",
        values,
        notes,
        first=written(first, names[0], units),
        second=written(second, names[1], units),
    )


def _of_means(data: xr.Dataset, slots: Slots) -> float:
    return float(data.first.mean() - data.second.mean())


RECIPE = Recipe(
    name="scenario_difference",
    title="Difference between two scenarios",
    phrases=(
        "How much more does the model warm under SSP5-8.5 than under SSP2-4.5?",
        "global temperature 2071-2100, ssp585 minus ssp245",
        "difference in precipitation between two emission scenarios at the end of the century",
        "compare the warming of rcp85 with that of rcp26",
        "avoided warming in the low scenario relative to the high scenario",
        "ssp370 versus ssp126 sea surface temperature in 2081-2100",
        "how far apart are two scenarios by 2100",
        "how much warmer is it in 2071-2100 under one scenario than under the other",
        "ssp585 compared with ssp245: by how much is the Arctic warmer",
    ),
    slots=(
        VARIABLE,
        REGION,
        LEVEL,
        PERIOD,
        SEASON,
        SOURCE,
        of("first", EXPERIMENT, "Which scenario?", required=True),
        of("second", EXPERIMENT, "Less which scenario?", required=True),
    ),
    inputs=(Input("first", (), needs=("time",)), Input("second", (), needs=("time",)), LAND_FRACTION),
    method=(
        "Area-weighted yearly or seasonal means of both scenarios of one model; mean over the same years of the first "
        "less that of the second."
    ),
    references=(
        "Lee, J.-Y., et al., 2021: Future global climate. IPCC AR6 WG1, chapter 4. Cambridge University Press.",
    ),
    compute=compute,
    plot=lines("first", "second"),
    checks=(FINITE, again("the difference is that of the means", _of_means)),
)
