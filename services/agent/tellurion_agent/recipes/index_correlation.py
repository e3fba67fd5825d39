"""Do two variables or regions vary together?"""

from __future__ import annotations

import re

import numpy as np
import xarray as xr

from tellurion_agent.diagnostics.samples import correlation
from tellurion_agent.diagnostics.times import (
    ALL_MONTHS,
    Step,
    anomalies,
    monthly_climatology,
    monthly_means,
    season_means,
    step,
)
from tellurion_agent.recipes.asked import LEVEL, PERIOD, REGION, SEASON, SOURCE, VARIABLE, of, quantity
from tellurion_agent.recipes.checking import BRACKETED, FINITE, labelled
from tellurion_agent.recipes.figures import scatter
from tellurion_agent.recipes.recipe import Check, Input, Inputs, NoAnswer, Outcome, Recipe, Slots
from tellurion_agent.recipes.selection import Notes, averaged, part
from tellurion_agent.recipes.wording import as_value, asked_first, difference_units, outcome, subject, units_of, written

QUANTITIES = ("correlation", "regression slope")
ROLES = ("first", "second")
PAIR_SLOTS = (
    of("first", VARIABLE, "Which is the first variable?", required=True),
    of("second", VARIABLE, "Which is the second variable?", required=True),
    of("first", REGION, "Of which region is the first?"),
    of("second", REGION, "Of which region is the second?"),
    of("first", LEVEL, "At which level is the first?"),
    of("second", LEVEL, "At which level is the second?"),
    PERIOD,
    of("first", SOURCE, "From which data set is the first?"),
    of("second", SOURCE, "From which data set is the second?"),
)
PAIR_INPUTS = (Input("first", (), needs=("time",)), Input("second", (), needs=("time",)))


def pair(inputs: Inputs, slots: Slots, notes: Notes, months: tuple[int, ...]) -> tuple[list[xr.DataArray], list[str]]:
    """Two series of the same months, or years where a season is asked for or one is yearly; and their names.

    Monthly values are anomalies from the calendar months' means: two seasonal cycles always correlate.
    """
    found, names = [], []
    for role in ROLES:
        own = {
            "period": slots.get("period"),
            "level": slots.get(f"{role}_level"),
            "region": slots.get(f"{role}_region"),
        }
        series = averaged(part(inputs[role], {**own, "season": slots.get("season")}, notes), notes)
        found.append(series)
        names.append(subject(series.isel(time=0, drop=True), own))
    yearly = set(months) != set(ALL_MONTHS) or any(step(s.time) is Step.YEARLY for s in found)
    if yearly:
        series = [season_means(s, months) for s in found]
    else:
        notes.append("Monthly anomalies from the calendar months' means are correlated.")
        series = []
        for values in map(monthly_means, found):
            anomaly = anomalies(values, monthly_climatology(values))
            nth = anomaly.time.dt.year * 12 + anomaly.time.dt.month - 1
            series.append(anomaly.assign_coords(time=nth.values).rename(time="nth"))
    series = list(xr.align(*series, join="inner"))
    if series[0].size < 8:
        raise NoAnswer(f"the two have {series[0].size} values in common; at least 8 are needed")
    if not all(float(s.std()) > 0 for s in series):
        raise NoAnswer("one of the two does not vary")
    return series, names


