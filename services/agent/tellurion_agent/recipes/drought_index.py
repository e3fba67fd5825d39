"""How unusual is the rain of the last months?"""

from __future__ import annotations

import numpy as np
import xarray as xr

from tellurion_agent.diagnostics.precipitation import SPI_LIMIT, spi
from tellurion_agent.diagnostics.times import monthly_means
from tellurion_agent.recipes.asked import ANNUAL, BASE, LAND_FRACTION, PERIOD, PRECIPITATION, REGION, SEASON, WHICH_DATA
from tellurion_agent.recipes.bases import base_period, years_of
from tellurion_agent.recipes.checking import FINITE, again
from tellurion_agent.recipes.figures import lines
from tellurion_agent.recipes.indices import kept, month_of, season_values
from tellurion_agent.recipes.recipe import Check, Input, Inputs, NoAnswer, Outcome, Recipe, Slots
from tellurion_agent.recipes.selection import Notes, mean_series
from tellurion_agent.recipes.wording import as_value, headline, outcome, place, span, written
from tellurion_agent.slots import Kind, Slot

STATISTICS = ("deepest drought", "index of the month", "months in drought", "mean index")
RARE = 3.09
"""Index of what happens in one month of a thousand."""
DROUGHT = -1.0
"""Below which a month is in drought (McKee et al. 1993)."""


def compute(inputs: Inputs, slots: Slots) -> Outcome:
    """The lowest index and its month, the last one, and the share of months in drought."""
    notes: Notes = []
    window = int(slots.get("window") or 3)
    if not 1 <= window <= 48:
        raise NoAnswer(f"the index is over 1 to 48 months, not {window}")
    series = monthly_means(mean_series(inputs, "precipitation", {**slots, "period": None}, notes))
    amount = series * series.time.dt.days_in_month
    gaps = np.diff(series.time.dt.year.values * 12 + series.time.dt.month.values)
    if (gaps != 1).any():
        raise NoAnswer("months are missing: sums over months cannot be made")
    years = years_of(series)
    base = base_period(slots.get("base"), years, notes)
    inside = (years >= base.first) & (years <= base.last)
    index = kept(series.copy(data=spi(amount.values, series.time.dt.month.values, window, inside)), slots)
    if not index.notnull().any():
        raise NoAnswer("it hardly ever rains there: no distribution can be fitted")
    season, limit = slots.get("season") or ANNUAL, _limit(slots)
    asked = season_values(index, season.months) if season.months != ANNUAL.months else index
    there = asked.dropna("time")
    if not there.size:
        raise NoAnswer("the months asked for have no index")
    lowest, last = there[int(np.argmin(there.values))], there[-1]
    where = place(slots["region"]) if slots.get("region") else str(series.attrs.get("source") or place(None))
    what = f"SPI-{window}, {where}, {span(asked)}"
    values = {
        STATISTICS[0]: as_value(f"lowest {what}, in {month_of(lowest.time)}", lowest, "1"),
        STATISTICS[1]: as_value(f"SPI-{window}, {where}, in {month_of(last.time)}", last, "1"),
        STATISTICS[2]: as_value(f"months with an index below {limit:g}, {what}", int((there < limit).sum()), "months"),
        STATISTICS[3]: as_value(f"mean {what}", there.mean(), "1"),
    }
    statistic = slots.get("statistic") or STATISTICS[1 if asked.sizes["time"] == 1 else 0]
    zeros = float((amount.values == 0).mean())
    if zeros > 0:
        notes.append(
            f"{100 * zeros:.1f} % of the months are dry: they have the probability of their share, H = q + (1 − q) G."
        )
    if float(np.abs(there).max()) > RARE:
        notes.append(f"Beyond ±{RARE} the index is of the fitted tail, of which the record holds nothing.")
    if there.size < asked.size - window:
        notes.append(f"{asked.size - there.size} months have no index.")
    return outcome(
        f"Standardised precipitation index, {what}",
        headline(statistic, values),
        notes,
        index=written(asked, f"SPI-{window}", "1"),
    )


def _limit(slots: Slots) -> float:
    return DROUGHT if slots.get("threshold") is None else float(slots["threshold"])


def _again(data: xr.Dataset, slots: Slots) -> float:
    index = data["index"].dropna("time")
    statistic = slots.get("statistic") or STATISTICS[1 if data.sizes["time"] == 1 else 0]
    limit = _limit(slots)
    found = (index.min(), index[-1], (index < limit).sum(), index.mean())
    return float(dict(zip(STATISTICS, found, strict=True))[statistic])


def _within(outcome: Outcome, inputs: Inputs, slots: Slots) -> bool:
    index = outcome.data["index"]
    return bool(np.abs(index).max() <= SPI_LIMIT) and (index.sizes["time"] < 240 or abs(float(index.mean())) < 1.0)


RECIPE = Recipe(
    name="drought_index",
    title="Standardised precipitation index",
    phrases=(
        "Standardized precipitation index over East Africa",
        "SPI-3 drought index for the Sahel",
        "compute the 12-month SPI over Spain",
        "when was the worst drought in the Amazon",
        "how many months of drought were there in India",
        "meteorological drought severity from precipitation",
        "is there currently a drought according to SPI",
        "SPI6 time series with base 1981-2010",
        "SPI-3 at the rain gauge in August 2003",
        "in how many months was the SPI-12 below -1",
        "lowest SPI-6 of the record",
        "SPI at the station with a gamma distribution calibrated on the whole record",
        "how dry was January 1976 in terms of SPI-3",
        "SPI with 3 months accumulation; value in December",
    ),
    slots=(
        REGION,
        PERIOD,
        BASE,
        SEASON,
        Slot("window", Kind.NUMBER, "Over how many months?", default=3),
        Slot("threshold", Kind.NUMBER, "Below which index is it a drought?", default=DROUGHT),
        Slot("statistic", Kind.CHOICE, "The lowest, the last, the mean, or how many months?", choices=STATISTICS),
        *WHICH_DATA,
    ),
    inputs=(Input("precipitation", PRECIPITATION, needs=("time",)), LAND_FRACTION),
    method=(
        "Monthly amounts of the area mean, summed over the window; for each calendar month a gamma distribution "
        "by maximum "
        "likelihood to the sums above zero of the base period, zeros with the probability of their share; the "
        "quantile of "
        "the normal distribution."
    ),
    references=(
        "McKee, T. B., et al., 1993: The relationship of drought frequency and duration to time scales. 8th "
        "Conf. Applied Climatology, AMS.",
        "WMO, 2012: Standardized Precipitation Index User Guide. WMO-No. 1090.",
    ),
    compute=compute,
    plot=lines("index"),
    checks=(
        FINITE,
        again("the months give it again", _again),
        Check("the index is standardised", _within),
    ),
)
