"""How does the Indian Ocean tilt between west and east?"""

from __future__ import annotations

import numpy as np

from tellurion_agent.diagnostics.enso import events, oni
from tellurion_agent.recipes.asked import BASE, PERIOD, SEA_SURFACE, WHICH_DATA
from tellurion_agent.recipes.checking import FINITE, among
from tellurion_agent.recipes.figures import lines
from tellurion_agent.recipes.indices import box_anomaly, month_of
from tellurion_agent.recipes.recipe import Check, Input, Inputs, Outcome, Recipe, Slots
from tellurion_agent.recipes.selection import Notes
from tellurion_agent.recipes.wording import as_value, outcome, span, written

THRESHOLD = 0.4
"""K, from which the Bureau of Meteorology counts a phase."""


def compute(inputs: Inputs, slots: Slots) -> Outcome:
    """The Dipole Mode Index, its extremes, and the number of events."""
    notes: Notes = []
    west, base = box_anomaly(inputs["sst"], "IOD west", slots, notes)
    east, _ = box_anomaly(inputs["sst"], "IOD east", slots, notes)
    index = west - east
    smooth = oni(index)
    found = events(smooth.values, THRESHOLD, 3) if smooth.size >= 3 else []
    top, bottom = index[int(np.nanargmax(index.values))], index[int(np.nanargmin(index.values))]
    where = f"{span(index)}, base {base.first}–{base.last}"
    notes.append("An event is at least three overlapping three-month means in a row beyond ±0.4 K.")
    return outcome(
        f"Dipole Mode Index, {where}",
        [
            as_value(f"largest Dipole Mode Index, in {month_of(top.time)}; {where}", top, "K"),
            as_value(f"smallest, in {month_of(bottom.time)}", bottom, "K"),
            as_value("mean", index.mean(), "K"),
            as_value("standard deviation", index.std(), "K"),
            as_value("positive events", sum(e.peak > 0 for e in found), "1"),
            as_value("negative events", sum(e.peak < 0 for e in found), "1"),
        ],
        notes,
        index=written(index, "Dipole Mode Index", "K"),
        west=written(west, "anomaly in the west", "K"),
        east=written(east, "anomaly in the east", "K"),
    )


def _difference(outcome: Outcome, inputs: Inputs, slots: Slots) -> bool:
    data = outcome.data
    return bool(np.isclose(float(data.west.mean() - data.east.mean()), float(outcome.values[2].value), atol=1e-6))


RECIPE = Recipe(
    name="indian_ocean_dipole",
    title="Indian Ocean Dipole",
    phrases=(
        "Indian Ocean Dipole index",
        "compute the dipole mode index DMI",
        "IOD time series from sea surface temperature",
        "when was the strongest positive Indian Ocean Dipole",
        "how many negative IOD events since 1980",
        "west minus east Indian Ocean SST anomaly",
        "was 2019 a positive dipole year",
        "zonal SST gradient across the equatorial Indian Ocean",
    ),
    slots=(PERIOD, BASE, *WHICH_DATA),
    inputs=(Input("sst", SEA_SURFACE, needs=("time", "lat", "lon")),),
    method=(
        "Monthly sea surface temperature anomaly of 10°S–10°N, 50–70°E less that of 10°S–0°, 90–110°E, relative to the "
        "calendar months' means of the base period."
    ),
    references=("Saji, N. H., et al., 1999: A dipole mode in the tropical Indian Ocean. Nature, 401, 360–363.",),
    compute=compute,
    plot=lines("index"),
    checks=(FINITE, among("index"), Check("its mean is that of the west less that of the east", _difference)),
)
