"""How far is the sea ice of one data set from that of another?"""

from __future__ import annotations

from dataclasses import replace

from tellurion_agent.recipes import sea_ice_extent
from tellurion_agent.recipes.asked import EARLIER, SOURCES, WHICH_DATA
from tellurion_agent.recipes.checking import FINITE, again
from tellurion_agent.recipes.each import compared, of_two
from tellurion_agent.recipes.figures import bars
from tellurion_agent.recipes.recipe import Inputs, Outcome, Recipe, Slots

OF_ONE = sea_ice_extent.RECIPE


def compute(inputs: Inputs, slots: Slots) -> Outcome:
    """Extent or area in each data set, and the first less the second of two."""
    return compared(inputs, sea_ice_extent.compute, slots)


RECIPE = Recipe(
    name="sea_ice_comparison",
    title="Sea ice extent of several data sets",
    phrases=(
        "by how much does the model's Arctic sea ice extent exceed that of HadISST",
        "sea ice extent of MIROC6 minus that of HadISST in September",
        "difference in sea ice area between two data sets",
        "how far is the simulated sea ice extent from the observed",
        "bias of the Antarctic sea ice area of CanESM5 against HadISST",
        "compare the March sea ice extent of the models with the observations",
        "simulated against observed Antarctic sea ice area, September",
        "has CESM2 more or less sea ice than OSI-SAF",
    ),
    slots=(*(slot for slot in OF_ONE.slots if slot not in (EARLIER, *WHICH_DATA)), SOURCES),
    inputs=tuple(replace(each, many=True) for each in OF_ONE.inputs),
    method=f"Of each data set on its own grid: {OF_ONE.method} Of two, the first named less the second.",
    references=OF_ONE.references,
    compute=compute,
    plot=bars("each"),
    checks=(FINITE, again("the difference is that of the two", of_two)),
)
