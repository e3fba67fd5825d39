"""How fast does the ocean take up heat?"""

from __future__ import annotations

import xarray as xr

from tellurion_agent.diagnostics.times import season_means
from tellurion_agent.diagnostics.trends import AUTOCORRELATED, least_squares
from tellurion_agent.recipes.asked import OCEAN_TEMPERATURE, PERIOD, REGION, WHICH_DATA
from tellurion_agent.recipes.checking import BRACKETED, FINITE, again
from tellurion_agent.recipes.figures import lines
from tellurion_agent.recipes.ocean_heat_content import LAYER, content, total
from tellurion_agent.recipes.recipe import Input, Inputs, Outcome, Recipe, Slots
from tellurion_agent.recipes.selection import Notes
from tellurion_agent.recipes.wording import as_value, outcome, span, written
from tellurion_agent.slots import Kind, Slot

SECONDS = 365.2425 * 86400
"""Of a mean Gregorian year."""


def compute(inputs: Inputs, slots: Slots) -> Outcome:
    """Joules per decade, the same in watts per square metre of that water, and the change."""
    notes: Notes = []
    heat, what = content(inputs, slots, notes)
    yearly = season_means(total(heat))
    x = yearly.year.values.astype(float)
    trend = least_squares(x, yearly.values)
    if trend.r1 > AUTOCORRELATED:
        notes.append(f"The residuals are autocorrelated (lag 1: {trend.r1:.2f}): the interval regards it.")
    water = float((heat.isel(time=0).notnull() * heat.area).sum())
    what = f"{what}, {span(yearly)}"
    flux = [v / SECONDS / water for v in (trend.slope, trend.low, trend.high)]
    rates = [
        as_value(f"linear trend of {what}", 10 * trend.slope, "J decade-1", 10 * trend.low, 10 * trend.high),
        as_value(f"the same as a flux into that water, {what}", flux[0], "W m-2", *flux[1:]),
    ]
    return outcome(
        f"Trend of {what}",
        [
            *(rates[::-1] if slots.get("units") == "W m-2" else rates),
            as_value(f"change along the trend, {x[0]:.0f}–{x[-1]:.0f}", trend.slope * (x[-1] - x[0]), "J"),
            as_value("probability of such a trend by chance", trend.p, "1"),
        ],
        notes,
        heat=written(yearly, what, "J"),
        water=written(xr.DataArray(water), "area of the water", "m2"),
        trend=written(yearly.copy(data=trend.intercept + trend.slope * x), "least-squares fit", "J"),
    )


def _again(data: xr.Dataset, slots: Slots) -> float:
    x = data.year - data.year.mean()
    slope = float((x * data.heat).sum() / (x**2).sum())
    return slope / SECONDS / float(data.water) if slots.get("units") == "W m-2" else 10 * slope


RECIPE = Recipe(
    name="ocean_heat_content_trend",
    title="Trend of ocean heat content",
    phrases=(
        "tendency of the heat content of the 0-500 m layer",
        "Trend in ocean heat content of the upper 700 m",
        "how fast does the ocean gain heat",
        "ocean heat uptake since 1970 in watts per square metre",
        "rate of change of OHC 0-2000 m",
        "is the heat content of the North Atlantic increasing",
        "time series and trend of global ocean heat content",
        "ocean warming in joules per decade",
        "OHC300 trend in J/yr",
        "ocean heat uptake in W m-2 that the trend implies",
        "has the deep ocean between 700 and 2000 m gained heat",
    ),
    slots=(REGION, LAYER, PERIOD, Slot("units", Kind.UNITS, "In joules, or in W m-2?"), *WHICH_DATA),
    inputs=(Input("temperature", OCEAN_TEMPERATURE, needs=("time", "level", "lat", "lon")),),
    method=(
        "Heat content of the layer as for a single value, its yearly means, and their least-squares trend with "
        "the interval "
        "for residuals of an autoregressive process of order one."
    ),
    references=(
        "Levitus, S., et al., 2012: World ocean heat content and thermosteric sea level change. Geophys. Res. "
        "Lett., 39, L10603.",
        "Santer, B. D., et al., 2000: Statistical significance of trends. J. Geophys. Res., 105, 7337–7356.",
    ),
    compute=compute,
    plot=lines("heat", "trend"),
    checks=(FINITE, BRACKETED, again("the normal equations give the same slope", _again)),
)
