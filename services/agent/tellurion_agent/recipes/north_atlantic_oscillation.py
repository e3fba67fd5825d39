"""How strong is the pressure contrast between the Azores and Iceland?"""

from __future__ import annotations

import numpy as np
import xarray as xr

from tellurion_agent.diagnostics.eofs import eofs
from tellurion_agent.diagnostics.oscillations import at_place, standardised_difference
from tellurion_agent.diagnostics.times import monthly_means, season_means
from tellurion_agent.recipes.asked import BASE, PERIOD, SEA_LEVEL_PRESSURE, SEASON, WHICH_DATA
from tellurion_agent.recipes.bases import base_period, years_of
from tellurion_agent.recipes.checking import FINITE, among
from tellurion_agent.recipes.figures import lines
from tellurion_agent.recipes.indices import kept
from tellurion_agent.recipes.recipe import Check, Input, Inputs, NoAnswer, Outcome, Recipe, Slots
from tellurion_agent.recipes.selection import Notes, masked, within, years
from tellurion_agent.recipes.wording import as_value, outcome, span, written
from tellurion_agent.slots import Kind, Region, Season, Slot

AZORES, ICELAND = ("the Azores", 37.74, 334.33), ("Iceland", 65.08, 337.27)
"""Ponta Delgada and Stykkishólmur, degrees north and east."""
BOX = Region("20–80°N, 90°W–40°E", 20, 80, 270, 400)
WINTER = Season("DJF", (12, 1, 2))


def compute(inputs: Inputs, slots: Slots) -> Outcome:
    """The yearly index of a season, its extremes, and the variance that the pattern explains."""
    notes: Notes = []
    season = slots["season"]
    index, extra, data = (_eof if (slots.get("method") or "stations") == "eof" else _stations)(
        inputs["pressure"], slots, notes
    )
    there = index.dropna("year")
    if there.size < 3:
        raise NoAnswer(f"the index has {there.size} years")
    top, bottom = there[int(np.argmax(there.values))], there[int(np.argmin(there.values))]
    where = f"{season.name}, {span(there)}"
    return outcome(
        f"North Atlantic Oscillation index, {where}",
        [
            as_value(f"highest North Atlantic Oscillation index, in {int(top.year)}; {where}", top, "1"),
            as_value(f"lowest, in {int(bottom.year)}", bottom, "1"),
            as_value("mean", there.mean(), "1"),
            *extra,
        ],
        notes,
        index=written(there, "North Atlantic Oscillation index", "1"),
        **data,
    )


def _stations(pressure: xr.DataArray, slots: Slots, notes: Notes):
    monthly = [monthly_means(at_place(pressure, *place)) for place in (AZORES, ICELAND)]
    base = base_period(slots.get("base"), years_of(monthly[0]), notes)
    index = standardised_difference(*monthly, slice(base.first, base.last))
    seasonal = season_means(kept(index, slots), slots["season"].months)
    return seasonal, [], {}


def _eof(pressure: xr.DataArray, slots: Slots, notes: Notes):
    months = slots["season"].months
    field = within(years(pressure, slots.get("period"), notes, months), BOX, notes)
    seasonal = season_means(field, months).rename(year="time").assign_coords(area=field.area)
    found = eofs(masked(seasonal), field.area, 1)
    pattern, index = found.patterns[0], found.components[0].rename(time="year")
    south = pattern.sel(lat=slice(20, 55)).mean()
    sign = 1.0 if float(south) > float(pattern.sel(lat=slice(55, 80)).mean()) else -1.0
    share = 100 * float(found.explained[0])
    notes.append("Positive where pressure is high over the Azores and low over Iceland.")
    return (
        sign * index,
        [as_value("variance that the pattern explains", share, "%")],
        {"pattern": written(sign * pattern, "pressure for one standard deviation", "hPa")},
    )


def _varies(outcome: Outcome, inputs: Inputs, slots: Slots) -> bool:
    return 0 < float(outcome.data["index"].std()) < 10


RECIPE = Recipe(
    name="north_atlantic_oscillation",
    title="North Atlantic Oscillation",
    phrases=(
        "North Atlantic Oscillation index in winter",
        "compute the NAO from sea level pressure",
        "pressure difference between the Azores and Iceland",
        "NAO as the leading EOF of North Atlantic sea level pressure",
        "which winter had the most negative NAO",
        "station-based NAO index",
        "winter NAO time series 1950-2014",
        "was the NAO positive in 1990",
        "Azores high and Icelandic low contrast",
    ),
    slots=(
        PERIOD,
        BASE,
        Slot(SEASON.name, SEASON.kind, SEASON.question, default=WINTER),
        Slot(
            "method",
            Kind.CHOICE,
            "From the stations' pressures or as the leading EOF?",
            default="stations",
            choices=("stations", "eof"),
        ),
        *WHICH_DATA,
    ),
    inputs=(Input("pressure", SEA_LEVEL_PRESSURE, needs=("time", "lat", "lon")),),
    method=(
        "Of stations: pressure at Ponta Delgada and Stykkishólmur, bilinear, each standardised by calendar month "
        "over the "
        "base; the difference divided by its standard deviation; mean of the season. Of the EOF: leading "
        "component of the "
        "season's mean pressure in 20–80°N, 90°W–40°E, cells weighed with √cos φ."
    ),
    references=(
        "Hurrell, J. W., 1995: Decadal trends in the North Atlantic Oscillation. Science, 269, 676–679.",
        "Hurrell, J. W., et al., 2003: An overview of the North Atlantic Oscillation. AGU Geophys. Monogr., 134, 1–35.",
    ),
    compute=compute,
    plot=lines("index"),
    checks=(FINITE, among("index"), Check("the index varies, by about one", _varies)),
)
