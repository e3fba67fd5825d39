"""How strong were El Niño and La Niña, and when?"""

from __future__ import annotations

import numpy as np

from tellurion_agent.diagnostics.enso import events, oni
from tellurion_agent.recipes.asked import BASE, PERIOD, SEA_SURFACE, WHICH_DATA
from tellurion_agent.recipes.checking import FINITE, among
from tellurion_agent.recipes.figures import lines
from tellurion_agent.recipes.indices import box_anomaly, month_of
from tellurion_agent.recipes.recipe import Check, Input, Inputs, NoAnswer, Outcome, Recipe, Slots
from tellurion_agent.recipes.selection import Notes
from tellurion_agent.recipes.wording import as_value, outcome, span, written
from tellurion_agent.slots import Kind, Slot

BOXES = ("Niño 3.4", "Niño 3", "Niño 4", "Niño 1+2")


def compute(inputs: Inputs, slots: Slots) -> Outcome:
    """The largest three-month mean, the numbers of events, their months, and the index's standard deviation."""
    notes: Notes = []
    box = slots.get("box") or BOXES[0]
    anomaly, base = box_anomaly(inputs["sst"], box, slots, notes)
    if anomaly.sizes["time"] < 3:
        raise NoAnswer(f"{anomaly.sizes['time']} months are too few for a three-month mean")
    index = oni(anomaly)
    if not index.notnull().any():
        raise NoAnswer("no three months in a row have values")
    found = events(index.values)
    warm, cold = ([e for e in found if sign * e.peak > 0] for sign in (1, -1))
    top, bottom = index[int(np.nanargmax(index.values))], index[int(np.nanargmin(index.values))]
    where = f"{box}, {span(index)}, base {base.first}–{base.last}"
    extreme = {
        "maximum": [as_value(f"largest three-month mean, centred on {month_of(top.time)}; {where}", top, "K")],
        "minimum": [as_value(f"smallest three-month mean, centred on {month_of(bottom.time)}; {where}", bottom, "K")],
        "events": [
            as_value(f"El Niño events, {where}", len(warm), "1"),
            as_value(f"La Niña events, {where}", len(cold), "1"),
        ],
        "mean": [as_value(f"mean anomaly, {where}", anomaly.mean(), "K")],
    }
    asked = slots.get("statistic") or "maximum"
    values = [v for name in sorted(extreme, key=lambda name: name != asked) for v in extreme[name]]
    values.append(as_value("standard deviation of the monthly anomaly", anomaly.std(), "K"))
    for event in found[:40]:
        kind = "El Niño" if event.peak > 0 else "La Niña"
        when = f"{month_of(index.time[event.first])} to {month_of(index.time[event.last])}"
        values.append(as_value(f"peak of the {kind} of {when}", event.peak, "K"))
    notes.append(
        "An event is at least five overlapping three-month means in a row of 0.5 K or more, or −0.5 K or less."
    )
    return outcome(
        f"Oceanic Niño Index, {where}",
        values,
        notes,
        index=written(index, "three-month mean anomaly", "K"),
        anomaly=written(anomaly, "monthly anomaly", "K"),
    )


def _smoothed(outcome: Outcome, inputs: Inputs, slots: Slots) -> bool:
    anomaly, index = outcome.data.anomaly.values, outcome.data["index"].values
    again = (anomaly[:-2] + anomaly[1:-1] + anomaly[2:]) / 3
    return bool(np.allclose(again, index[1:-1], atol=1e-6, equal_nan=True))


RECIPE = Recipe(
    name="enso_index",
    title="Niño index and events",
    phrases=(
        "Compute the Niño 3.4 index",
        "Oceanic Niño Index ONI",
        "how many El Niño events were there since 1950",
        "when was the strongest El Niño",
        "list La Niña events",
        "Niño3.4 SST anomaly time series relative to 1981-2010",
        "strength of the 1997/98 El Niño",
        "ENSO index with a three month running mean",
        "was there an El Niño in 2015",
        "how often does La Niña occur in the model",
    ),
    slots=(
        PERIOD,
        BASE,
        Slot("box", Kind.CHOICE, "Which Niño region?", default=BOXES[0], choices=BOXES),
        Slot(
            "statistic",
            Kind.CHOICE,
            "The maximum, the minimum, the events, or the mean?",
            default="maximum",
            choices=("maximum", "minimum", "events", "mean"),
        ),
        *WHICH_DATA,
    ),
    inputs=(Input("sst", SEA_SURFACE, needs=("time", "lat", "lon")),),
    method=(
        "Monthly sea surface temperature of the box (Niño 3.4: 5°S–5°N, 170–120°W), area-weighted, less the calendar "
        "months' means of the base period; centred three-month mean. Events by the Climate Prediction Center's "
        "definition, "
        "with one fixed base period where CPC moves it."
    ),
    references=(
        "Trenberth, K. E., 1997: The definition of El Niño. Bull. Am. Meteorol. Soc., 78, 2771–2777.",
        "NOAA Climate Prediction Center: Cold and warm episodes by season.",
    ),
    compute=compute,
    plot=lines("index", "anomaly"),
    checks=(FINITE, among("anomaly"), Check("the index is the mean of three anomalies", _smoothed)),
)
