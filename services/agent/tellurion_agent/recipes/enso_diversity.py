"""Which El Niños were of the eastern and which of the central Pacific?"""

from __future__ import annotations

import numpy as np
import xarray as xr

from tellurion_agent.diagnostics.enso import events, is_eastern, oni
from tellurion_agent.recipes.asked import BASE, PERIOD, SEA_SURFACE, WHICH_DATA, quantity
from tellurion_agent.recipes.checking import FINITE, again
from tellurion_agent.recipes.figures import scatter
from tellurion_agent.recipes.indices import box_anomaly, kept, seasonal
from tellurion_agent.recipes.recipe import Input, Inputs, NoAnswer, Outcome, Recipe, Slots
from tellurion_agent.recipes.selection import Notes
from tellurion_agent.recipes.wording import as_value, asked_first, outcome, span, written
from tellurion_agent.slots import ALL

QUANTITIES = (ALL, "number of eastern", "number of central", "amplitude of eastern", "amplitude of central")
WINTER = (12, 1, 2)


def compute(inputs: Inputs, slots: Slots) -> Outcome:
    """Numbers and mean amplitudes of the two kinds, and each event's Niño 3 and Niño 4 in December to February."""
    notes: Notes = []
    everywhere = {**slots, "period": None}
    boxes = {box: box_anomaly(inputs["sst"], box, everywhere, notes)[0] for box in ("Niño 3.4", "Niño 3", "Niño 4")}
    index = kept(oni(boxes["Niño 3.4"]), slots)
    found = [event for event in events(index.values) if event.peak > 0]
    if not found:
        raise NoAnswer(f"there is no El Niño event in {span(index)}")
    winters = {box: seasonal(boxes[box], WINTER, None) for box in ("Niño 3", "Niño 4")}
    east, west, labels = [], [], []
    for event in found:
        winter = _winter(index.time[event.first + int(np.nanargmax(index.values[event.first : event.last + 1]))])
        if winter not in winters["Niño 3"] or winter in labels:
            notes.append(f"The event about the winter {winter} is left out: its December to February is not there.")
            continue
        east.append(winters["Niño 3"][winter])
        west.append(winters["Niño 4"][winter])
        labels.append(winter)
    if not labels:
        raise NoAnswer("no El Niño event has a complete December to February")
    kinds = np.array([is_eastern(e, w) for e, w in zip(east, west, strict=True)])
    values = {
        QUANTITIES[1]: [as_value(f"eastern-Pacific (EP) El Niño events, {span(index)}", int(kinds.sum()), "1")],
        QUANTITIES[2]: [as_value(f"central-Pacific (CP) El Niño events, {span(index)}", int((~kinds).sum()), "1")],
    }
    asked = slots.get("quantity") or ALL
    for quantity_, box, sizes, which in zip(
        QUANTITIES[3:], ("Niño 3", "Niño 4"), (np.array(east), np.array(west)), (kinds, ~kinds), strict=True
    ):
        if which.any():
            label = f"mean DJF anomaly of {box} in {quantity_.rpartition(' ')[2]}-Pacific El Niño events"
            values[quantity_] = [as_value(label, sizes[which].mean(), "K")]
        elif asked == quantity_:
            raise NoAnswer(f"there is no such El Niño event in {span(index)}")
    values["events"] = [
        value
        for winter, e, w, eastern in list(zip(labels, east, west, kinds, strict=True))[:40]
        for value in (
            as_value(f"kind of {winter}", "eastern Pacific" if eastern else "central Pacific", "1"),
            as_value(f"Niño 3 less Niño 4 in DJF {winter}", e - w, "K"),
        )
    ]
    data = {"nino3": (east, "DJF anomaly of Niño 3"), "nino4": (west, "DJF anomaly of Niño 4")}
    return outcome(
        f"El Niño events by where they warm, {span(index)}",
        asked_first(values, asked),
        [*notes, "An event is of the east where Niño 3 exceeds Niño 4 in its December to February."],
        **{
            name: written(xr.DataArray(v, coords={"event": labels}, dims="event"), text, "K")
            for name, (v, text) in data.items()
        },
    )


def _winter(time: xr.DataArray) -> str:
    """The December to February that is nearest to a month: ``1997/98``."""
    first = time.dt.year.item() - (time.dt.month.item() <= 6)
    return f"{first}/{(first + 1) % 100:02d}"


def _from_winters(data: xr.Dataset, slots: Slots) -> float:
    eastern = data.nino3 > data.nino4
    match slots.get("quantity"):
        case "number of central":
            return float((~eastern).sum())
        case "amplitude of eastern":
            return float(data.nino3.where(eastern).mean())
        case "amplitude of central":
            return float(data.nino4.where(~eastern).mean())
    return float(eastern.sum())


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
        "how many El Niño events were Eastern Pacific events, that is DJF Niño3 larger than DJF Niño4",
        "number of CP El Niños, with Niño4 > Niño3 in December to February",
        "count of EP El Niños by the Niño method",
        "mean DJF Niño3 anomaly of the Eastern Pacific El Niño events",
        "average amplitude of EP El Niños",
        "number of El Niños of the central Pacific, Niño4 exceeding Niño3 in winter",
    ),
    slots=(
        PERIOD,
        BASE,
        quantity("Of the eastern or of the central Pacific, how many or how strong?", QUANTITIES),
        *WHICH_DATA,
    ),
    inputs=(Input("sst", SEA_SURFACE, needs=("time", "lat", "lon")),),
    method=(
        "El Niño events of the Oceanic Niño Index; in the December to February nearest to the peak of each the "
        "anomalies of Niño 3 (150–90°W) and Niño 4 (160°E–150°W) are compared."
    ),
    references=(
        "Kug, J.-S., et al., 2009: Two types of El Niño events. J. Climate, 22, 1499–1515.",
        "Yeh, S.-W., et al., 2009: El Niño in a changing climate. Nature, 461, 511–514.",
    ),
    compute=compute,
    plot=scatter("nino3", "nino4"),
    checks=(FINITE, again("the winters give the same answer", _from_winters)),
)
