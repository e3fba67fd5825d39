"""What value is exceeded only so often?"""

from __future__ import annotations

import numpy as np

from tellurion_agent.diagnostics.times import in_season
from tellurion_agent.recipes.asked import FIELD, SERIES_INPUTS
from tellurion_agent.recipes.checking import FINITE, among
from tellurion_agent.recipes.figures import lines
from tellurion_agent.recipes.recipe import Check, Inputs, NoAnswer, Outcome, Recipe, Slots
from tellurion_agent.recipes.selection import Notes, mean_series
from tellurion_agent.recipes.wording import as_value, name_of, outcome, subject, units_of, written
from tellurion_agent.slots import Kind, Slot


def compute(inputs: Inputs, slots: Slots) -> Outcome:
    """The percentile of the area mean's values in time."""
    notes: Notes = []
    percent = float(slots.get("percentile") or 95.0)
    if not 0 < percent < 100:
        raise NoAnswer(f"a percentile lies between 0 and 100, not at {percent:g}")
    series = mean_series(inputs, "field", slots, notes)
    values, units = in_season(series, slots["season"].months).dropna("time"), units_of(series)
    if values.size < 100 / min(percent, 100 - percent):
        notes.append(f"{values.size} values hardly tell the {percent:g}th percentile.")
    quantile, what = float(np.percentile(values.values, percent)), subject(series, slots)
    limit = values.copy(data=np.full(values.size, quantile))
    return outcome(
        f"{percent:g}th percentile of {what}",
        [
            as_value(f"{percent:g}th percentile of {what}", quantile, units),
            as_value("values it rests on", values.size, "1"),
        ],
        notes,
        series=written(values, f"area mean of {name_of(series)}", units),
        percentile=written(limit, f"{percent:g}th percentile", units),
    )


def _counted(outcome: Outcome, inputs: Inputs, slots: Slots) -> bool:
    share = float(slots.get("percentile") or 95.0) / 100
    values, q = outcome.data.series.values, float(outcome.values[0].value)
    below = float(np.mean(values < q)) if values.size else np.nan
    return below <= share + 1 / values.size and float(np.mean(values <= q)) >= share - 1 / values.size


RECIPE = Recipe(
    name="percentile",
    title="Percentile",
    phrases=(
        "What is the 95th percentile of daily precipitation over Germany?",
        "90th percentile of summer temperature in Spain",
        "median sea surface temperature in the Baltic",
        "10th percentile of winter temperature over Canada",
        "which rainfall amount is exceeded on only one percent of days",
        "the 99th percentile of wind speed over the North Sea",
        "upper decile of monthly temperature",
        "quantile of sea level pressure over Iceland",
    ),
    slots=(*FIELD, Slot("percentile", Kind.NUMBER, "Which percentile?", default=95.0)),
    inputs=SERIES_INPUTS,
    method="Percentile over time of the area mean, by linear interpolation between order statistics (Hyndman and "
    "Fan's type 7).",
    references=("Hyndman, R. J., and Y. Fan, 1996: Sample quantiles in statistical packages. Am. Stat., 50, 361–365.",),
    compute=compute,
    plot=lines("series", "percentile"),
    checks=(FINITE, among("series"), Check("as many values lie below it as it says", _counted)),
)
