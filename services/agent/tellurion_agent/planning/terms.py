"""Words that name a variable only with what stands about them: ``temperature``, ``warming``, ``wetter``."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator

from tellurion_agent.catalogue.variables import VARIABLES
from tellurion_agent.planning.extraction.text import Text

AIR, SURFACE_OF_SEA = "air_temperature", "sea_surface_temperature"
IN_SEA = ("sea_water_potential_temperature", "sea_water_temperature", "sea_water_conservative_temperature")
TEMPERATURES = (AIR, SURFACE_OF_SEA, *IN_SEA, "surface_temperature")
_OTHER_WORDS = frozenset({"air", "rose", "sit", "ice", "sea", "height"})
"""Short names in files that are other words in a sentence."""
_IMPLIED = tuple(
    (re.compile(rf"(?<!\w)(?:{words})(?!\w)"), variables)
    for words, variables in (
        (
            r"warm(?:ed|er|ing|s|est)?|hot(?:ter|test)?|cool(?:ed|er|ing|est)?|cold(?:er|est)?|frost|freezing",
            TEMPERATURES,
        ),
        (
            r"\d ?(?:° ?[cf]?|degrees?(?: celsius)?|celsius|kelvin)(?! ?(?:[nsew]|north|south|east|west)\b)",
            TEMPERATURES,
        ),
        (r"wetter|wettest|rained|rainy|rainiest|drier|driest|drought", ("precipitation_flux",)),
        (r"saltier|saltiest|fresher|freshening", ("sea_water_salinity", "sea_surface_salinity")),
        (r"windier|windiest|windy", ("wind_speed",)),
    )
)


def variable_names() -> Iterator[tuple[str, tuple[str, ...]]]:
    """What variables are called in sentences, with their standard names, the likeliest first."""
    for word in ("temperature", "temp"):
        yield word, TEMPERATURES
    yield "ocean temperature", (*IN_SEA, SURFACE_OF_SEA)
    yield "sea temperature", (*IN_SEA, SURFACE_OF_SEA)
    yield "water temperature", (*IN_SEA, SURFACE_OF_SEA)
    yield "salinity", ("sea_water_salinity", "sea_surface_salinity")
    yield "surface temperature", ("surface_temperature", AIR, SURFACE_OF_SEA)
    for variable in VARIABLES.values():
        names = (variable.standard_name.replace("_", " "), *variable.words)
        short = (name for name in variable.short_names if len(name) > 2 and name not in _OTHER_WORDS)
        yield from ((name, (variable.standard_name,)) for name in (*names, *short))


def implied(text: Text) -> Iterator[tuple[tuple[str, ...], int, int]]:
    """Variables that adjectives and verbs speak of, for where no variable is named."""
    for pattern, variables in _IMPLIED:
        if (match := pattern.search(text.plain)) is not None:
            yield variables, match.start(), match.end()


def meant(
    alternatives: tuple[str, ...], text: Text, deep: bool, marine: bool, there: Collection[str]
) -> tuple[str, ...]:
    """Which of the alternatives a request means; more than one where the data that there are leave it open.

    `deep` where it speaks of a depth, `marine` where of the ocean, `there` the variables of the data.
    """
    if len(alternatives) == 1:
        return alternatives
    of_sea = tuple(name for name in alternatives if name.startswith("sea_"))
    of_air = tuple(name for name in alternatives if not name.startswith("sea_"))
    marine = marine or bool(re.search(r"(?<!\w)(?:ocean|oceanic|sea|marine|underwater|seawater)(?!\w)", text.plain))
    if deep:
        alternatives = tuple(name for name in of_sea if not name.startswith("sea_surface")) or alternatives
    elif marine and SURFACE_OF_SEA in there and of_sea[:1] == (SURFACE_OF_SEA,):
        return (SURFACE_OF_SEA,)
    elif marine and of_sea:
        alternatives = of_sea
    elif of_air and any(name in there for name in of_air):
        alternatives = of_air
    here = tuple(name for name in alternatives if name in there)
    if {*here} <= {*IN_SEA} or {*here} <= {AIR, "surface_temperature"}:
        here = here[:1]  # one field in several kinds
    return here or alternatives[:1]
