"""How extreme is the most extreme day of a year?"""

from __future__ import annotations

import numpy as np
import xarray as xr

from tellurion_agent.diagnostics.averages import area_mean
from tellurion_agent.diagnostics.times import Step, seasons, step
from tellurion_agent.recipes.asked import FIELD, SERIES_INPUTS
from tellurion_agent.recipes.checking import BRACKETED, FINITE, again
from tellurion_agent.recipes.figures import lines
from tellurion_agent.recipes.recipe import Inputs, NoAnswer, Outcome, Recipe, Slots
from tellurion_agent.recipes.selection import Notes, bands, part
from tellurion_agent.recipes.wording import as_value, name_of, outcome, subject, units_of, written
from tellurion_agent.slots import Kind, Slot

MOST_DAYS = 30


def compute(inputs: Inputs, slots: Slots) -> Outcome:
    """Mean over years and area of each cell's yearly extreme, the record, and the series."""
    notes: Notes = []
    field = part(inputs["field"], slots, notes, fraction=inputs.get("land_fraction"))
    days = int(slots.get("days") or 1)
    if not 1 <= days <= MOST_DAYS:
        raise NoAnswer(f"means over 1 to {MOST_DAYS} days can be taken, not over {days}")
    if (kind := step(field.time)) is Step.YEARLY:
        raise NoAnswer("the data are yearly means: they have no extremes within a year")
    if kind is not Step.DAILY and days > 1:
        raise NoAnswer(f"the data are {kind}: means over {days} days cannot be taken")
    if kind is not Step.DAILY:
        notes.append(f"The data are {kind}: a day may be more extreme.")
    largest = (slots.get("statistic") or "maximum") == "maximum"
    used = seasons(field, slots["season"].months)
    area = used.coords.get("area")
    pieces = [used.isel(lat=rows) for rows in bands(used)] if area is not None else [used]
    yearly = [_extremes(piece.drop_vars("area", errors="ignore").compute(), days, largest) for piece in pieces]
    cells = xr.concat(yearly, dim="lat") if area is not None else yearly[0]
    series = area_mean(cells, area)[0] if area is not None else cells
    series = series.dropna("year")
    if not series.size:
        raise NoAnswer(f"{name_of(field)} has no values there")
    word, units = "maximum" if largest else "minimum", units_of(field)
    of_days = f" of means over {days} days" if days > 1 else ""
    what = f"{word} of a year{of_days}, {subject(field, slots)}"
    record = cells.max() if largest else cells.min()
    return outcome(
        f"Yearly {word}{of_days}: {subject(field, slots)}",
        [as_value(f"mean {what}", series.mean(), units), as_value(f"{word} of all years and cells", record, units)],
        [*notes, "The extreme of each cell and year; then the mean over the area and the years."],
        extreme=written(series, f"area mean of the yearly {word}", units),
    )


def _extremes(values: xr.DataArray, days: int, largest: bool) -> xr.DataArray:
    """[year, …] extremes of running means."""
    smooth = values.rolling(time=days).mean() if days > 1 else values
    by_year = smooth.groupby("time.year")
    return (by_year.max() if largest else by_year.min()).assign_attrs(values.attrs)


RECIPE = Recipe(
    name="yearly_extreme",
    title="Extreme of a year, on average",
    phrases=(
        "Mean annual maximum of daily maximum temperature (TXx)",
        "TXx over Spain, mean of the years",
        "hottest day of the year, averaged over years",
        "how warm is the hottest day of a typical year",
        "mean annual maximum one-day precipitation Rx1day",
        "Rx1day mean over the area",
        "Rx5day over India: greatest five-day precipitation of a year",
        "coldest night of the year on average, TNn",
        "average yearly maximum of daily wind speed",
        "yearly block maxima of daily rainfall",
        "rain of the wettest day of the year",
    ),
    slots=(
        *FIELD,
        Slot(
            "statistic", Kind.CHOICE, "The maximum or the minimum?", default="maximum", choices=("maximum", "minimum")
        ),
        Slot("days", Kind.NUMBER, "Over how many days?", default=1),
    ),
    inputs=SERIES_INPUTS,
    method=(
        "In every cell the largest or smallest value of each complete year or season (ETCCDI's TXx, TNn, Rx1day, or "
        "Rx5day of running means); the area-weighted mean of the cells and the mean of the years."
    ),
    references=(
        "Zhang, X., et al., 2011: Indices for monitoring changes in extremes. WIREs Clim. Change, 2, 851–870.",
    ),
    compute=compute,
    plot=lines("extreme"),
    checks=(FINITE, BRACKETED, again("it is the mean of the years", lambda data, slots: float(np.mean(data.extreme)))),
)
