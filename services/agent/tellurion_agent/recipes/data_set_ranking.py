"""Which data set is nearest to a reference?"""

from __future__ import annotations

import numpy as np
import xarray as xr

from tellurion_agent.recipes.asked import LEVEL, PERIOD, REGION, SEASON, SOURCE, SOURCES, VARIABLE, of, quantity
from tellurion_agent.recipes.checking import FINITE
from tellurion_agent.recipes.data_set_difference import compared
from tellurion_agent.recipes.figures import bars
from tellurion_agent.recipes.recipe import Check, Input, Inputs, NoAnswer, Outcome, Recipe, Slots
from tellurion_agent.recipes.selection import Notes, several
from tellurion_agent.recipes.wording import as_value, difference_units, outcome, subject, units_of, written
from tellurion_agent.slots import Kind, Slot

ENDS = ("nearest", "farthest")
QUANTITIES = ("root-mean-square error", "bias", "pattern correlation")


def compute(inputs: Inputs, slots: Slots) -> Outcome:
    """The name of the nearest data set, and each one's measure, the nearest first."""
    notes: Notes = []
    asked, reference = slots.get("quantity") or QUANTITIES[0], inputs["reference"]
    measures: dict[str, float] = {}
    for label, field in several(inputs, "fields").items():
        if _is_same(field, reference):
            continue  # where all data sets are compared, it is among them
        own: Notes = []
        try:
            _, found, _ = compared(field, reference, slots, own)
        except NoAnswer as reason:
            notes.append(f"{label} is left out: {reason}.")
            continue
        notes += [f"{label}: {note}" for note in own]
        measures[label] = {QUANTITIES[0]: found.rmse, QUANTITIES[1]: found.bias, QUANTITIES[2]: found.correlation}[
            asked
        ]
    measures = {label: value for label, value in measures.items() if np.isfinite(value)}
    if len(measures) < 2:
        raise NoAnswer(f"fewer than two data sets can be compared with the reference: {' '.join(notes)}")
    ranked = sorted(measures, key=lambda label: _distance(asked, measures[label]))
    units = "1" if asked == QUANTITIES[2] else difference_units(units_of(reference))
    what = subject(reference.isel(time=0, drop=True), slots)
    wanted = slots.get("which") or ENDS[0]
    first = ranked[0] if wanted == ENDS[0] else ranked[-1]
    values = [
        as_value(f"{wanted} {'to' if wanted == ENDS[0] else 'from'} the reference by {asked}, {what}", first, "1")
    ]
    values += [as_value(f"{label}: {asked}", measures[label], units) for label in ranked]
    bar = xr.DataArray([measures[label] for label in ranked], coords={"data_set": ranked}, dims="data_set")
    return outcome(f"{asked.capitalize()} of {what}", values, notes, measure=written(bar, asked, units))


def _is_same(field: xr.DataArray, reference: xr.DataArray) -> bool:
    """Whether both are one data set, whatever it was called in the request."""
    return all(field.attrs.get(of) == reference.attrs.get(of) for of in ("source", "experiment", "member"))


def _distance(asked: str, value: float) -> float:
    return -value if asked == QUANTITIES[2] else abs(value)


def _ordered(outcome: Outcome, inputs: Inputs, slots: Slots) -> bool:
    asked = slots.get("quantity") or QUANTITIES[0]
    away = [_distance(asked, float(value)) for value in outcome.data.measure.values]
    end = 0 if (slots.get("which") or ENDS[0]) == ENDS[0] else -1
    return away == sorted(away) and outcome.values[0].value == str(outcome.data.data_set.values[end])


RECIPE = Recipe(
    name="data_set_ranking",
    title="Ranking of data sets against a reference",
    phrases=(
        "Which of these models has the smallest RMSE against ERA5?",
        "rank the models by their root mean square error with respect to the observations",
        "which model is closest to the reanalysis",
        "which of CESM2, CanESM5 and MIROC6 agrees best with HadISST",
        "order several models by the bias of their mean temperature against ERA5",
        "best model by pattern correlation with the observed precipitation",
        "evaluate several models against a reference and say which is best",
        "model with the lowest error compared with the observations",
        "which model has the smallest RMSE: CESM2, CanESM5 or MIROC6, against ERA5",
        "of CESM2, CanESM5 and MIROC6, which one reproduces ERA5 best",
        "compare CESM2, CanESM5 and MIROC6 to ERA5 by their error and name the best and the worst",
    ),
    slots=(
        VARIABLE,
        REGION,
        LEVEL,
        PERIOD,
        SEASON,
        SOURCES,
        of("reference", SOURCE, "Against which data set?", required=True),
        Slot("which", Kind.CHOICE, "The nearest or the farthest?", default=ENDS[0], choices=ENDS),
        quantity("By the root-mean-square error, the bias, or the pattern correlation?", QUANTITIES),
    ),
    inputs=(
        Input("fields", (), needs=("time", "lat", "lon"), many=True),
        Input("reference", (), needs=("time", "lat", "lon")),
    ),
    method=(
        "For each data set and the reference the mean maps over the years that both have, the finer brought to the "
        "coarser grid by area-conserving means; area-weighted root-mean-square difference, mean difference or centred "
        "pattern correlation over the common cells. The nearest is that of the smallest error or absolute bias, or of "
        "the largest correlation."
    ),
    references=(
        "Taylor, K. E., 2001: Summarizing multiple aspects of model performance. J. Geophys. Res., 106, 7183–7192.",
        "Gleckler, P. J., et al., 2008: Performance metrics for climate models. J. Geophys. Res., 113, D06104.",
    ),
    compute=compute,
    plot=bars("measure"),
    checks=(FINITE, Check("they are in the order of their distance", _ordered)),
)
