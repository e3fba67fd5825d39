"""How much faster does the Arctic warm than the globe?"""

from __future__ import annotations

from tellurion_agent.recipes.asked import PERIOD, SEASON, TEMPERATURE, WHICH_DATA
from tellurion_agent.recipes.checking import BRACKETED, FINITE
from tellurion_agent.recipes.figures import lines
from tellurion_agent.recipes.recipe import Check, Input, Inputs, Outcome, Recipe, Slots
from tellurion_agent.recipes.warming_contrast import consistent, contrast
from tellurion_agent.regions import GLOBAL
from tellurion_agent.slots import Kind, Region, Slot


def compute(inputs: Inputs, slots: Slots) -> Outcome:
    """Ratio of the trends of the Arctic and of the globe, and both trends."""
    south = float(slots.get("latitude") or 66.5)
    return contrast(inputs, slots, Region(f"Arctic north of {south:g}°N", south, 90.0), GLOBAL, "Arctic amplification")


RECIPE = Recipe(
    name="arctic_amplification",
    title="Arctic amplification",
    phrases=(
        "Arctic amplification",
        "how much faster is the Arctic warming than the globe",
        "ratio of Arctic to global warming",
        "polar amplification factor 1979-2014",
        "amplified warming north of 66.5N",
        "is the Arctic warming four times faster than the planet",
        "Arctic warming relative to the global mean trend",
        "winter Arctic amplification in the model",
    ),
    slots=(
        Slot("latitude", Kind.NUMBER, "North of which latitude is the Arctic?", default=66.5),
        PERIOD,
        SEASON,
        *WHICH_DATA,
    ),
    inputs=(Input("field", TEMPERATURE, needs=("time", "lat", "lon")),),
    method=(
        "Ratio of the least-squares trends of yearly near-surface temperature north of 66.5°N, unless another "
        "latitude is "
        "named, and of the globe."
    ),
    references=(
        "Rantanen, M., et al., 2022: The Arctic has warmed nearly four times faster than the globe. Commun. "
        "Earth Environ., 3, 168.",
    ),
    compute=compute,
    plot=lines("first", "second"),
    checks=(FINITE, BRACKETED, Check("the slopes found again have the same ratio", consistent)),
)
