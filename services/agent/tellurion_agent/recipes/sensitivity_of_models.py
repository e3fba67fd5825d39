"""Which models warm most in the end for twice the carbon dioxide?"""

from __future__ import annotations

from dataclasses import replace

from tellurion_agent.recipes import equilibrium_sensitivity
from tellurion_agent.recipes.asked import SOURCES
from tellurion_agent.recipes.checking import FINITE
from tellurion_agent.recipes.figures import bars
from tellurion_agent.recipes.recipe import Inputs, Outcome, Recipe, Slots
from tellurion_agent.recipes.runs import RANKED, each_model, radiation_inputs, temperature_inputs


def compute(inputs: Inputs, slots: Slots) -> Outcome:
    """The equilibrium climate sensitivity of each model, the largest first, their mean and spread."""
    return each_model(inputs, equilibrium_sensitivity.compute, "equilibrium climate sensitivity")


RECIPE = Recipe(
    name="sensitivity_of_models",
    title="Equilibrium climate sensitivity of several models",
    phrases=(
        "ECS for all available models",
        "rank the models by their equilibrium climate sensitivity",
        "climate sensitivity of every model, list with values",
        "which model has the highest ECS",
        "equilibrium climate sensitivities of the models by the Gregory method",
        "compare ECS across models",
        "multi-model mean and spread of the climate sensitivity",
        "ECS of all models that have abrupt-4xCO2 and piControl",
    ),
    slots=(SOURCES,),
    inputs=tuple(
        replace(each, many=True) for each in (*temperature_inputs("abrupt-4xCO2"), *radiation_inputs("abrupt-4xCO2"))
    ),
    method=(
        "Of each model that has the runs: half of where the regression of the net downward radiation on the warming of "
        "150 years of abrupt-4xCO2 reaches 0, piControl's linear fit taken off. Models that lack a run are named."
    ),
    references=(
        "Gregory, J. M., et al., 2004: A new method for diagnosing radiative forcing and climate sensitivity. "
        "Geophys. Res. Lett., 31, L03205.",
    ),
    compute=compute,
    plot=bars("response"),
    checks=(FINITE, RANKED),
)
