"""When and where is a variable largest or smallest?"""

from __future__ import annotations

import numpy as np

from tellurion_agent.diagnostics.times import in_season
from tellurion_agent.recipes.asked import FIELD, SERIES_INPUTS
from tellurion_agent.recipes.checking import FINITE, among
from tellurion_agent.recipes.figures import lines
from tellurion_agent.recipes.recipe import Inputs, NoAnswer, Outcome, Recipe, Slots
from tellurion_agent.recipes.selection import Notes, masked, part
from tellurion_agent.recipes.wording import as_value, name_of, outcome, subject, units_of, written
from tellurion_agent.slots import Kind, Slot


def compute(inputs: Inputs, slots: Slots) -> Outcome:
    """The extreme value, its time and place, and the extreme at every time."""
    notes: Notes = []
    field = part(inputs["field"], slots, notes, fraction=inputs.get("land_fraction"))
    field = in_season(field, slots["season"].months)
    largest = (slots.get("statistic") or "maximum") == "maximum"
    spatial = [d for d in ("lat", "lon") if d in field.dims]
    inside = masked(field) if len(spatial) == 2 else field
    extreme = (inside.max(spatial) if largest else inside.min(spatial)).compute()
    if not extreme.notnull().any():
        raise NoAnswer(f"{name_of(field)} has no values there")
    at = int(np.nanargmax(extreme.values) if largest else np.nanargmin(extreme.values))
    units, when = units_of(field), field.time[at]
    what, word = subject(field, slots), "maximum" if largest else "minimum"
    date = f"{when.dt.year.item()}-{when.dt.month.item():02d}-{when.dt.day.item():02d}"
    values = [as_value(f"{word} of {what}", extreme[at], units), as_value(f"date of the {word}", date, "1")]
    if len(spatial) == 2:
        moment = inside.isel(time=at).transpose("lat", "lon").compute().values
        y, x = np.unravel_index(int(np.nanargmax(moment) if largest else np.nanargmin(moment)), moment.shape)
        values.append(as_value(f"latitude of the {word}", field.lat[y], "degrees_north"))
        values.append(as_value(f"longitude of the {word}", float(field.lon[x]) % 360, "degrees_east"))
    return outcome(
        f"Spatial {word} of {what}",
        values,
        notes,
        extreme=written(extreme, f"{word} of {name_of(field)} in the area", units),
    )


RECIPE = Recipe(
    name="extreme_value",
    title="Largest or smallest value, when and where",
    phrases=(
        "What is the highest sea surface temperature and where does it occur?",
        "maximum daily precipitation over India and its date",
        "the lowest temperature ever in the data over Siberia",
        "when and where was the minimum sea level pressure",
        "find the hottest grid cell in the Mediterranean",
        "record maximum wind speed in the North Sea",
        "which day had the heaviest rainfall",
        "absolute minimum of salinity in the Arctic Ocean with location",
    ),
    slots=(
        *FIELD,
        Slot(
            "statistic", Kind.CHOICE, "The maximum or the minimum?", default="maximum", choices=("maximum", "minimum")
        ),
    ),
    inputs=SERIES_INPUTS,
    method="Extreme over all cells of the region and all times of the period, as the data have them: a monthly "
    "mean hides a day.",
    references=("WMO, 2018: Guide to Climatological Practices, chapter 4. WMO-No. 100.",),
    compute=compute,
    plot=lines("extreme"),
    checks=(FINITE, among("extreme")),
)
