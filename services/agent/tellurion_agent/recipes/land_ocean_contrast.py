"""How much faster does the land warm than the ocean?"""

from __future__ import annotations

from tellurion_agent.recipes.asked import LAND_FRACTION, PERIOD, REGION, SEASON, TEMPERATURE, WHICH_DATA
from tellurion_agent.recipes.checking import BRACKETED, FINITE
from tellurion_agent.recipes.figures import lines
from tellurion_agent.recipes.recipe import Check, Input, Inputs, Outcome, Recipe, Slots
from tellurion_agent.recipes.warming_contrast import consistent, contrast, on


def compute(inputs: Inputs, slots: Slots) -> Outcome:
    """Ratio of the trends over land and ocean, and both trends."""
    region = slots.get("region")
    return contrast(inputs, slots, on(region, "land"), on(region, "ocean"), "Land–ocean warming contrast")


RECIPE = Recipe(
    name="land_ocean_contrast",
    title="Land–ocean warming contrast",
    phrases=(
        "Land-sea warming contrast",
        "how much faster does land warm than the ocean",
        "ratio of land to ocean warming",
        "land ocean contrast of surface temperature trends",
        "compare warming over land with warming over sea",
        "is the continental warming larger than the oceanic",
        "land/sea warming ratio in the tropics",
        "differential warming of continents and oceans",
    ),
    slots=(REGION, PERIOD, SEASON, *WHICH_DATA),
    inputs=(Input("field", TEMPERATURE, needs=("time", "lat", "lon")), LAND_FRACTION),
    method=(
        "Least-squares trends of yearly near-surface temperature, area-weighted over land and over ocean cells, "
        "and their "
        "ratio. A cell is land by the model's land fraction, or by the elevation model GLOBE."
    ),
    references=(
        "Sutton, R. T., et al., 2007: Land/sea warming ratio in response to climate change. Geophys. Res. Lett., "
        "34, L02701.",
    ),
    compute=compute,
    plot=lines("first", "second"),
    checks=(FINITE, BRACKETED, Check("the slopes found again have the same ratio", consistent)),
)
