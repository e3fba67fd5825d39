"""Which El Niños were of the eastern and which of the central Pacific?"""

from __future__ import annotations

import numpy as np
import xarray as xr

from tellurion_agent.diagnostics.enso import events, is_eastern, oni
from tellurion_agent.recipes.asked import BASE, PERIOD, SEA_SURFACE, WHICH_DATA
from tellurion_agent.recipes.checking import FINITE
from tellurion_agent.recipes.figures import scatter
from tellurion_agent.recipes.indices import box_anomaly, month_of
from tellurion_agent.recipes.recipe import Check, Input, Inputs, NoAnswer, Outcome, Recipe, Slots
from tellurion_agent.recipes.selection import Notes
from tellurion_agent.recipes.wording import as_value, outcome, span, written


def compute(inputs: Inputs, slots: Slots) -> Outcome:
    """Numbers of the two kinds, and the anomalies of Niño 3 and Niño 4 in the December to February of each event."""
    notes: Notes = []
    boxes = {box: box_anomaly(inputs["sst"], box, slots, notes)[0] for box in ("Niño 3.4", "Niño 3", "Niño 4")}
    index = oni(boxes["Niño 3.4"])
    found = [event for event in events(index.values) if event.peak > 0]
    if not found:
        raise NoAnswer(f"there is no El Niño event in {span(index)}")
    east, west, labels = [], [], []
    for event in found:
        inside = slice(event.first, event.last + 1)
        peak = event.first + int(np.nanargmax(index.values[inside]))
        window = slice(max(peak - 1, 0), peak + 2)
        east.append(float(boxes["Niño 3"][window].mean()))
        west.append(float(boxes["Niño 4"][window].mean()))
        labels.append(month_of(index.time[peak]))
    eastern = sum(map(is_eastern, east, west))
    values = [
        as_value(f"eastern-Pacific El Niño events, {span(index)}", eastern, "1"),
        as_value(f"central-Pacific El Niño events, {span(index)}", len(found) - eastern, "1"),
    ]
    for label, e, w in zip(labels[:40], east, west, strict=False):
        values.append(as_value(f"peak of {label}", "eastern Pacific" if is_eastern(e, w) else "central Pacific", "1"))
        values.append(as_value(f"Niño 3 less Niño 4 in the three months about {label}", e - w, "K"))
    data = {"nino3": (east, "Niño 3 anomaly at the peak"), "nino4": (west, "Niño 4 anomaly at the peak")}
    return outcome(
        f"El Niño events by where they warm, {span(index)}",
        values,
        [*notes, "An event is of the east where Niño 3 exceeds Niño 4 in the three months about its peak."],
        **{
            name: written(xr.DataArray(v, coords={"event": labels}, dims="event"), text, "K")
            for name, (v, text) in data.items()
        },
    )


def _sums(outcome: Outcome, inputs: Inputs, slots: Slots) -> bool:
    return float(outcome.values[0].value) == float((outcome.data.nino3 > outcome.data.nino4).sum())


RECIPE = Recipe(
    name="enso_diversity",
    title="Eastern and central Pacific El Niños",
    phrases=(
        "Classify El Niño events into eastern Pacific and central Pacific types",
        "ENSO diversity",
        "El Niño Modoki events",
        "how many central Pacific El Niños are in the model",
        "EP versus CP El Niño using Niño3 and Niño4",
        "which El Niños were of the dateline type",
        "flavours of El Niño",
        "does the model simulate both kinds of El Niño",
    ),
    slots=(PERIOD, BASE, *WHICH_DATA),
    inputs=(Input("sst", SEA_SURFACE, needs=("time", "lat", "lon")),),
    method=(
        "El Niño events of the Oceanic Niño Index; in the three months about the peak of each the anomalies of Niño 3 "
        "(150–90°W) and Niño 4 (160°E–150°W) are compared."
    ),
    references=(
        "Kug, J.-S., et al., 2009: Two types of El Niño events. J. Climate, 22, 1499–1515.",
        "Yeh, S.-W., et al., 2009: El Niño in a changing climate. Nature, 461, 511–514.",
    ),
    compute=compute,
    plot=scatter("nino3", "nino4"),
    checks=(FINITE, Check("as many events are of the east as have the warmer Niño 3", _sums)),
)
