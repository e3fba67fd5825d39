"""Is a change larger than what the climate does by itself?"""

from __future__ import annotations

import numpy as np
import xarray as xr

from tellurion_agent.diagnostics.attribution import control_trends
from tellurion_agent.diagnostics.times import season_means
from tellurion_agent.diagnostics.trends import least_squares
from tellurion_agent.recipes.asked import LEVEL, PERIOD, REGION, SEASON, VARIABLE, WHICH_DATA
from tellurion_agent.recipes.checking import FINITE
from tellurion_agent.recipes.figures import lines
from tellurion_agent.recipes.recipe import Check, Input, Inputs, NoAnswer, Outcome, Recipe, Slots
from tellurion_agent.recipes.selection import Notes, averaged, part
from tellurion_agent.recipes.wording import as_value, difference_units, outcome, subject, units_of, written

DETECTED = 2.0
"""Signal over noise."""


def compute(inputs: Inputs, slots: Slots) -> Outcome:
    """Signal-to-noise ratio of the trend against the trends of the control run, and whether it is detected."""
    notes: Notes = []
    months = slots["season"].months
    series = averaged(part(inputs["field"], slots, notes), notes)
    yearly = season_means(series, months).dropna("year")
    trend = least_squares(yearly.year.values.astype(float), yearly.values)
    control = season_means(averaged(part(inputs["control"], {**slots, "period": None}, notes), notes), months).dropna(
        "year"
    )
    length = int(yearly.year[-1] - yearly.year[0]) + 1
    noise = control_trends(control.values, length)
    spread = float(np.sqrt(np.mean(noise**2)))
    if spread == 0:
        raise NoAnswer("the control run does not vary")
    ratio, units = trend.slope / spread, difference_units(units_of(series))
    what = subject(yearly.assign_attrs(series.attrs), slots)
    ends = {"2.5 %": -1.96 * spread, "97.5 %": 1.96 * spread}
    notes.append(f"The noise is of {noise.size} pieces of {length} years of the control run that overlap by half.")
    return outcome(
        f"Detection of the trend of {what}",
        [
            as_value(f"signal-to-noise ratio of the trend of {what}", ratio, "1"),
            as_value("verdict", "detected" if abs(ratio) > DETECTED else "not detected", "1"),
            as_value("trend", 10 * trend.slope, f"{units} decade-1"),
            as_value("standard deviation of the control run's trends", 10 * spread, f"{units} decade-1"),
            *(as_value(f"{name} of trends by chance", 10 * end, f"{units} decade-1") for name, end in ends.items()),
        ],
        notes,
        series=written(yearly, what, units_of(series)),
        trend=written(
            yearly.copy(data=trend.intercept + trend.slope * yearly.year.values), "least-squares fit", units_of(series)
        ),
        noise=written(xr.DataArray(10 * noise, dims="piece"), "trends of the control run", f"{units} decade-1"),
    )


def _verdict(outcome: Outcome, inputs: Inputs, slots: Slots) -> bool:
    noise = np.sqrt(float((outcome.data.noise**2).mean()))
    ratio = float(outcome.values[2].value) / noise
    detected = outcome.values[1].value == "detected"
    return bool(np.isclose(ratio, float(outcome.values[0].value))) and (abs(ratio) > DETECTED) == detected


RECIPE = Recipe(
    name="trend_detection",
    title="Detection of a trend against control variability",
    phrases=(
        "Is the observed warming detectable above internal variability?",
        "signal to noise ratio of the temperature trend against piControl",
        "detection of a climate change signal in precipitation",
        "is the trend larger than natural variability in the control run",
        "has a forced signal emerged from the noise over the Arctic",
        "compare the historical trend with trends in the preindustrial control",
        "detectability of sea surface temperature change",
        "could the trend be due to internal variability alone",
    ),
    slots=(VARIABLE, REGION, LEVEL, PERIOD, SEASON, *WHICH_DATA),
    inputs=(Input("field", (), needs=("time",)), Input("control", (), needs=("time",), experiment="piControl")),
    method=(
        "Least-squares trend of the yearly area means over the root-mean-square trend of all pieces of the same "
        "length of the "
        "control run, its drift taken off; detected where the ratio exceeds 2."
    ),
    references=(
        "Santer, B. D., et al., 2011: Separating signal and noise in atmospheric temperature changes. J. "
        "Geophys. Res., 116, D22105.",
    ),
    compute=compute,
    plot=lines("series", "trend"),
    checks=(FINITE, Check("ratio and verdict are those of the trends", _verdict)),
)
