"""How much does a scenario change the climate?"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import xarray as xr

from tellurion_agent.catalogue.stamps import comparable
from tellurion_agent.diagnostics.times import season_means
from tellurion_agent.recipes.asked import (
    BASE,
    EXPERIMENT,
    LAND_FRACTION,
    LEVEL,
    PERIOD,
    REGION,
    SEASON,
    SOURCE,
    VARIABLE,
    of,
    quantity,
)
from tellurion_agent.recipes.bases import in_years, years_of
from tellurion_agent.recipes.checking import FINITE, among, percent_of
from tellurion_agent.recipes.figures import lines
from tellurion_agent.recipes.period_difference import QUANTITIES, TEMPERATURES
from tellurion_agent.recipes.recipe import Check, Input, Inputs, NoAnswer, Outcome, Recipe, Slots
from tellurion_agent.recipes.selection import Notes, averaged, part
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
from tellurion_core.errors import InvalidInput

BASES = (Period(1995, 2014), Period(1986, 2005), Period(1961, 1990))
"""The IPCC's sixth and fifth reports', and an older normal: the first that is there is taken."""


def joined(inputs: Inputs, slots: Slots, notes: Notes, months: tuple[int, ...]) -> xr.DataArray:
    """[year] means of the scenario, after the historical run's where it is there; a winter at the seam is whole."""
    slots = {**slots, "period": None, "season": None}
    series = averaged(part(inputs["scenario"], slots, notes, fraction=inputs.get("land_fraction")), notes)
    attrs = series.attrs
    if "historical" in inputs:
        before = averaged(part(inputs["historical"], slots, notes, fraction=inputs.get("land_fraction")), notes)
        if units_of(before) != units_of(series):
            raise NoAnswer(f"historical run and scenario are in {units_of(before)} and {units_of(series)}")
        try:
            before, series = comparable(before, series)
        except InvalidInput as error:
            raise NoAnswer(f"historical run and scenario do not go together: {error.message}") from error
        earlier = before.isel(time=np.flatnonzero(before.time.values < series.time.values[0]))
        series = xr.concat([earlier, series], dim="time", join="outer", combine_attrs="override")
    return season_means(series, months).assign_attrs(attrs)


@dataclass(frozen=True)
class Change:
    """Of one model."""

    value: float
    units: str
    period: str
    base: str
    yearly: xr.DataArray
    """[year] means."""
    normal: xr.DataArray
    """[year] those of the base."""
    future: xr.DataArray
    """[year] those of the period."""


def change_of(inputs: Inputs, slots: Slots, notes: Notes) -> Change:
    """Mean of the period less that of the base. Raises NoAnswer when the data do not hold both."""
    yearly = joined(inputs, slots, notes, slots["season"].months)
    years = years_of(yearly)
    base, period = slots.get("base"), slots.get("period")
    if base is None:
        base = next(
            (b for b in BASES if years[0] <= b.first and b.last <= years[-1]),
            Period(int(years[0]), int(years[min(19, years.size - 1)])),
        )
        notes.append(f"Base period: {base.first}–{base.last}, as none was named.")
    if period is None:
        period = Period(max(int(years[-1]) - 19, int(years[0])), int(years[-1]))
        notes.append(f"Period: {period.first}–{period.last}, the last twenty years, as none was named.")
    normal, future = in_years(yearly, base).dropna("year"), in_years(yearly, period).dropna("year")
    for part_, span in ((normal, base), (future, period)):
        if 2 * part_.size < span.last - span.first + 1:
            raise NoAnswer(f"the data, {years[0]}–{years[-1]}, do not hold {span.first}–{span.last}")
    spans = (f"{each.first}–{each.last}" for each in (period, base))
    units = difference_units(units_of(yearly))
    return Change(float(future.mean() - normal.mean()), units, *spans, yearly, normal, future)


def compute(inputs: Inputs, slots: Slots) -> Outcome:
    """Mean of the period less that of the base, and the yearly changes."""
    notes: Notes = []
    found = change_of(inputs, slots, notes)
    yearly, normal, units = found.yearly, found.normal, found.units
    what = subject(found.future.assign_attrs(yearly.attrs), slots)
    values = {
        QUANTITIES[0]: [as_value(f"change of {what}, relative to {found.base}", found.value, units)],
        "standard deviation": [
            as_value(
                "standard deviation of the years of the base", normal.std(ddof=1) if normal.size > 1 else 0.0, units
            )
        ],
    }
    asked = slots.get("quantity") or QUANTITIES[0]
    if units_of(yearly) not in TEMPERATURES and float(normal.mean()) != 0:
        relative = 100 * found.value / float(normal.mean())
        values[QUANTITIES[1]] = [
            as_value("the same relative to the base period's mean", relative, "%"),
            as_value("mean of the base period", normal.mean(), units),
        ]
    elif asked == QUANTITIES[1]:
        raise NoAnswer("a temperature in degrees Celsius has no natural zero: its change in percent means nothing")
    return outcome(
        f"Change of {name_of(yearly)} in the scenario, relative to {found.base}",
        asked_first(values, asked),
        notes,
        change=written(yearly - normal.mean(), f"change of {name_of(yearly)}", units),
    )


def _sums_to_zero(outcome: Outcome, inputs: Inputs, slots: Slots) -> bool:
    first, last = map(int, outcome.data.attrs["title"].rpartition("relative to ")[2].split("–"))
    change = outcome.data.change
    return abs(float(change.sel(year=slice(first, last)).mean())) <= 1e-6 * max(float(np.abs(change).max()), 1e-12)


SCENARIO_INPUTS = (
    Input("scenario", (), needs=("time",)),
    Input("historical", (), needs=("time",), experiment="historical", optional=True),
    LAND_FRACTION,
)

RECIPE = Recipe(
    name="scenario_change",
    title="Change in a scenario",
    phrases=(
        "How much does North America warm under SSP5-8.5 by the end of the century?",
        "projected temperature change 2081-2100 relative to 1995-2014 in ssp245",
        "change in precipitation over the Mediterranean in the RCP8.5 scenario",
        "future warming of the Arctic under a high emission scenario",
        "projection of sea surface temperature for 2041-2060",
        "scenario A1B warming over North America",
        "what will summer temperature in Europe be at the end of the 21st century compared with today",
        "end-of-century rainfall change in the Sahel",
        "climate change signal of the scenario relative to the historical base period",
    ),
    slots=(
        VARIABLE,
        REGION,
        LEVEL,
        PERIOD,
        BASE,
        SEASON,
        SOURCE,
        of("scenario", EXPERIMENT, "Which scenario?", required=True),
        quantity("The change, or that in percent?", QUANTITIES),
    ),
    inputs=SCENARIO_INPUTS,
    method=(
        "Area-weighted yearly or seasonal means of the historical run followed by the scenario of the same "
        "model; mean of the "
        "period less that of the base. One model's change is no likelihood."
    ),
    references=(
        "Lee, J.-Y., et al., 2021: Future global climate. IPCC AR6 WG1, chapter 4. Cambridge University Press.",
    ),
    compute=compute,
    plot=lines("change"),
    checks=(
        FINITE,
        among("change", label="change of"),
        percent_of("change of", "mean of the base"),
        Check("changes of the base period sum to nothing", _sums_to_zero),
    ),
)
