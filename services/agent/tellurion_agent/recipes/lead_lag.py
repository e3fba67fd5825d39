"""Which of two variables goes before the other?"""

from __future__ import annotations

import numpy as np
import xarray as xr

from tellurion_agent.diagnostics.samples import correlation
from tellurion_agent.diagnostics.times import ALL_MONTHS
from tellurion_agent.recipes.asked import ANNUAL
from tellurion_agent.recipes.checking import BRACKETED, FINITE, again, among
from tellurion_agent.recipes.figures import lines
from tellurion_agent.recipes.index_correlation import PAIR_INPUTS, PAIR_SLOTS, pair
from tellurion_agent.recipes.recipe import Inputs, NoAnswer, Outcome, Recipe, Slots
from tellurion_agent.recipes.selection import Notes
from tellurion_agent.recipes.wording import as_value, outcome, written
from tellurion_agent.slots import Kind, Slot


def compute(inputs: Inputs, slots: Slots) -> Outcome:
    """The lag of the strongest correlation, positive where the first leads, and all of them."""
    notes: Notes = []
    (x, y), names = pair(inputs, {**slots, "season": ANNUAL}, notes, ALL_MONTHS)
    dim = x.dims[0]
    if (np.diff(x[dim].values) != 1).any():
        raise NoAnswer("the two have gaps in their common time")
    furthest = min(int(slots.get("lag") or 12), x.size // 4)
    lags = np.arange(-furthest, furthest + 1)
    n = x.size
    found = [correlation(x.values[max(-k, 0) : n - max(k, 0)], y.values[max(k, 0) : n + min(k, 0)]) for k in lags]
    r = np.array([each[0] for each in found])
    best = int(np.nanargmax(np.abs(r)))
    unit, what = ("months" if dim == "nth" else "years"), f"{names[0]} and {names[1]}"
    lag = int(lags[best])
    lead = "they go together" if lag == 0 else f"{names[0 if lag > 0 else 1]} leads by {abs(lag)} {unit}"
    notes.append(f"The largest of {lags.size} correlations is chosen: its interval is too narrow for that.")
    curve = xr.DataArray(r, coords={"lag": ("lag", lags, {"units": unit, "long_name": "lag"})}, dims="lag")
    return outcome(
        f"Lagged correlation of {what}: {lead}",
        [
            as_value(f"lag of the strongest correlation, positive where the first leads; {what}", lag, unit),
            as_value("correlation at that lag", *found[best][:1], "1", *found[best][1:3]),
            as_value("correlation without lag", r[furthest], "1"),
            as_value("reading", lead, "1"),
        ],
        notes,
        correlation=written(curve, "correlation, the first leading at positive lags", "1"),
    )


def _strongest(data: xr.Dataset, slots: Slots) -> float:
    return float(np.abs(data.correlation).idxmax("lag"))


RECIPE = Recipe(
    name="lead_lag",
    title="Lagged correlation",
    phrases=(
        "Does Niño 3.4 lead Indian Ocean temperature, and by how many months?",
        "lagged correlation between ENSO and Atlantic SST",
        "lead-lag relationship of two indices",
        "cross-correlation of rainfall and soil moisture at different lags",
        "at which lag is the correlation between pressure and temperature largest",
        "how many months after El Niño does global temperature peak",
        "which comes first, warming in the Pacific or in the tropical Atlantic",
        "time delay between wind stress and sea level",
    ),
    slots=(*PAIR_SLOTS, Slot("lag", Kind.NUMBER, "Up to which lag, in months?", default=12)),
    inputs=PAIR_INPUTS,
    method=(
        "Pearson's correlation of monthly anomalies at every lag up to the largest, each with the pairs that "
        "both series "
        "have; intervals as for a single correlation."
    ),
    references=(
        "von Storch, H., and F. W. Zwiers, 1999: Statistical Analysis in Climate Research, section 11.3. "
        "Cambridge University Press.",
    ),
    compute=compute,
    plot=lines("correlation"),
    checks=(
        FINITE,
        BRACKETED,
        among("correlation", which=1),
        again("no other lag has a stronger correlation", _strongest),
    ),
)
