"""The slots that many recipes share."""

from __future__ import annotations

from dataclasses import replace

from tellurion_agent.recipes.recipe import Input
from tellurion_agent.slots import Kind, Season, Slot

ANNUAL = Season("annual", tuple(range(1, 13)))

VARIABLE = Slot("variable", Kind.VARIABLE, "Which variable?", required=True)
REGION = Slot("region", Kind.REGION, "Which region? Without one it is everything that the data cover.")
PERIOD = Slot("period", Kind.PERIOD, "Which years? Without them it is all that the data hold.")
BASE = Slot(
    "base", Kind.PERIOD, "Relative to which base period? Without one it is 1991–2020, or all years of the data."
)
EARLIER = Slot("base", Kind.PERIOD, "Compared with which years? Without them there is no comparison.")
LEVEL = Slot("level", Kind.LEVEL, "At which depth, pressure or layer?")
SEASON = Slot("season", Kind.SEASON, "Which season or month?", default=ANNUAL)
SOURCE = Slot("source", Kind.SOURCE, "Which model or product?")
EXPERIMENT = Slot("experiment", Kind.EXPERIMENT, "Which experiment?")

SOURCES = Slot("sources", Kind.SOURCE, "Which models or products? Without names it is all that fit.", many=True)
WHICH_DATA = (SOURCE, EXPERIMENT)
PLACE_AND_TIME = (REGION, LEVEL, PERIOD, SEASON)
FIELD = (VARIABLE, *PLACE_AND_TIME, *WHICH_DATA)
"""Of a recipe that looks at one field."""

LAND_FRACTION = Input("land_fraction", ("land_area_fraction",), needs=("lat", "lon"), optional=True)
SERIES_INPUTS = (Input("field", (), needs=("time",)), LAND_FRACTION)
MAP_INPUTS = (Input("field", (), needs=("time", "lat", "lon")), LAND_FRACTION)
TEMPERATURE = ("air_temperature", "surface_temperature")
"""Standard names of the temperature near the surface."""
SEA_SURFACE = (
    "sea_surface_temperature",
    "sea_water_potential_temperature",
    "sea_water_temperature",
    "surface_temperature",
)
SEA_LEVEL_PRESSURE = ("air_pressure_at_mean_sea_level",)
PRECIPITATION = ("precipitation_flux",)
OCEAN_TEMPERATURE = ("sea_water_conservative_temperature", "sea_water_potential_temperature", "sea_water_temperature")


def quantity(question: str, choices: tuple[str, ...]) -> Slot:
    """Which of the numbers that a recipe computes is asked for; the first where none is named."""
    return Slot("quantity", Kind.CHOICE, question, default=choices[0], choices=choices)


def of(role: str, slot: Slot, question: str, *, required: bool | None = None) -> Slot:
    """A slot for one role alone: ``first_variable``."""
    needed = slot.required if required is None else required
    return replace(slot, name=f"{role}_{slot.name}", question=question, required=needed)
