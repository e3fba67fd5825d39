"""How much has the climate warmed when carbon dioxide has doubled?"""

from __future__ import annotations

import numpy as np

from tellurion_agent.diagnostics.climate_response import transient_response
from tellurion_agent.diagnostics.trends import least_squares
from tellurion_agent.recipes.asked import SOURCE
from tellurion_agent.recipes.checking import BRACKETED, FINITE, among
from tellurion_agent.recipes.figures import lines
from tellurion_agent.recipes.recipe import Check, Inputs, Outcome, Recipe, Slots
from tellurion_agent.recipes.runs import above_control, temperature_inputs, yearly_mean
from tellurion_agent.recipes.selection import Notes
from tellurion_agent.recipes.wording import as_value, outcome, written


def compute(inputs: Inputs, slots: Slots) -> Outcome:
    """Transient climate response, the warming for each doubling by regression, and the series."""
    notes: Notes = []
    warming = above_control(yearly_mean(inputs, "warming", notes), yearly_mean(inputs, "control", notes), notes)
    first, size = warming.year.values[0], warming.size
    warming = warming.reindex(year=np.arange(first, warming.year.values[-1] + 1))
    response = transient_response(warming.values)
    doublings = (np.arange(warming.size) + 0.5) * np.log2(1.01)
    slope = least_squares(doublings, warming.values)
    what = " ".join(filter(None, (str(inputs["warming"].attrs.get("source", "")), f"{size} years of 1pctCO2")))
    return outcome(
        f"Warming under 1 % CO₂ a year, {what}",
        [
            as_value(f"transient climate response, {what}", response, "K"),
            as_value(
                "warming for each doubling of CO₂, by regression on log₂", slope.slope, "K", slope.low, slope.high
            ),
        ],
        notes,
        warming=written(warming, "global-mean warming", "K"),
    )


def _about_doubling(outcome: Outcome, inputs: Inputs, slots: Slots) -> bool:
    window = outcome.data.warming.values[60:80]
    return bool(np.isclose(window.mean(), float(outcome.values[0].value)))


RECIPE = Recipe(
    name="transient_response",
    title="Transient climate response",
    phrases=(
        "Transient climate response of the model",
        "compute TCR from the 1pctCO2 experiment",
        "warming at the time of CO2 doubling",
        "TCR with 1 percent per year CO2 increase",
        "mean warming of years 61 to 80 in 1pctCO2",
        "transient response to increasing carbon dioxide",
        "how much has the model warmed when CO2 has doubled gradually",
        "TCR of MIROC6 relative to piControl",
        "TCR value of the model, 1pctCO2 minus control",
    ),
    slots=(SOURCE,),
    inputs=temperature_inputs("1pctCO2"),
    method=(
        "Yearly global-mean near-surface temperature of 1pctCO2 less the linear fit of piControl; the mean of "
        "years 61–80, "
        "about the doubling in year 70. Beside it, the regression on the number of doublings."
    ),
    references=(
        "Cubasch, U., et al., 2001: Projections of future climate change. IPCC TAR WG1, chapter 9, section "
        "9.2.1. Cambridge University Press.",
    ),
    compute=compute,
    plot=lines("warming"),
    checks=(
        FINITE,
        BRACKETED,
        among("warming"),
        Check("it is the mean of the twenty years about the doubling", _about_doubling),
    ),
)
