"""How much heating, cooling or growing does a year's temperature make?"""

from __future__ import annotations

import numpy as np

from tellurion_agent.diagnostics.times import ALL_MONTHS, Step, by_season, filled, seasons, step
from tellurion_agent.recipes.asked import LAND_FRACTION, PERIOD, REGION, WHICH_DATA
from tellurion_agent.recipes.checking import FINITE, among, bounded
from tellurion_agent.recipes.figures import lines
from tellurion_agent.recipes.recipe import Input, Inputs, NoAnswer, Outcome, Recipe, Slots
from tellurion_agent.recipes.selection import Notes, averaged, part, told_left_out
from tellurion_agent.recipes.wording import as_value, outcome, place, span, units_of, written
from tellurion_agent.slots import Kind, Slot

BASES = {"heating": 18.0, "cooling": 18.0, "growing": 10.0}
"""°C."""


def compute(inputs: Inputs, slots: Slots) -> Outcome:
    """Degree days of a year, the mean over area and years, and each year's."""
    notes: Notes = []
    kind = slots.get("kind") or "heating"
    base = float(slots["threshold"]) if slots.get("threshold") is not None else BASES[kind]
    field = part(inputs["temperature"], slots, notes, fraction=inputs.get("land_fraction"))
    if step(field.time) is not Step.DAILY:
        raise NoAnswer("degree days are of daily means: the temperature must be daily")
    if units_of(field) != "degC":
        raise NoAnswer(f"the temperature is in {units_of(field)}, not in degC")
    daily = seasons(field, ALL_MONTHS)
    excess = (base - daily if kind == "heating" else daily - base).clip(min=0.0)
    cells = by_season(excess, ALL_MONTHS).sum("time").where(filled(daily, ALL_MONTHS))
    yearly = told_left_out(averaged(cells.assign_coords(area=field.area).assign_attrs(field.attrs), notes), notes)
    where = f"{place(slots.get('region'))}, {span(daily)}"
    what = f"{kind} degree days of a year, {'below' if kind == 'heating' else 'above'} {base:g} °C, {where}"
    return outcome(
        what[0].upper() + what[1:],
        [
            as_value(what, yearly.mean(), "K day"),
            as_value(
                "standard deviation from year to year",
                yearly.std(ddof=1) if yearly.size > 1 else np.float64(0),
                "K day",
            ),
        ],
        notes,
        degree_days=written(yearly, f"{kind} degree days", "K day"),
    )


RECIPE = Recipe(
    name="degree_days",
    title="Degree days",
    phrases=(
        "Heating degree days in Germany",
        "cooling degree days over the contiguous United States",
        "growing degree days with base 10 °C in France",
        "how many degree days per year below 18 degrees",
        "heating demand from temperature over Scandinavia",
        "annual cooling degree-days in India above 22 degC",
        "HDD and CDD from daily temperature",
        "accumulated temperature above a threshold for crops",
    ),
    slots=(
        REGION,
        PERIOD,
        Slot("kind", Kind.CHOICE, "Heating, cooling or growing degree days?", default="heating", choices=tuple(BASES)),
        Slot("threshold", Kind.NUMBER, "Relative to which temperature, in °C?"),
        *WHICH_DATA,
    ),
    inputs=(Input("temperature", ("air_temperature",), needs=("time", "lat", "lon")), LAND_FRACTION),
    method="In every cell the sum over a year's days of the daily mean's excess below (heating) or above the "
    "base; area-weighted mean.",
    references=(
        "Spinoni, J., et al., 2015: European degree-day climatologies and trends. Int. J. Climatol., 35, 25–36.",
    ),
    compute=compute,
    plot=lines("degree_days"),
    checks=(FINITE, among("degree_days"), bounded(0.0, 40000.0)),
)
