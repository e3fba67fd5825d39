"""How strong were El Niño and La Niña, and when?"""

from __future__ import annotations

from itertools import groupby

import numpy as np
import xarray as xr

from tellurion_agent.diagnostics.enso import SEASONS, THRESHOLD, events, oni
from tellurion_agent.recipes.asked import ANNUAL, BASE, PERIOD, SEA_SURFACE, SEASON, WHICH_DATA
from tellurion_agent.recipes.checking import FINITE, again
from tellurion_agent.recipes.figures import lines
from tellurion_agent.recipes.indices import box_anomaly, kept, month_of, seasonal
from tellurion_agent.recipes.recipe import Check, Input, Inputs, NoAnswer, Outcome, Recipe, Slots, Value
from tellurion_agent.recipes.selection import Notes
from tellurion_agent.recipes.wording import as_value, asked_first, outcome, span, written
from tellurion_agent.slots import Kind, Slot

BOXES = ("Niño 3.4", "Niño 3", "Niño 4", "Niño 1+2")
STATISTICS = (
    "highest ONI",
    "lowest ONI",
    "El Niño events",
    "La Niña events",
    "year of the maximum",
    "year of the minimum",
    "mean",
    "standard deviation",
)
LONG_NAMES = {
    "index": "three-month mean anomaly",
    "anomaly": "monthly anomaly",
    "season_mean": "anomaly in the season",
}
SMOOTHINGS = ("monthly", "three-month mean")


def compute(inputs: Inputs, slots: Slots) -> Outcome:
    """The index's extremes, when they were, the numbers of events, mean and standard deviation; or that of a season."""
    notes: Notes = []
    box = slots.get("box") or BOXES[0]
    whole, base = box_anomaly(inputs["sst"], box, {**slots, "period": None}, notes)
    if whole.sizes["time"] < 3:
        raise NoAnswer(f"{whole.sizes['time']} months are too few for a three-month mean")
    anomaly, index = kept(whole, slots), kept(oni(whole), slots)
    if not index.notnull().any():
        raise NoAnswer("no three months in a row have values")
    where = f"{box}, {span(index)}, base {base.first}–{base.last}"
    data = {"index": index, "anomaly": anomaly}
    if (slots.get("season") or ANNUAL).months == ANNUAL.months:
        values = _statistics(index, anomaly, slots, where)
    else:
        values, data["season_mean"] = _of_season(whole, slots, where)
    notes.append(
        "An event is at least five overlapping three-month means in a row of 0.5 K or more, or −0.5 K or less."
    )
    return outcome(
        f"Oceanic Niño Index, {where}",
        values,
        notes,
        **{name: written(array, LONG_NAMES[name], "K") for name, array in data.items()},
    )


def _statistics(index: xr.DataArray, anomaly: xr.DataArray, slots: Slots, where: str) -> list[Value]:
    """Of all months; extremes are those of three-month means unless monthly ones are asked for."""
    monthly = slots.get("smoothing") == SMOOTHINGS[0]
    series, mean_of = (anomaly, "month") if monthly else (index, "three-month mean")
    top, bottom = series[int(np.nanargmax(series.values))], series[int(np.nanargmin(series.values))]
    varying, of = (
        (index, "three-month mean") if slots.get("smoothing") == SMOOTHINGS[1] else (anomaly, "monthly anomaly")
    )
    found = events(index.values)
    warm, cold = ([e for e in found if sign * e.peak > 0] for sign in (1, -1))
    values = {
        "highest ONI": [as_value(f"largest {mean_of}, centred on {month_of(top.time)}; {where}", top, "K")],
        "lowest ONI": [as_value(f"smallest {mean_of}, centred on {month_of(bottom.time)}; {where}", bottom, "K")],
        "El Niño events": [as_value(f"El Niño events, {where}", len(warm), "1")],
        "La Niña events": [as_value(f"La Niña events, {where}", len(cold), "1")],
        "year of the maximum": [as_value(f"year of the largest {mean_of}", top.time.dt.year, "year")],
        "year of the minimum": [as_value(f"year of the smallest {mean_of}", bottom.time.dt.year, "year")],
        "mean": [as_value(f"mean anomaly, {where}", anomaly.mean(), "K")],
        "standard deviation": [as_value(f"standard deviation of the {of}, {where}", varying.std(), "K")],
        "events": [
            as_value(
                f"peak of the {'El Niño' if event.peak > 0 else 'La Niña'} of "
                f"{month_of(index.time[event.first])} to {month_of(index.time[event.last])}",
                event.peak,
                "K",
            )
            for event in found[:40]
        ],
    }
    return asked_first(values, slots.get("statistic") or STATISTICS[0])


