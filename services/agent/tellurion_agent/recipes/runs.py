"""Yearly global means of the runs that a response is made of."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import xarray as xr

from tellurion_agent.diagnostics.climate_response import control_drift
from tellurion_agent.diagnostics.times import season_means
from tellurion_agent.recipes.asked import TEMPERATURE
from tellurion_agent.recipes.each import Compute, of_each
from tellurion_agent.recipes.radiation_balance import TERMS
from tellurion_agent.recipes.recipe import Check, Input, Inputs, NoAnswer, Outcome, Slots
from tellurion_agent.recipes.selection import Notes, averaged, part
from tellurion_agent.recipes.wording import as_value, outcome, written

WHOLE: Slots = {}


def temperature_inputs(experiment: str) -> tuple[Input, ...]:
    """Near-surface temperature of an experiment and of the control run."""
    return (
        Input("warming", TEMPERATURE, needs=("time",), experiment=experiment),
        Input("control", TEMPERATURE, needs=("time",), experiment="piControl"),
    )


def radiation_inputs(experiment: str) -> tuple[Input, ...]:
    """Radiation at the top of the atmosphere of an experiment and of the control run, as its terms or as the net."""
    runs = (("", experiment), ("_control", "piControl"))
    terms = {**TERMS, "net": "toa_net_downward_radiative_flux"}
    return tuple(
        Input(f"{role}{suffix}", (name,), needs=("time",), experiment=run, optional=True)
        for role, name in terms.items()
        for suffix, run in runs
    )


def yearly_mean(inputs: Inputs, role: str, notes: Notes) -> xr.DataArray:
    """[year] area means of a role, over all that the data cover, gaps left out."""
    if role not in inputs:
        raise NoAnswer(f"the data of {role.replace('_', ' ')} are missing")
    yearly = season_means(averaged(part(inputs[role], WHOLE, notes), notes)).dropna("year")
    if not yearly.size:
        raise NoAnswer(f"{role.replace('_', ' ')} has no complete year")
    return yearly


def above_control(run: xr.DataArray, control: xr.DataArray, notes: Notes) -> xr.DataArray:
    """A run less the control's linear fit, year by year."""
    years = run.year.values
    parallel = control.year.values[0] <= years[0] and control.year.values[-1] >= years[-1]
    notes.append(
        "The control's linear fit is taken off, at "
        + (
            "the same years."
            if parallel
            else "years counted from each run's first, as its years do not hold the run's."
        )
    )
    drift = control_drift(control, years)
    return run.copy(data=run.values - np.asarray(drift))


def each_model(inputs: Inputs, compute: Compute, what: str) -> Outcome:
    """A response of each model that has the runs, the largest first, with their mean; why others have none.

    Raises NoAnswer where no model has them.
    """
    notes: Notes = []
    answers = of_each(inputs, compute, {}, notes)
    found = {model: replace(value, label=f"{what} of {model}") for model, value in answers.items()}
    if not found:
        raise NoAnswer(f"no model has the runs: {' '.join(notes)}")
    ranked = sorted(found.values(), key=lambda value: -float(value.value))
    values = [float(value.value) for value in ranked]
    names = [value.label.removeprefix(f"{what} of ") for value in ranked]
    along = xr.DataArray(values, coords={"model": names}, dims="model")
    ranked.append(as_value(f"mean of {len(values)} models", np.mean(values), "K"))
    if len(values) > 1:
        ranked.append(as_value("standard deviation between models", np.std(values, ddof=1), "K"))
    return outcome(f"{what[0].upper()}{what[1:]} of models", ranked, notes, response=written(along, what, "K"))


def _ranked(outcome: Outcome, inputs: Inputs, slots: Slots) -> bool:
    values = [float(value.value) for value in outcome.values[: outcome.data.sizes["model"]]]
    return np.allclose(values, outcome.data.response) and values == sorted(values, reverse=True)


RANKED = Check("the models are in the order of their responses", _ranked)
