"""How do anomalies travel along longitude or latitude in time?"""

from __future__ import annotations

import numpy as np

from tellurion_agent.diagnostics.times import anomalies, monthly_climatology, monthly_means
from tellurion_agent.recipes.asked import LEVEL, MAP_INPUTS, PERIOD, REGION, VARIABLE, WHICH_DATA
from tellurion_agent.recipes.checking import FINITE, among
from tellurion_agent.recipes.figures import map_of
from tellurion_agent.recipes.recipe import Inputs, NoAnswer, Outcome, Recipe, Slots
from tellurion_agent.recipes.selection import Notes, part
from tellurion_agent.recipes.wording import as_value, difference_units, name_of, outcome, subject, units_of, written
from tellurion_agent.slots import Kind, Slot


def compute(inputs: Inputs, slots: Slots) -> Outcome:
    """Monthly anomalies over time and longitude, or time and latitude, and their largest departure."""
    notes: Notes = []
    field = part(inputs["field"], slots, notes, fraction=inputs.get("land_fraction"))
    along = slots.get("axis") or "longitude"
    section = field.weighted(field.area).mean("lat" if along == "longitude" else "lon", keep_attrs=True).compute()
    section = monthly_means(section)
    anomaly = anomalies(section, monthly_climatology(section))
    if not anomaly.notnull().any():
        raise NoAnswer(f"{name_of(field)} has no values there")
    dim = "lon" if along == "longitude" else "lat"
    anomaly = anomaly.transpose("time", dim)
    t, x = np.unravel_index(int(np.nanargmax(np.abs(anomaly.values))), anomaly.shape)
    when, where = anomaly.time[int(t)], float(anomaly[dim][int(x)])
    place = f"{where % 360:.4g}°E" if dim == "lon" else f"{where:.4g}°N"
    units, what = difference_units(units_of(field)), subject(field, slots)
    label = f"largest anomaly, in {when.dt.year.item()}-{when.dt.month.item():02d} at {place}, {what}"
    notes.append("The climatology is that of the years shown.")
    return outcome(
        f"Hovmöller diagram over {along} of {what}",
        [as_value(label, anomaly[int(t), int(x)], units)],
        notes,
        section=written(anomaly, f"anomaly of {name_of(field)}", units),
    )


RECIPE = Recipe(
    name="hovmoller",
    title="Hovmöller diagram",
    phrases=(
        "Hovmöller diagram of equatorial Pacific sea surface temperature",
        "time-longitude plot of SST anomalies between 5S and 5N",
        "show how anomalies propagate along the equator in time",
        "longitude-time section of sea level pressure",
        "time-latitude diagram of precipitation anomalies",
        "latitude-time Hovmoeller of zonal mean temperature",
        "do the sea surface height anomalies move westward; plot time against longitude",
        "hovmoller of zonal wind over the Indian Ocean",
    ),
    slots=(
        VARIABLE,
        REGION,
        LEVEL,
        PERIOD,
        Slot(
            "axis",
            Kind.CHOICE,
            "Time against longitude or latitude?",
            default="longitude",
            choices=("longitude", "latitude"),
        ),
        *WHICH_DATA,
    ),
    inputs=MAP_INPUTS,
    method=(
        "Area-weighted mean over the other horizontal axis of the region, less the mean of each calendar month "
        "over the "
        "years shown."
    ),
    references=("Hovmöller, E., 1949: The trough-and-ridge diagram. Tellus, 1, 62–66.",),
    compute=compute,
    plot=map_of("section", diverging=True),
    checks=(FINITE, among("section")),
)
