"""Where and how much do two periods differ?"""

from __future__ import annotations

import numpy as np
from scipy.stats import ttest_ind_from_stats

from tellurion_agent.diagnostics.averages import area_mean
from tellurion_agent.diagnostics.times import season_means
from tellurion_agent.recipes.asked import FIELD, MAP_INPUTS, PERIOD, of, quantity
from tellurion_agent.recipes.bases import in_years
from tellurion_agent.recipes.checking import FINITE, among, percent_of
from tellurion_agent.recipes.figures import map_of
from tellurion_agent.recipes.recipe import Inputs, NoAnswer, Outcome, Recipe, Slots
from tellurion_agent.recipes.selection import Notes, masked, part
from tellurion_agent.recipes.wording import (
    as_value,
    asked_first,
    difference_units,
    name_of,
    outcome,
    subject,
    units_of,
    written,
)

QUANTITIES = ("absolute", "percent")
TEMPERATURES = ("degC", "K")


def compute(inputs: Inputs, slots: Slots) -> Outcome:
    """The map of the second period's mean less the first's, its probability by chance, and the area mean."""
    notes: Notes = []
    first, second = sorted((slots["first_period"], slots["second_period"]), key=lambda p: (p.first, p.last))
    if (first, second) != (slots["first_period"], slots["second_period"]):
        notes.append("The difference is of the later period less the earlier.")
    field = part(inputs["field"], slots, notes, fraction=inputs.get("land_fraction"))
    yearly = season_means(field, slots["season"].months)
    means, samples = [], []
    for period in (first, second):
        values = in_years(yearly, period)
        if 2 * values.sizes["year"] < period.last - period.first + 1:
            raise NoAnswer(
                f"the data, {yearly.year.values[0]}–{yearly.year.values[-1]}, lack {period.first}–{period.last}"
            )
        values = values.compute()
        means.append(values.mean("year"))
        samples.append((means[-1].values, values.std("year", ddof=1).values, values.notnull().sum("year").values))
    difference = masked(means[1] - means[0])
    if not difference.notnull().any():
        raise NoAnswer(f"{name_of(field)} has no values in both periods")
    units = difference_units(units_of(field))
    what = subject(field.isel(time=[0]).drop_vars("time").squeeze("time"), slots)
    label = f"{second.first}–{second.last} less {first.first}–{first.last}, {what}"
    data = {"difference": written(difference, f"difference of {name_of(field)}", units)}
    if all(size.max() > 2 for _, _, size in samples):
        with np.errstate(invalid="ignore", divide="ignore"):  # cells without values, or without variance
            p = ttest_ind_from_stats(*samples[1], *samples[0], equal_var=False).pvalue
        data["p"] = written(
            difference.copy(data=p).where(difference.notnull()), "probability of such a difference by chance", "1"
        )
        notes.append("Dots mark cells where Welch's test of yearly means has p < 0.05, autocorrelation not regarded.")
    average, _ = area_mean(difference, field.area)
    extremes = [float(difference.min()), float(difference.max())]
    values = {
        QUANTITIES[0]: [as_value(f"area mean of the difference, {label}", average, units)],
        "extremes": [
            as_value(f"{word} of the map", value, units)
            for word, value in zip(("minimum", "maximum"), extremes, strict=True)
        ],
    }
    asked = slots.get("quantity") or QUANTITIES[0]
    if units_of(field) not in TEMPERATURES:
        before, _ = area_mean(masked(means[0]).where(difference.notnull()), field.area)
        relative = 100 * float(average) / float(before)
        values[QUANTITIES[1]] = [
            as_value("the same relative to the earlier period's area mean", relative, "%"),
            as_value("area mean of the earlier period", before, units),
        ]
    elif asked == QUANTITIES[1]:
        raise NoAnswer("a temperature in degrees Celsius has no natural zero: its change in percent means nothing")
    return outcome(f"Difference, {label}", asked_first(values, asked), notes, **data)


RECIPE = Recipe(
    name="period_difference",
    title="Difference between two periods",
    phrases=(
        "Difference in mean temperature between 1961-1990 and 1991-2020",
        "map of the change in precipitation from 1951-1980 to 1981-2010",
        "compare sea surface temperature of the 1980s with the 2010s",
        "subtract the 1850-1900 mean from the 1995-2014 mean",
        "where did it warm most between 1900-1920 and 2000-2020",
        "change in winter sea level pressure between two periods",
        "second period minus first period salinity",
        "how did rainfall in the Sahel change between 1950-1969 and 1970-1989",
        "by how many degrees did temperature increase from 1981-1995 to 1996-2014",
        "by what percentage did mean precipitation change from 1980-1989 to 2005-2014",
        "percent change of rainfall, 2000-2014 relative to 1980-1994",
        "2000-2014 minus 1980-1994, change in temperature",
    ),
    slots=(
        *(slot for slot in FIELD if slot is not PERIOD),
        of("first", PERIOD, "Which is the earlier period?", required=True),
        of("second", PERIOD, "Which is the later period?", required=True),
        quantity("The difference, or that in percent?", QUANTITIES),
    ),
    inputs=MAP_INPUTS,
    method=(
        "In every cell the mean over the years or seasons of the later period less that of the earlier; Welch's "
        "test of "
        "the yearly values."
    ),
    references=("Welch, B. L., 1947: The generalization of Student's problem. Biometrika, 34, 28–35.",),
    compute=compute,
    plot=map_of("difference", diverging=True, hatched="p"),
    akin="period_anomaly",
    checks=(
        FINITE,
        among("difference", label="area mean of the difference"),
        percent_of("area mean of the difference", "area mean of the earlier"),
    ),
)