def _of_season(whole: xr.DataArray, slots: Slots, where: str) -> tuple[list[Value], xr.DataArray]:
    """The index in one month or season of each year, and those values [winter], by the names of the years."""
    season, period = slots["season"], slots.get("period")
    series = oni(whole) if len(season.months) == 1 and slots.get("smoothing") == SMOOTHINGS[1] else whole
    found = seasonal(series, season.months, period)
    if not found:
        raise NoAnswer(f"there is no complete {season.name} in the years asked for")
    what = "three-month mean" if series is not whole else "anomaly"
    numbers, years = np.array(list(found.values())), list(found)
    means = xr.DataArray(numbers, coords={"winter": years}, dims="winter")
    if len(found) == 1:
        return [as_value(f"{what}, {season.name} {years[0]}; {where}", numbers[0], "K")], means
    top, bottom = int(numbers.argmax()), int(numbers.argmin())
    values = {
        "mean": [as_value(f"mean {what} in {season.name}; {where}", numbers.mean(), "K")],
        "highest ONI": [as_value(f"largest {what}, {season.name} {years[top]}; {where}", numbers[top], "K")],
        "lowest ONI": [as_value(f"smallest {what}, {season.name} {years[bottom]}; {where}", numbers[bottom], "K")],
        "standard deviation": [as_value(f"standard deviation of {season.name} {what}; {where}", numbers.std(), "K")],
        "year of the maximum": [as_value(f"{season.name} with the largest {what}", years[top], "1")],
        "year of the minimum": [as_value(f"{season.name} with the smallest {what}", years[bottom], "1")],
    }
    asked = slots.get("statistic") or "mean"
    if asked not in values:
        raise NoAnswer(f"events are of all months, not of {season.name}")
    return asked_first(values, asked), means


def _from_index(data: xr.Dataset, slots: Slots) -> float | str:
    asked = slots.get("statistic")
    if "season_mean" in data:
        of = data.season_mean
        by = {"highest ONI": of.max(), "lowest ONI": of.min(), "standard deviation": of.std()}
        years = {"year of the maximum": of.idxmax(), "year of the minimum": of.idxmin()}
        return str(years[asked].values) if asked in years and of.size > 1 else float(by.get(asked, of.mean()))
    series = data.anomaly if slots.get("smoothing") == SMOOTHINGS[0] else data["index"]
    varying = data["index"] if slots.get("smoothing") == SMOOTHINGS[1] else data.anomaly
    if asked in ("El Niño events", "La Niña events"):
        beyond = (data["index"] if asked == "El Niño events" else -data["index"]) >= THRESHOLD - 1e-9
        return float(sum(warm and len(list(run)) >= SEASONS for warm, run in groupby(beyond.values)))
    return float(
        {
            "lowest ONI": series.min(),
            "year of the maximum": series.idxmax("time").dt.year,
            "year of the minimum": series.idxmin("time").dt.year,
            "mean": data.anomaly.mean(),
            "standard deviation": varying.std(),
        }.get(asked, series.max())
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
        "count of El Niño events by the ONI, at least 0.5 °C for five overlapping seasons",
        "Niño 3 anomaly in November 2008, base 1981-2010",
        "what was the ONI in NDJ 2008/09",
        "how warm was the Niño 3.4 region in December 1982 compared to its normal",
        "standard deviation of the monthly Niño 3.4 index",
        "how strong is ENSO variability",
        "what is the largest ONI value",
        "count El Niño events",
        "highest ONI value, peak of the strongest El Niño",
        "in which year did the strongest El Niño peak",
        "detect La Niña episodes and tell how many",
        "Oceanic Niño Index, three months centred on December 1996, reference 1981-2010",
    ),
    slots=(
        PERIOD,
        BASE,
        SEASON,
        Slot("box", Kind.CHOICE, "Which Niño region?", default=BOXES[0], choices=BOXES),
        Slot("statistic", Kind.CHOICE, "Which number: an extreme, its year, or how many events?", choices=STATISTICS),
        Slot("smoothing", Kind.CHOICE, "Of months, or of three-month means?", choices=SMOOTHINGS),
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
    checks=(
        FINITE,
        again("the index gives the same answer", _from_index),
        Check("the index is the mean of three anomalies", _smoothed),
    ),
)
