"""How much does a period depart from a base period?"""

from __future__ import annotations

import numpy as np

from tellurion_agent.diagnostics.samples import t_quantile
from tellurion_agent.diagnostics.times import departures, season_means
from tellurion_agent.recipes.asked import BASE, FIELD, SERIES_INPUTS, quantity
from tellurion_agent.recipes.bases import base_period, in_years
from tellurion_agent.recipes.checking import BRACKETED, FINITE, among, percent_of
from tellurion_agent.recipes.figures import lines
from tellurion_agent.recipes.period_difference import QUANTITIES, TEMPERATURES
from tellurion_agent.recipes.recipe import Check, Inputs, NoAnswer, Outcome, Recipe, Slots
from tellurion_agent.recipes.selection import Notes, mean_series
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
from tellurion_agent.slots import Period


def compute(inputs: Inputs, slots: Slots) -> Outcome:
    """The mean of a period less that of the base, and the yearly anomalies."""
    notes: Notes = []
    series = mean_series(inputs, "field", {**slots, "period": None}, notes)
    months = slots["season"].months
    yearly = season_means(departures(series), months)
    years = yearly.year.values
    base = base_period(slots.get("base"), years, notes)
    period = slots.get("period") or Period(int(years[-1]), int(years[-1]))
    if slots.get("period") is None:
        notes.append(f"No period was named: taken is the last complete year, {period.last}.")
    normal, recent = in_years(yearly, base).dropna("year"), in_years(yearly, period).dropna("year")
    if 2 * recent.size < period.last - period.first + 1 or not normal.size:
        raise NoAnswer(
            f"the data, {years[0]}–{years[-1]}, do not hold {period.first}–{period.last} and the base period"
        )
    anomaly = yearly - normal.mean()
    usual = float(in_years(season_means(series, months), base).mean())
    value, units = float(recent.mean() - normal.mean()), difference_units(units_of(series))
    low = high = None
    if recent.size >= 5 and normal.size >= 5:
        error = np.sqrt(float(recent.var(ddof=1)) / recent.size + float(normal.var(ddof=1)) / normal.size)
        half = t_quantile(min(recent.size, normal.size) - 1) * error
        low, high = value - half, value + half
    what = subject(in_years(yearly, period).assign_attrs(series.attrs), slots)
    values = {
        QUANTITIES[0]: [as_value(f"anomaly of {what}, relative to {base.first}–{base.last}", value, units, low, high)]
    }
    asked = slots.get("quantity") or QUANTITIES[0]
    if units_of(series) not in TEMPERATURES:
        values[QUANTITIES[1]] = [
            as_value("the same relative to the base period's mean", 100 * value / usual, "%"),
            as_value("mean of the base period", usual, units),
        ]
    elif asked == QUANTITIES[1]:
        raise NoAnswer("a temperature in degrees Celsius has no natural zero: its anomaly in percent means nothing")
    return outcome(
        f"Anomalies of {subject(yearly.assign_attrs(series.attrs), slots)}, relative to {base.first}–{base.last}",
        asked_first(values, asked),
        notes,
        anomaly=written(anomaly, f"anomaly of {name_of(series)}", units),
    )


def _label(outcome: Outcome) -> str:
    return next(value.label for value in outcome.values if value.label.startswith("anomaly of"))


def _sums_to_zero(outcome: Outcome, inputs: Inputs, slots: Slots) -> bool:
    first, last = map(int, _label(outcome).rpartition("relative to ")[2].split("–"))
    base = outcome.data.anomaly.sel(year=slice(first, last))
    return abs(float(base.mean())) <= 1e-6 * max(float(np.abs(outcome.data.anomaly).max()), 1e-12)


RECIPE = Recipe(
    name="period_anomaly",
    title="Anomaly relative to a base period",
    phrases=(
        "How much warmer was 2011-2020 than 1961-1990?",
        "temperature anomaly of 2003 over Europe relative to 1961-1990",
        "anomaly of precipitation in 1998 with respect to the 1981-2010 mean",
        "how unusual was the summer of 2010 compared with the climatology",
        "departure from normal of sea surface temperature in 2016",
        "mean SST anomaly in the Atlantic against the base period 1971-2000",
        "how far above average was last decade's Arctic temperature",
        "rainfall deficit of the year 2005 relative to the long-term average",
        "yearly anomalies of global temperature with base 1850-1900",
        "2014 anomaly of temperature (reference 1981-2010)",
        "anomaly of the year 2004",
    ),
    slots=(*FIELD, BASE, quantity("The anomaly, or that in percent?", QUANTITIES)),
    inputs=SERIES_INPUTS,
    method=(
        "Area-weighted means, monthly departures from the calendar months' means averaged over complete "
        "years or seasons; the mean of the period less that of the base. The "
        "95 % interval is Welch's for two samples of five years and more."
    ),
    references=("WMO, 2017: Guidelines on the Calculation of Climate Normals. WMO-No. 1203.",),
    compute=compute,
    plot=lines("anomaly"),
    checks=(
        FINITE,
        BRACKETED,
        among("anomaly", label="anomaly of"),
        percent_of("anomaly of", "mean of the base"),
        Check("anomalies of the base period sum to nothing", _sums_to_zero),
    ),
)
