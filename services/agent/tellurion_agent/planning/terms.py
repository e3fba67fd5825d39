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
_TWO_LETTERS = frozenset({"pr", "ta", "ua", "va", "uo", "vo", "zg"})
"""Short names of CMIP that are no words."""
_IMPLIED = tuple(
    (re.compile(rf"(?<!\w)(?:{words})(?!\w)"), variables)
    for words, variables in (
        (
            r"warm(?:ed|er|ing|s|est)?|hot(?:ter|test)?|cool(?:ed|er|ing|est)?|cold(?:er|est)?|frost|freezing|"
            r"delta[- ]?t|summer days?|tropical nights?|ice days|t[xn][xn]|t(?:max|min)|tx|tn",
            TEMPERATURES,
        ),
        (
            r"\d+(?:\.\d+)? ?(?:[ck](?!\w)|° ?[cf]?|degrees?(?: celsius)?|celsius|kelvin)"
            r"(?! ?(?:[nsew]|north|south|east|west)\b)",
            TEMPERATURES,
        ),
        (
            r"wet(?:ter|test)?|rained|falls? from the sky|rain(?:y|ier|iest)|dr(?:y|ier|iest)|drought|rx\dday|"
            r"r\d\d?(?:mm|p)",
            ("precipitation_flux",),
        ),
        (r"salt(?:y|ier|iest)|saline|fresher|freshening", ("sea_water_salinity", "sea_surface_salinity")),
        (
            r"pressure(?! (?:levels?|coordinates?|surfaces?))",
            ("air_pressure_at_mean_sea_level", "surface_air_pressure"),
        ),
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
    for words in ("2 m temperature", "2 meter temperature", "screen temperature", "near-surface temperature"):
        yield words, (AIR,)
        yield words.replace("temperature", "air temperature"), (AIR,)
    for height in ("2 m", "2 meters", "two meters"):
        yield f"temperature at {height}", (AIR,)
        yield f"air temperature at {height}", (AIR,)
    for extreme in ("maximum", "minimum", "max", "min"):
        for words in (f"{extreme} temperature", f"{extreme} air temperature", f"t{extreme[:3]}", f"t {extreme[:3]}"):
            yield words, (AIR,)
            yield f"daily {words}", (AIR,)
    for axis, name in (
        ("eastward", "eastward_wind"),
        ("zonal", "eastward_wind"),
        ("west-to-east", "eastward_wind"),
        ("northward", "northward_wind"),
        ("meridional", "northward_wind"),
        ("south-to-north", "northward_wind"),
    ):
        for words in (
            "{} part of the 10 m wind",
            "{} part of the wind",
            "{} component of the 10 m wind",
            "{} component of the wind",
            "{} 10 m wind",
            "10 m {} wind",
            "{} near-surface wind",
            "near-surface {} wind",
            "{} surface wind",
        ):
            yield words.format(axis), (name,)
            yield f"{words.format(axis)} component", (name,)
    for words in ("10 m wind speed", "10 meter wind speed", "wind speed at 10 m", "10 m wind", "wind speeds"):
        yield words, ("wind_speed",)
    yield "sea ice extent", ("sea_ice_area_fraction",)
    for words in ("sie", "sia", "ice extent", "ice area"):
        yield words, ("sea_ice_area_fraction",)
    for words in ("pressure reduced to sea level", "surface pressure reduced to sea level", "pressure at sea level"):
        yield words, ("air_pressure_at_mean_sea_level",)
    yield "salinity", ("sea_water_salinity", "sea_surface_salinity")
    for sea in ("sea", "ocean", "sea's", "ocean's"):
        for words in (f"salinity of the {sea} surface", f"salinity at the {sea} surface"):
            yield words, ("sea_surface_salinity",)
    yield "surface temperature", ("surface_temperature", AIR, SURFACE_OF_SEA)
    for variable in VARIABLES.values():
        names = (variable.standard_name.replace("_", " "), *variable.words)
        short = (n for n in variable.short_names if (len(n) > 2 or n in _TWO_LETTERS) and n not in _OTHER_WORDS)
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
