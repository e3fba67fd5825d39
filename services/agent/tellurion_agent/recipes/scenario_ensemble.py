"""How much do many models change in a scenario?"""

from __future__ import annotations

import numpy as np
import xarray as xr

from tellurion_agent.recipes.asked import (
    BASE,
    EXPERIMENT,
    LEVEL,
    PERIOD,
    REGION,
    SEASON,
    SOURCES,
    VARIABLE,
    of,
    quantity,
)
from tellurion_agent.recipes.checking import FINITE, again
from tellurion_agent.recipes.figures import bars
from tellurion_agent.recipes.recipe import Input, Inputs, NoAnswer, Outcome, Recipe, Slots
from tellurion_agent.recipes.scenario_change import change_of
from tellurion_agent.recipes.selection import Notes, several
from tellurion_agent.recipes.wording import as_value, asked_first, name_of, outcome, written

QUANTITIES = ("multi-model mean", "each", "spread")


def compute(inputs: Inputs, slots: Slots) -> Outcome:
    """Mean and spread of the models' changes, each model counting once, and each one's."""
    notes: Notes = []
    changes: dict[str, float] = {}
    for label, scenario in several(inputs, "scenario").items():
        own: Notes = []
        run = {"scenario": scenario, "historical": inputs[f"historical:{label}"]}
        try:
            found = change_of(run, slots, own)
        except NoAnswer as reason:
            notes.append(f"{label} is left out: {reason}.")
            continue
        changes[label] = found.value
        notes += [f"{label}: {note}" for note in own if not note.startswith(("Base period", "Period"))]
    if len(changes) < 2:
        raise NoAnswer(f"fewer than two models hold what is asked for: {' '.join(notes)}")
    numbers = np.array(list(changes.values()))
    what = f"change of {name_of(scenario)}, {found.period}, relative to {found.base}"
    values = {
        QUANTITIES[0]: [as_value(f"mean of {len(changes)} models, {what}", numbers.mean(), found.units)],
        "spread": [
            as_value("standard deviation between the models", numbers.std(ddof=1), found.units),
            as_value("largest less smallest", np.ptp(numbers), found.units),
        ],
        "each": [as_value(label, changes[label], found.units) for label in sorted(changes, key=lambda x: -changes[x])],
    }
    bar = xr.DataArray(numbers, coords={"data_set": list(changes)}, dims="data_set")
    title = f"{what[0].upper()}{what[1:]}, in {len(changes)} models"
    return outcome(
        title,
        asked_first(values, slots.get("quantity") or QUANTITIES[0]),
        notes,
        change=written(bar, what, found.units),
    )


def _from_changes(data: xr.Dataset, slots: Slots) -> float:
    match slots.get("quantity"):
        case "each":
            return float(data.change.max())
        case "spread":
            return float(data.change.std(ddof=1))
    return float(data.change.mean())


RECIPE = Recipe(
    name="scenario_ensemble",
    title="Change in a scenario across models",
    phrases=(
        "What is the multi-model mean warming by 2081-2100 under SSP5-8.5?",
        "averaged over all models, how much does global temperature increase in the scenario",
        "ensemble mean projected precipitation change in ssp245",
        "global warming under SSP5-8.5 for each model, list them",
        "spread of the models' projected warming at the end of the century",
        "multimodel mean temperature change ssp585 2071-2100 vs 1985-2014",
        "range of projections across the CMIP6 models for the Mediterranean",
        "how much do several models warm under a high-emission scenario",
    ),
    slots=(
        VARIABLE,
        REGION,
        LEVEL,
        PERIOD,
        BASE,
        SEASON,
        of("scenario", EXPERIMENT, "Which scenario?", required=True),
        SOURCES,
        quantity("The models' mean, each one's change, or their spread?", QUANTITIES),
    ),
    inputs=(
        Input("scenario", (), needs=("time",), many=True),
        Input("historical", (), needs=("time",), experiment="historical", many=True),
    ),
    method=(
        "For each model the area-weighted yearly or seasonal means of the historical run followed by the scenario; "
        "mean of the period less that of the base. Mean and standard deviation of these, every model counting once."
    ),
    references=(
        "Lee, J.-Y., et al., 2021: Future global climate. IPCC AR6 WG1, chapter 4. Cambridge University Press.",
    ),
    compute=compute,
    plot=bars("change"),
    checks=(FINITE, again("the changes give the same answer", _from_changes)),
)
