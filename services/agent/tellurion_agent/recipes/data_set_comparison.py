"""How do many data sets compare?"""

from __future__ import annotations

import numpy as np
import xarray as xr

from tellurion_agent.diagnostics.times import climate_mean
from tellurion_agent.recipes.asked import LEVEL, PERIOD, REGION, SEASON, SOURCES, VARIABLE, quantity
from tellurion_agent.recipes.checking import FINITE, again
from tellurion_agent.recipes.figures import bars
from tellurion_agent.recipes.recipe import Input, Inputs, NoAnswer, Outcome, Recipe, Slots
from tellurion_agent.recipes.selection import Notes, averaged, part, several
from tellurion_agent.recipes.wording import (
    as_value,
    asked_first,
    difference_units,
    outcome,
    span,
    subject,
    units_of,
    written,
)

QUANTITIES = ("each", "multi-model mean", "spread", "highest", "lowest")


def compute(inputs: Inputs, slots: Slots) -> Outcome:
    """The mean of each data set, their mean, spread and range."""
    notes: Notes = []
    means, spans = {}, set()
    for label, field in several(inputs, "fields").items():
        own: Notes = []
        try:
            series = averaged(part(field, slots, own), own)
            means[label] = float(climate_mean(series, slots["season"].months))
        except NoAnswer as reason:
            notes.append(f"{label} is left out: {reason}.")
            continue
        spans.add(span(series))
        notes += [f"{label}: {note}" for note in own]
    if len(means) < 2:
        raise NoAnswer(f"fewer than two data sets hold what is asked for: {' '.join(notes)}")
    if len(spans) > 1:
        notes.append(f"The data sets cover different years: {', '.join(sorted(spans))}.")
    numbers = np.array(list(means.values()))
    units, what = units_of(series), subject(field.isel(time=0, drop=True), slots)
    asked, ranked = slots.get("quantity") or QUANTITIES[0], sorted(means, key=lambda label: -means[label])
    values = {
        QUANTITIES[1]: [as_value(f"mean of {len(means)} data sets, {what}", numbers.mean(), units)],
        "spread": [
            as_value("standard deviation between them", numbers.std(ddof=1), difference_units(units)),
            as_value("largest less smallest", np.ptp(numbers), difference_units(units)),
        ],
        "each": [as_value(label, means[label], units) for label in ranked],
    }
    extremes = {"highest": ranked[0], "lowest": ranked[-1]}
    if asked in extremes:
        values[asked] = [as_value(f"data set with the {asked} value of {what}", extremes[asked], "1")]
    bar = xr.DataArray(numbers, coords={"data_set": list(means)}, dims="data_set")
    return outcome(
        f"{what} in {len(means)} data sets", asked_first(values, asked), notes, mean=written(bar, what, units)
    )


def _from_means(data: xr.Dataset, slots: Slots) -> float | str:
    means = data["mean"]
    match slots.get("quantity"):
        case "multi-model mean":
            return float(means.mean())
        case "spread":
            return float(means.std(ddof=1))
        case "highest":
            return str(means.idxmax().values)
        case "lowest":
            return str(means.idxmin().values)
    return float(means.max())


RECIPE = Recipe(
    name="data_set_comparison",
    title="Comparison of many data sets",
    phrases=(
        "Compare global mean temperature across all data sets",
        "multi-model mean and spread of precipitation over India",
        "how do the available observations differ in mean sea surface temperature",
        "compare several reanalyses",
        "intercomparison of models for Arctic temperature",
        "which data set is the warmest over Europe",
        "spread among products of mean salinity in the North Atlantic",
        "range of the models' climatological rainfall",
        "compare different observational products",
        "mean precipitation of ERA5, GPCP and CMAP, one number for each",
        "give the average for every one of these data sets",
        "which of the observational products is the wettest",
        "highest mean temperature: CESM2, CanESM5 or MIROC6",
    ),
    slots=(
        VARIABLE,
        REGION,
        LEVEL,
        PERIOD,
        SEASON,
        SOURCES,
        quantity("Each one's mean, their mean, their spread, or which is highest or lowest?", QUANTITIES),
    ),
    inputs=(Input("fields", (), needs=("time",), many=True),),
    method=(
        "For each data set, on its own grid, the area-weighted mean over the region and the complete years or "
        "seasons; mean "
        "and standard deviation of these, every data set counting once."
    ),
    references=(
        "Flato, G., et al., 2013: Evaluation of climate models. IPCC AR5 WG1, chapter 9. Cambridge University Press.",
    ),
    compute=compute,
    plot=bars("mean"),
    checks=(FINITE, again("the means give the same answer", _from_means)),
)