def compute(inputs: Inputs, slots: Slots) -> Outcome:
    """Pearson's r, its interval, the number of independent pairs, and the regression slope."""
    notes: Notes = []
    (x, y), names = pair(inputs, slots, notes, slots["season"].months)
    r, low, high, n = correlation(x.values, y.values)
    both = np.isfinite(x.values) & np.isfinite(y.values)
    slope, intercept = np.polyfit(x.values[both], y.values[both], 1)
    if n < 0.8 * both.sum():
        notes.append(f"Both are autocorrelated: {both.sum()} pairs count as {n:.0f}.")
    units = [difference_units(units_of(inputs[role])) for role in ROLES]
    what = f"{names[0]} and {names[1]}"
    back = float(np.polyfit(y.values[both], x.values[both], 1)[0])
    values = {
        QUANTITIES[0]: [as_value(f"correlation of {what}", r, "1", low, high), as_value("independent pairs", n, "1")],
        QUANTITIES[1]: [
            as_value("regression of the first on the second", back, _per(*units)),
            as_value("regression of the second on the first", slope, _per(*reversed(units))),
        ],
    }
    return outcome(
        f"Correlation of {what}",
        asked_first(values, slots.get("quantity") or QUANTITIES[0]),
        notes,
        first=written(x, names[0], units[0]),
        second=written(y, names[1], units[1]),
        fit=written(intercept + slope * x, "fit", units[1]),
    )


def _per(units: str, of: str) -> str:
    """Units of a slope: ``mm day-1 K-1``, ``K (mm day-1)-1``."""
    if of == "1":
        return units
    return f"{units} ({of})-1" if re.search(r"\W", of) else f"{units} {of}-1"


def _again(outcome: Outcome, inputs: Inputs, slots: Slots) -> bool:
    x, y = (outcome.data[name].values for name in ROLES)
    both = np.isfinite(x) & np.isfinite(y)
    dx, dy = x[both] - x[both].mean(), y[both] - y[both].mean()
    r = (dx * dy).sum() / np.sqrt((dx**2).sum() * (dy**2).sum())
    return bool(np.isclose(r, labelled(outcome, "correlation of"), atol=1e-9))


def _slopes(outcome: Outcome, inputs: Inputs, slots: Slots) -> bool:
    r = labelled(outcome, "correlation of")
    both = (labelled(outcome, f"regression of the {role}") for role in ROLES)
    product = float(np.prod(list(both)))
    return bool(np.isclose(product, r**2, atol=1e-9))


def _possible(outcome: Outcome, inputs: Inputs, slots: Slots) -> bool:
    return abs(labelled(outcome, "correlation of")) <= 1 + 1e-9


RECIPE = Recipe(
    name="index_correlation",
    title="Correlation of two indices",
    phrases=(
        "Correlation between Niño 3.4 SST and rainfall over India",
        "are Arctic temperature and European sea level pressure correlated",
        "how strongly is precipitation in the Sahel related to North Atlantic temperature",
        "correlate two indices with effective sample size",
        "relationship between sea surface temperature in the Indian Ocean and rain in East Africa",
        "Pearson correlation of temperature and salinity in the Mediterranean",
        "do temperature and cloud cover vary together",
        "link between winter pressure over Iceland and temperature in Scandinavia",
        "correlation between the SOI and the Niño 3.4 index",
        "correlate Niño 3 with Niño 4 monthly anomalies, Pearson r",
        "regress precipitation anomalies of a box on the Niño 3.4 index: slope in mm/day per K",
        "regression coefficient of rainfall over the box onto nino3.4 monthly anomalies",
        "by how many mm/day does rain increase per degree of Niño 3.4",
        "how strongly do two indices correlate",
        "by how much does rainfall go up for each kelvin of Niño 3.4",
    ),
    slots=(*PAIR_SLOTS, SEASON, quantity("Their correlation, or the slope of one on the other?", QUANTITIES)),
    inputs=PAIR_INPUTS,
    method=(
        "Pearson's correlation of area means: of monthly anomalies, or of yearly means of a season. Its 95 % "
        "interval is "
        "Fisher's with n (1 − r₁r₂)/(1 + r₁r₂) independent pairs. Trends are not removed."
    ),
    references=(
        "Bretherton, C. S., et al., 1999: The effective number of spatial degrees of freedom. J. Climate, 12, "
        "1990–2009.",
    ),
    compute=compute,
    plot=scatter("first", "second", "fit"),
    checks=(
        FINITE,
        BRACKETED,
        Check("no correlation exceeds 1", _possible),
        Check("the product of the two slopes is the square of r", _slopes),
        Check("the sums of products give the same r", _again),
    ),
)
