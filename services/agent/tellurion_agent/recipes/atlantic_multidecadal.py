"""Is the North Atlantic warmer than the rest of the ocean makes it?"""

from __future__ import annotations

import numpy as np

from tellurion_agent.diagnostics.oscillations import running_mean
from tellurion_agent.diagnostics.times import season_means
from tellurion_agent.recipes.asked import BASE, PERIOD, SEA_SURFACE, WHICH_DATA
from tellurion_agent.recipes.checking import FINITE, among
from tellurion_agent.recipes.figures import lines
from tellurion_agent.recipes.indices import box_anomaly
from tellurion_agent.recipes.recipe import Check, Input, Inputs, NoAnswer, Outcome, Recipe, Slots
from tellurion_agent.recipes.selection import Notes
from tellurion_agent.recipes.wording import as_value, outcome, span, written

WINDOW = 11
"""Years of the running mean."""


def compute(inputs: Inputs, slots: Slots) -> Outcome:
    """The yearly and the smoothed index, and when it was highest and lowest."""
    notes: Notes = []
    atlantic, base = box_anomaly(inputs["sst"], "AMV region", slots, notes)
    whole, _ = box_anomaly(inputs["sst"], "near-global ocean", slots, notes)
    yearly = season_means(atlantic - whole)
    if yearly.size < WINDOW:
        raise NoAnswer(f"{yearly.size} years are too few for a mean over {WINDOW}")
    smooth = running_mean(yearly, WINDOW)
    if not smooth.notnull().any():
        raise NoAnswer(f"no {WINDOW} years in a row have values")
    top, bottom = smooth[int(np.nanargmax(smooth.values))], smooth[int(np.nanargmin(smooth.values))]
    where = f"{span(yearly)}, base {base.first}–{base.last}"
    return outcome(
        f"Atlantic Multidecadal Variability, {where}",
        [
            as_value(f"highest {WINDOW}-year mean, about {int(top.year)}; {where}", top, "K"),
            as_value(f"lowest {WINDOW}-year mean, about {int(bottom.year)}", bottom, "K"),
            as_value("standard deviation of the smoothed index", smooth.std(), "K"),
            as_value("mean of the yearly index", yearly.mean(), "K"),
            as_value(f"yearly index in {int(yearly.year[-1])}", yearly[-1], "K"),
        ],
        notes,
        index=written(yearly, "yearly index", "K"),
        smooth=written(smooth, f"{WINDOW}-year running mean", "K"),
    )


def _smoother(outcome: Outcome, inputs: Inputs, slots: Slots) -> bool:
    return float(outcome.data.smooth.std()) <= float(outcome.data["index"].std()) * 1.5 + 1e-12


RECIPE = Recipe(
    name="atlantic_multidecadal",
    title="Atlantic Multidecadal Variability",
    phrases=(
        "Atlantic Multidecadal Oscillation index",
        "compute the AMV index",
        "AMO time series with an 11-year running mean",
        "phase of Atlantic multidecadal variability",
        "North Atlantic SST anomaly minus global mean SST anomaly",
        "when was the AMO in its warm phase",
        "multidecadal swings of the North Atlantic",
        "low-frequency North Atlantic sea surface temperature index",
    ),
    slots=(PERIOD, BASE, *WHICH_DATA),
    inputs=(Input("sst", SEA_SURFACE, needs=("time", "lat", "lon")),),
    method=(
        "Monthly sea surface temperature anomaly of the North Atlantic (0–60°N, 80–0°W) less that of the ocean "
        "of 60°S–60°N; "
        f"yearly means and their {WINDOW}-year centred running mean."
    ),
    references=(
        "Trenberth, K. E., and D. J. Shea, 2006: Atlantic hurricanes and natural variability in 2005. Geophys. "
        "Res. Lett., 33, L12704.",
    ),
    compute=compute,
    plot=lines("index", "smooth"),
    checks=(FINITE, among("smooth"), Check("smoothing does not add variance", _smoother)),
)
