"""How far is one data set from another?"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import xarray as xr

from tellurion_agent.diagnostics.agreement import Agreement, agreement
from tellurion_agent.diagnostics.cells import areas
from tellurion_agent.diagnostics.regridding import coarser, onto
from tellurion_agent.diagnostics.times import climate_mean, complete, season_years
from tellurion_agent.recipes.asked import EXPERIMENT, LEVEL, PERIOD, REGION, SEASON, SOURCE, VARIABLE, of, quantity
from tellurion_agent.recipes.checking import FINITE, among, labelled
from tellurion_agent.recipes.figures import map_of
from tellurion_agent.recipes.recipe import Check, Input, Inputs, NoAnswer, Outcome, Recipe, Slots
from tellurion_agent.recipes.selection import Notes, masked, part
from tellurion_agent.recipes.wording import (
    as_value,
    asked_first,
    difference_units,
    name_of,
    outcome,
    subject,
    units_of,
    written,
)
from tellurion_agent.slots import Period

QUANTITIES = ("bias", "root-mean-square error", "pattern correlation")


def compared(
    first: xr.DataArray, second: xr.DataArray, slots: Slots, notes: Notes
) -> tuple[xr.DataArray, Agreement, list[xr.DataArray]]:
    """The difference of two mean maps on the coarser grid, their agreement, and the parts that they are the means of.

    Raises NoAnswer when they have no cells in common, or other units.
    """
    fields = [part(field, slots, notes) for field in (first, second)]
    if units_of(fields[0]) != units_of(fields[1]):
        raise NoAnswer(f"the data sets are in {units_of(fields[0])} and {units_of(fields[1])}")
    months = slots["season"].months
    fields = _of_common_years(fields, months, slots.get("period"), notes)
    means = [masked(climate_mean(field, months)).compute() for field in fields]
    target = coarser(*means)
    if any(m.sizes != target.sizes for m in means):
        size = f"{target.sizes['lat']} × {target.sizes['lon']}"
        notes.append(f"Compared on the coarser grid, {size} cells, by area-conserving means.")
    a, b = (onto(mean.drop_vars("area"), target) for mean in means)
    a = a.assign_coords(lat=b.lat, lon=b.lon)
    found = agreement(a, b, target.area if "area" in target.coords else areas(target))
    if not np.isfinite(found.bias) or found.share == 0:
        raise NoAnswer("the data sets have no cells in common")
    if found.share < 0.95:
        notes.append(f"{100 * found.share:.0f} % of the area that either covers is in both.")
    return a - b, found, fields


def _of_common_years(
    fields: list[xr.DataArray], months: Sequence[int], period: Period | None, notes: Notes
) -> list[xr.DataArray]:
    """The years or seasons that are whole in both; the fields as they are where those have no dates.

    Raises NoAnswer when they have none of a period in common.
    """
    years = [season_years(field.time, months) for field in fields]
    whole = [np.unique(y[complete(field.time, months)]) for y, field in zip(years, fields, strict=True)]
    common = np.intersect1d(*whole)
    if common.size and common[-1] > 1:  # of a climatology the year is 1
        if period is None or any(each.size > common.size for each in whole):
            notes.append(f"Compared are the years that both have, {common[0]}–{common[-1]}.")
        return [f.isel(time=np.flatnonzero(np.isin(y, common))) for f, y in zip(fields, years, strict=True)]
    if period is not None:
        raise NoAnswer(f"the data sets have no year of {period.first}–{period.last} in common")
    notes.append("The data sets have no year in common: their climatologies are compared.")
    return fields


def compute(inputs: Inputs, slots: Slots) -> Outcome:
    """Bias, root-mean-square error and pattern correlation of the mean maps, on the coarser grid."""
    notes: Notes = []
    difference, found, fields = compared(inputs["first"], inputs["second"], slots, notes)
    units, what = difference_units(units_of(fields[0])), subject(fields[0], slots)
    values = {
        QUANTITIES[0]: [as_value(f"mean bias, first less second, {what}", found.bias, units)],
        QUANTITIES[1]: [as_value("root-mean-square error", found.rmse, units)],
    }
    asked = slots.get("quantity") or QUANTITIES[0]
    if np.isfinite(found.correlation):
        values[QUANTITIES[2]] = [as_value("centred pattern correlation", found.correlation, "1")]
    elif asked == QUANTITIES[2]:
        raise NoAnswer("one of the mean maps does not vary: it correlates with nothing")
    return outcome(
        f"Difference of two data sets, first less second: {what}",
        asked_first(values, asked),
        notes,
        difference=written(difference, f"difference of {name_of(fields[0])}", units),
    )


def _decomposed(outcome: Outcome, inputs: Inputs, slots: Slots) -> bool:
    largest = float(np.abs(outcome.data.difference).max())
    error = labelled(outcome, "root-mean-square error")
    return abs(labelled(outcome, "mean bias")) <= error * (1 + 1e-9) + 1e-12 and error <= largest * (1 + 1e-6) + 1e-12


def _possible(outcome: Outcome, inputs: Inputs, slots: Slots) -> bool:
    return all(abs(float(v.value)) <= 1 + 1e-9 for v in outcome.values if v.label.startswith("centred pattern"))


RECIPE = Recipe(
    name="data_set_difference",
    title="Bias of one data set against another",
    phrases=(
        "What is the bias of the model's sea surface temperature against observations?",
        "compare modelled precipitation with a reference data set: RMSE and pattern correlation",
        "difference between two data sets of temperature",
        "how well does CanESM5 reproduce observed sea level pressure",
        "evaluate the model climatology against the reanalysis",
        "root mean square error of MIROC6 temperature relative to ERA5",
        "map of model minus observation",
        "spatial correlation between simulated and observed salinity",
        "by how much is the model too warm",
        "how much wetter is ERA5 than GPCP",
        "ERA5 minus GPCP mean rainfall",
        "mean precipitation difference between the data sets ERA5 and GPCP (ERA5 minus GPCP)",
        "what is the difference in mean temperature between two products",
        "RMSE of the climatological mean map of CESM2 against ERA5",
        "difference of area average precipitation: ERA5 less GPCP",
        "how much too warm or too cold is CanESM5 compared with ERA5",
    ),
    slots=(
        VARIABLE,
        REGION,
        LEVEL,
        PERIOD,
        SEASON,
        of("first", SOURCE, "Which data set is to be judged?", required=True),
        of("second", SOURCE, "Against which data set?", required=True),
        of("first", EXPERIMENT, "Which experiment of the first?"),
        of("second", EXPERIMENT, "Which experiment of the second?"),
        quantity("The bias, the root-mean-square error, or the pattern correlation?", QUANTITIES),
    ),
    inputs=(Input("first", (), needs=("time", "lat", "lon")), Input("second", (), needs=("time", "lat", "lon"))),
    method=(
        "Mean maps over the years that both have, the finer brought to the coarser grid by area-conserving means; then "
        "area-weighted mean difference, root-mean-square difference and centred pattern correlation over the "
        "common cells."
    ),
    references=(
        "Taylor, K. E., 2001: Summarizing multiple aspects of model performance. J. Geophys. Res., 106, 7183–7192.",
    ),
    compute=compute,
    plot=map_of("difference", diverging=True),
    checks=(
        FINITE,
        Check("the error is between the bias and the largest difference", _decomposed),
        Check("no correlation exceeds 1", _possible),
        among("difference", label="mean bias"),
    ),
)
