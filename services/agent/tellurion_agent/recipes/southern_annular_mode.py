"""How strong is the pressure contrast around Antarctica?"""

from __future__ import annotations

import numpy as np

from tellurion_agent.diagnostics.oscillations import on_parallel, standardised_difference
from tellurion_agent.diagnostics.times import monthly_means, season_means
from tellurion_agent.diagnostics.trends import FEWEST, least_squares
from tellurion_agent.recipes.asked import BASE, PERIOD, SEA_LEVEL_PRESSURE, SEASON, WHICH_DATA
from tellurion_agent.recipes.bases import base_period, years_of
from tellurion_agent.recipes.checking import BRACKETED, FINITE, again, among
from tellurion_agent.recipes.figures import lines
from tellurion_agent.recipes.indices import kept
from tellurion_agent.recipes.recipe import Input, Inputs, NoAnswer, Outcome, Recipe, Slots
from tellurion_agent.recipes.selection import Notes
from tellurion_agent.recipes.wording import as_value, outcome, span, written


def compute(inputs: Inputs, slots: Slots) -> Outcome:
    """The yearly index, its mean, extremes and trend."""
    notes: Notes = []
    pressure = inputs["pressure"]
    if float(pressure.lat.min()) > -60 or float(pressure.lat.max()) < -45:
        raise NoAnswer("the data do not reach from 40°S to 65°S")
    forty, sixty_five = (monthly_means(on_parallel(pressure, lat)) for lat in (-40.0, -65.0))
    base = base_period(slots.get("base"), years_of(forty), notes)
    index = standardised_difference(forty, sixty_five, slice(base.first, base.last))
    yearly = season_means(kept(index, slots), slots["season"].months).dropna("year")
    if not yearly.size:
        raise NoAnswer("pressure at 40°S or 65°S is missing or does not vary")
    top, bottom = yearly[int(np.argmax(yearly.values))], yearly[int(np.argmin(yearly.values))]
    where = f"{slots['season'].name}, {span(yearly)}"
    values = [
        as_value(f"mean Southern Annular Mode index, {where}", yearly.mean(), "1"),
        as_value(f"highest, in {int(top.year)}", top, "1"),
        as_value(f"lowest, in {int(bottom.year)}", bottom, "1"),
    ]
    if yearly.size >= FEWEST:
        trend = least_squares(yearly.year.values.astype(float), yearly.values)
        values.append(as_value("trend", 10 * trend.slope, "decade-1", 10 * trend.low, 10 * trend.high))
    return outcome(
        f"Southern Annular Mode index, {where}, base {base.first}–{base.last}",
        values,
        notes,
        index=written(yearly, "Southern Annular Mode index", "1"),
    )


RECIPE = Recipe(
    name="southern_annular_mode",
    title="Southern Annular Mode",
    phrases=(
        "Southern Annular Mode index",
        "compute the SAM from sea level pressure",
        "Antarctic Oscillation index AAO",
        "pressure difference between 40S and 65S",
        "trend of the SAM in austral summer",
        "Marshall-like SAM index from the model",
        "is the Southern Annular Mode becoming more positive",
        "zonal mean pressure contrast of the Southern Hemisphere midlatitudes",
    ),
    slots=(PERIOD, BASE, SEASON, *WHICH_DATA),
    inputs=(Input("pressure", SEA_LEVEL_PRESSURE, needs=("time", "lat", "lon")),),
    method=(
        "Zonal-mean sea-level pressure at 40°S and 65°S, each standardised by calendar month over the base "
        "period; their "
        "difference divided by its standard deviation over the base; means of complete seasons or years."
    ),
    references=(
        "Gong, D., and S. Wang, 1999: Definition of Antarctic Oscillation index. Geophys. Res. Lett., 26, 459–462.",
    ),
    compute=compute,
    plot=lines("index"),
    checks=(
        FINITE,
        again("it is the mean of the index", lambda data, slots: float(data["index"].mean())),
        BRACKETED,
        among("index"),
    ),
)
