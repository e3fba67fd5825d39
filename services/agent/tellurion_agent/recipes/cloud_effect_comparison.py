"""How far is the cloud radiative effect of one data set from that of another?"""

from __future__ import annotations

from dataclasses import replace

from tellurion_agent.recipes import cloud_radiative_effect
from tellurion_agent.recipes.asked import LAND_FRACTION, SOURCES, WHICH_DATA
from tellurion_agent.recipes.checking import FINITE, again
from tellurion_agent.recipes.each import compared, of_two
from tellurion_agent.recipes.figures import bars
from tellurion_agent.recipes.recipe import Inputs, Outcome, Recipe, Slots

OF_ONE = cloud_radiative_effect.RECIPE


def compute(inputs: Inputs, slots: Slots) -> Outcome:
    """The effect in each data set, and the first less the second of two."""
    return compared(inputs, cloud_radiative_effect.compute, slots)


RECIPE = Recipe(
    name="cloud_effect_comparison",
    title="Cloud radiative effect of several data sets",
    phrases=(
        "cloud radiative effect of CERES minus that of ISCCP",
        "difference in net cloud radiative effect between two observational products",
        "net CRE of the model against CERES-EBAF",
        "bias of the cloud radiative effect of CanESM5 relative to CERES",
        "compare the cloud radiative effects of the observational data sets",
        "how far apart are two data sets in cloud forcing",
        "net CRE in each of these products",
        "which product has the stronger cloud forcing, CERES or ISCCP",
    ),
    slots=(*(slot for slot in OF_ONE.slots if slot not in WHICH_DATA), SOURCES),
    inputs=tuple(replace(each, many=True) for each in OF_ONE.inputs if each != LAND_FRACTION),
    method=f"Of each data set on its own grid: {OF_ONE.method} Of two, the first named less the second.",
    references=OF_ONE.references,
    compute=compute,
    plot=bars("each"),
    checks=(FINITE, again("the difference is that of the two", of_two)),
)
