"""How does the pressure swing between Tahiti and Darwin?"""

from __future__ import annotations

import numpy as np

from tellurion_agent.diagnostics.oscillations import at_place, standardised_difference
from tellurion_agent.diagnostics.times import monthly_means
from tellurion_agent.recipes.asked import BASE, PERIOD, SEA_LEVEL_PRESSURE, WHICH_DATA
from tellurion_agent.recipes.bases import base_period, years_of
from tellurion_agent.recipes.checking import FINITE, again, among
from tellurion_agent.recipes.figures import lines
from tellurion_agent.recipes.indices import kept, month_of
from tellurion_agent.recipes.recipe import Check, Input, Inputs, NoAnswer, Outcome, Recipe, Slots
from tellurion_agent.recipes.selection import Notes
from tellurion_agent.recipes.wording import as_value, outcome, span, written

TAHITI, DARWIN = ("Tahiti", -17.55, 210.38), ("Darwin", -12.42, 130.89)
"""Name, degrees north and east."""


def compute(inputs: Inputs, slots: Slots) -> Outcome:
    """The index, its extremes and its mean over the years asked for."""
    notes: Notes = []
    tahiti, darwin = (monthly_means(at_place(inputs["pressure"], *place)) for place in (TAHITI, DARWIN))
    base = base_period(slots.get("base"), years_of(tahiti), notes)
    index = kept(standardised_difference(tahiti, darwin, slice(base.first, base.last)), slots)
    if not np.isfinite(index).any():
        raise NoAnswer("pressure at Tahiti or Darwin does not vary, or is missing")
    low, high = index[int(np.nanargmin(index.values))], index[int(np.nanargmax(index.values))]
    return outcome(
        f"Southern Oscillation Index, {span(index)}, base {base.first}–{base.last}",
        [
            as_value(f"mean Southern Oscillation Index, {span(index)}", index.mean(), "1"),
            as_value(f"lowest, in {month_of(low.time)}", low, "1"),
            as_value(f"highest, in {month_of(high.time)}", high, "1"),
            as_value("standard deviation", index.std(), "1"),
        ],
        notes,
        index=written(index, "Southern Oscillation Index", "1"),
    )


def _unit_variance(outcome: Outcome, inputs: Inputs, slots: Slots) -> bool:
    return 0.1 < float(outcome.data["index"].std()) < 10 if outcome.data.sizes["time"] >= 60 else True


RECIPE = Recipe(
    name="southern_oscillation",
    title="Southern Oscillation Index",
    phrases=(
        "Compute the Southern Oscillation Index",
        "SOI from sea level pressure at Tahiti and Darwin",
        "pressure difference between Tahiti and Darwin, standardised",
        "when was the SOI lowest",
        "monthly SOI time series since 1950",
        "is the southern oscillation in its negative phase",
        "atmospheric component of ENSO as an index",
        "standardised Tahiti minus Darwin pressure",
    ),
    slots=(PERIOD, BASE, *WHICH_DATA),
    inputs=(Input("pressure", SEA_LEVEL_PRESSURE, needs=("time", "lat", "lon")),),
    method=(
        "Sea-level pressure, bilinear at Tahiti and Darwin; each standardised by calendar month over the base "
        "period; their "
        "difference divided by its standard deviation over the base."
    ),
    references=(
        "Trenberth, K. E., 1984: Signal versus noise in the Southern Oscillation. Mon. Weather Rev., 112, 326–332.",
    ),
    compute=compute,
    plot=lines("index"),
    checks=(
        FINITE,
        again("it is the mean of the index", lambda data, slots: float(data["index"].mean())),
        among("index"),
        Check("the index varies by about one", _unit_variance),
    ),
)
