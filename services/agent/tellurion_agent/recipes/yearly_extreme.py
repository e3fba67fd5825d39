"""How extreme is the most extreme day of a year?"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import xarray as xr

from tellurion_agent.diagnostics.times import Step, by_season, filled, seasons, step
from tellurion_agent.recipes.asked import FIELD, SERIES_INPUTS
from tellurion_agent.recipes.checking import BRACKETED, FINITE, again
from tellurion_agent.recipes.figures import lines
from tellurion_agent.recipes.recipe import Inputs, NoAnswer, Outcome, Recipe, Slots
from tellurion_agent.recipes.selection import Notes, averaged, bands, part, told_left_out
from tellurion_agent.recipes.wording import as_value, outcome, subject, units_of, written
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
    months = slots["season"].months
    used = seasons(field, months)
    area = used.coords.get("area")
    pieces = [used.isel(lat=rows) for rows in bands(used)] if area is not None else [used]
    yearly = [_extremes(piece.drop_vars("area", errors="ignore").compute(), days, largest, months) for piece in pieces]
    cells = xr.concat(yearly, dim="lat").assign_coords(area=area) if area is not None else yearly[0]
    series = told_left_out(averaged(cells, notes), notes)
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


def _extremes(values: xr.DataArray, days: int, largest: bool, months: Sequence[int]) -> xr.DataArray:
    """[year, …] extremes of means over days in a row; NaN where too many values of a year are missing."""
    smooth = values
    if days > 1:
        elapsed = (values.time.values - values.time.values[0]).astype("timedelta64[s]") / np.timedelta64(1, "D")
        in_a_row = np.r_[np.zeros(days - 1, bool), np.round(elapsed[days - 1 :] - elapsed[: 1 - days]) == days - 1]
        smooth = values.rolling(time=days).mean().where(xr.DataArray(in_a_row, dims="time"))
    by_year = by_season(smooth, months)
    extreme = (by_year.max() if largest else by_year.min()).where(filled(values, months))
    return extreme.assign_attrs(values.attrs)


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
