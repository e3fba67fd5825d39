"""Which models warm most while carbon dioxide rises?"""

from __future__ import annotations

from dataclasses import replace

from tellurion_agent.recipes import transient_response
from tellurion_agent.recipes.asked import SOURCES
from tellurion_agent.recipes.checking import FINITE
from tellurion_agent.recipes.figures import bars
from tellurion_agent.recipes.recipe import Inputs, Outcome, Recipe, Slots
from tellurion_agent.recipes.runs import RANKED, each_model, temperature_inputs


def compute(inputs: Inputs, slots: Slots) -> Outcome:
    """The transient climate response of each model, the largest first, their mean and spread."""
    return each_model(inputs, transient_response.compute, "transient climate response")


RECIPE = Recipe(
    name="transient_response_of_models",
    title="Transient climate response of several models",
    phrases=(
        "TCR of all models that have the needed experiments",
        "rank models by their TCR, list with values",
        "transient climate response of every model",
        "which model has the largest TCR",
        "TCR for all available models",
        "compare transient climate responses across models",
        "multi-model mean and spread of TCR",
        "list the TCR of each model from 1pctCO2",
    ),
    slots=(SOURCES,),
    inputs=tuple(replace(each, many=True) for each in temperature_inputs("1pctCO2")),
    method=(
        "Of each model that has the runs: mean warming of years 61–80 of 1pctCO2, piControl's linear fit taken off. "
        "Models that lack a run are named."
    ),
    references=(
        "Cubasch, U., et al., 2001: Projections of future climate change. IPCC TAR WG1, chapter 9, section "
        "9.2.1. Cambridge University Press.",
    ),
    compute=compute,
    plot=bars("response"),
    checks=(FINITE, RANKED),
)
