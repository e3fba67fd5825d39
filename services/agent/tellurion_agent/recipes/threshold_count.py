"""How often is a threshold passed?"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import xarray as xr

from tellurion_agent.catalogue.units import unit
from tellurion_agent.diagnostics.times import Step, by_season, complete, filled, in_season, season_years, step
from tellurion_agent.recipes.asked import FIELD, SERIES_INPUTS
from tellurion_agent.recipes.checking import FINITE
from tellurion_agent.recipes.figures import lines
from tellurion_agent.recipes.recipe import Check, Inputs, NoAnswer, Outcome, Recipe, Slots
from tellurion_agent.recipes.selection import Notes, averaged, bands, part, told_left_out
from tellurion_agent.recipes.wording import as_value, headline, outcome, subject, units_of, written
from tellurion_agent.slots import Kind, Slot

COUNTS = ("in all", "per year")
STEPS = {"hourly": "hours", "daily": "days", "monthly": "months", "yearly": "years"}


def compute(inputs: Inputs, slots: Slots) -> Outcome:
    """Number of days, months or years beyond the threshold, in all and of a year, and the count of each year."""
    notes: Notes = []
    field = part(inputs["field"], slots, notes, fraction=inputs.get("land_fraction"))
    units, above, months = units_of(field), (slots.get("side") or "above") == "above", slots["season"].months
    kind = step(field.time)
    given = slots.get("units")
    if kind is Step.DAILY and units == "mm day-1" and given in ("mm", "cm"):
        given = f"{given} day-1"  # of a day is what is meant
    limit = _converted(float(slots["threshold"]), given, units)
    of_cells = kind is Step.DAILY and "area" in field.coords
    if of_cells:
        yearly = averaged(_of_cells(in_season(field, months), limit, above, months), notes)
        notes.append("Days are counted in each cell; then the mean over the area.")
    else:
        yearly = _counts(in_season(averaged(field, notes), months), limit, above, months)
    yearly = told_left_out(yearly, notes)
    time = in_season(field, months).time
    size = int(by_season(xr.ones_like(time, dtype=float), months).sum().sel(year=yearly.year).sum())
    whole = yearly.sel(year=np.intersect1d(yearly.year, season_years(time, months)[complete(time, months)]))
    steps, what = STEPS[kind], subject(field, slots)
    wording = f"{what} is {'above' if above else 'below'} {limit:g} {units}"
    total, asked = float(yearly.sum()), slots.get("count") or COUNTS[0]
    values = {COUNTS[0]: as_value(f"{steps} in which {wording}", total, steps)}
    if whole.size:
        label = f"{steps} of a year in which {wording}"
        values[COUNTS[1]] = as_value(label, whole.mean(), f"{steps} year-1")
    values["share"] = as_value(f"share of the {size} {steps}", 100 * total / size, "%")
    counted = whole if asked == COUNTS[1] else yearly
    return outcome(
        f"{steps.capitalize()} in which {wording}",
        headline(asked, values),
        notes,
        count=written(
            counted.reindex(year=np.arange(counted.year[0], counted.year[-1] + 1)),
            f"{steps} {'above' if above else 'below'} {limit:g} {units}",
            steps,
        ),
    )


def _of_cells(field: xr.DataArray, limit: float, above: bool, months: Sequence[int]) -> xr.DataArray:
    """[year, lat, lon] the counts in each cell."""
    rows = (field.isel(lat=rows).drop_vars("area").compute() for rows in bands(field))
    counts = xr.concat([_counts(values, limit, above, months) for values in rows], dim="lat")
    return counts.assign_coords(area=field.area).assign_attrs(field.attrs)


def _counts(values: xr.DataArray, limit: float, above: bool, months: Sequence[int]) -> xr.DataArray:
    """[year, …] how many values are beyond the limit; NaN where too many of a year are missing."""
    beyond = values > limit if above else values < limit
    return by_season(beyond.astype(float), months).sum().where(filled(values, months))


def _converted(threshold: float, given: str | None, units: str) -> float:
    if not given or given == units:
        return threshold
    source, target = unit(given), unit(units)
    if source is None or target is None or not source.is_convertible(target):
        raise NoAnswer(f"a threshold in {given} cannot be compared with data in {units}")
    return float(source.convert(threshold, target))


def _again(outcome: Outcome, inputs: Inputs, slots: Slots) -> bool:
    count: xr.DataArray = outcome.data["count"]
    again = count.mean() if slots.get("count") == COUNTS[1] else count.sum()
    return bool(np.isclose(float(again), float(outcome.values[0].value)))


RECIPE = Recipe(
    name="threshold_count",
    title="Count of times beyond a threshold",
    phrases=(
        "How many days per year is it hotter than 30 degrees in Spain?",
        "number of months with sea surface temperature above 28 °C",
        "count the days with more than 10 mm of rain over India",
        "how often does temperature fall below zero in Scandinavia",
        "number of frost days",
        "in how many months did the Niño 3.4 region exceed 27 degC",
        "how frequently is wind speed over 15 m/s in the North Sea",
        "days below freezing per winter over Canada",
        "exceedances of a threshold of 25 mm/day",
        "summer days per year, Tmax above 25 °C",
        "mean number of hot days per year, tasmax > 30 °C",
        "number of heavy precipitation days with at least 10 mm per year",
        "R10mm over France",
        "days above 30C per year",
    ),
    slots=(
        *FIELD,
        Slot("threshold", Kind.NUMBER, "Which threshold?", required=True),
        Slot("units", Kind.UNITS, "In which units is the threshold?"),
        Slot("count", Kind.CHOICE, "In all, or of a year?", default=COUNTS[0], choices=COUNTS),
        Slot("side", Kind.CHOICE, "Above or below it?", default="above", choices=("above", "below")),
    ),
    inputs=SERIES_INPUTS,
    method=(
        "Count of the times, as the data have them, at which the area mean is beyond the threshold; of daily data on a "
        "grid the count in each cell, and its area-weighted mean (ETCCDI). Equal does not count."
    ),
    references=(
        "Zhang, X., et al., 2011: Indices for monitoring changes in extremes. WIREs Clim. Change, 2, 851–870.",
    ),
    compute=compute,
    plot=lines("count"),
    checks=(FINITE, Check("the counts of the years sum to the whole", _again)),
)
