"""How long does it stay dry, and how much falls on very wet days?"""

from __future__ import annotations

import xarray as xr

from tellurion_agent.diagnostics.precipitation import yearly_longest_spell
from tellurion_agent.diagnostics.times import ALL_MONTHS, Step, filled, seasons, step
from tellurion_agent.recipes.asked import LAND_FRACTION, PERIOD, PRECIPITATION, REGION, WHICH_DATA
from tellurion_agent.recipes.checking import FINITE, again
from tellurion_agent.recipes.figures import lines
from tellurion_agent.recipes.recipe import Check, Input, Inputs, NoAnswer, Outcome, Recipe, Slots
from tellurion_agent.recipes.selection import Notes, averaged, bands, part, told_left_out
from tellurion_agent.recipes.wording import as_value, outcome, place, span, written
from tellurion_agent.slots import Kind, Slot

WET = 1.0
"""mm day⁻¹, from which a day is wet (ETCCDI)."""
STATISTICS = ("dry spell", "wet spell", "very wet days", "wet days")


def compute(inputs: Inputs, slots: Slots) -> Outcome:
    """Yearly means, over years and area, of the longest dry and wet spell, wet days and the rain of very wet days."""
    notes: Notes = []
    field = part(inputs["precipitation"], slots, notes, fraction=inputs.get("land_fraction"))
    if step(field.time) is not Step.DAILY:
        raise NoAnswer("spells are of days: the precipitation must be daily")
    daily, area = seasons(field, ALL_MONTHS).drop_vars("area"), field.area
    parts = [_indices(daily.isel(lat=rows).compute()) for rows in bands(daily)]
    cells = xr.concat(parts, dim="lat").assign_coords(area=area)
    indices = {name: cells[name].rename(field.name).assign_attrs(field.attrs) for name in STATISTICS}
    series = {name: told_left_out(averaged(index, notes), notes) for name, index in indices.items()}
    units = {"very wet days": "mm year-1", "wet days": "days year-1"}
    texts = {
        "dry spell": "longest dry spell of a year (CDD)",
        "wet spell": "longest wet spell of a year (CWD)",
        "wet days": "wet days of a year (R1mm)",
        "very wet days": "rain of a year on days above the 95th percentile of wet days (R95p)",
    }
    where = f"{place(slots.get('region'))}, {span(field)}"
    asked = slots.get("statistic") or STATISTICS[0]
    order = sorted(STATISTICS, key=lambda name: name != asked)
    years = series["wet days"].size
    notes.append(f"A wet day has at least 1 mm. Means over {years} years and the area; percentiles of the same years.")
    return outcome(
        f"Wet and dry spells, {where}",
        [as_value(f"{texts[name]}, {where}", series[name].mean(), units.get(name, "days")) for name in order],
        notes,
        **{name.replace(" ", "_"): written(series[name], texts[name], units.get(name, "days")) for name in order},
    )


def _indices(daily: xr.DataArray) -> xr.Dataset:
    """[year, lat, lon] the four indices in every cell; NaN where too many days of a year are missing."""
    wet = daily >= WET
    limit = daily.where(wet).quantile(0.95, "time").drop_vars("quantile")
    found = {
        "dry spell": yearly_longest_spell(daily < WET),
        "wet spell": yearly_longest_spell(wet),
        "wet days": wet.groupby("time.year").sum("time"),
        "very wet days": daily.where(daily > limit, 0.0).groupby("time.year").sum("time"),
    }
    return xr.Dataset(found).astype(float).where(filled(daily, ALL_MONTHS))


def _possible(outcome: Outcome, inputs: Inputs, slots: Slots) -> bool:
    data = outcome.data
    return bool((data.dry_spell + data.wet_days <= 366 + 1e-6).all() and (data.wet_spell <= data.wet_days + 1e-6).all())


def _mean_of_years(data: xr.Dataset, slots: Slots) -> float:
    return float(data[(slots.get("statistic") or STATISTICS[0]).replace(" ", "_")].mean())


RECIPE = Recipe(
    name="wet_dry_spells",
    title="Wet and dry spells",
    phrases=(
        "Longest dry spell over the Mediterranean",
        "consecutive dry days CDD",
        "how many wet days are there per year in Scandinavia",
        "maximum length of wet spell in India",
        "R95p precipitation from very wet days",
        "number of consecutive wet days",
        "heavy precipitation total above the 95th percentile",
        "rainy days per year in the Amazon",
        "mean longest dry spell of a year, CDD",
        "consecutive days below 1 mm",
    ),
    slots=(
        REGION,
        PERIOD,
        Slot(
            "statistic",
            Kind.CHOICE,
            "Dry spells, wet spells, wet days or very wet days?",
            default=STATISTICS[0],
            choices=STATISTICS,
        ),
        *WHICH_DATA,
    ),
    inputs=(Input("precipitation", PRECIPITATION, needs=("time", "lat", "lon")), LAND_FRACTION),
    method=(
        "In every cell the ETCCDI indices CDD, CWD, R1mm and R95p of each calendar year (a spell ends with the "
        "year); means "
        "over the area and the years."
    ),
    references=(
        "Zhang, X., et al., 2011: Indices for monitoring changes in extremes. WIREs Clim. Change, 2, 851–870.",
    ),
    compute=compute,
    plot=lines("dry_spell", "wet_spell"),
    checks=(
        FINITE,
        again("it is the mean of the years", _mean_of_years),
        Check("dry spell and wet days fit in a year, wet spells among the wet days", _possible),
    ),
)
