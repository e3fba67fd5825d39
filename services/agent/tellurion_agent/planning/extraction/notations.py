"""What the field writes short: ``Z500`` is the height of the 500-hPa surface, ``OHC700`` heat of the upper 700 m."""

from __future__ import annotations

import re
from collections.abc import Iterator

from tellurion_agent.planning.extraction.mention import Mention
from tellurion_agent.planning.extraction.text import Text
from tellurion_agent.slots import Kind, Level

_FIELDS = {
    "z": "geopotential_height",
    "t": "air_temperature",
    "u": "eastward_wind",
    "v": "northward_wind",
    "q": "specific_humidity",
}
_FIELD = re.compile(r"(?<!\w)(?P<field>[ztuvq])_?(?P<level>1000|[1-9]\d0|[1-9]\d5|[1-7]0)(?!\w)")
_HEAT = re.compile(r"(?<!\w)(?:ohc|hc)_?(?P<depth>[1-9]\d{2,3})(?!\w)")
_ISOTHERMS = re.compile(r"z_?(?:10|2\d)$")
"""``Z20`` is the depth of an isotherm."""


def notations(text: Text) -> Iterator[Mention]:
    """Fields and levels of short notations, from the left."""
    for match in _FIELD.finditer(text.plain):
        if not _ISOTHERMS.match(match[0]):
            level = float(match["level"])
            yield Mention(Kind.VARIABLE, (_FIELDS[match["field"]],), *match.span("field"))
            yield Mention(Kind.LEVEL, Level(level, level, "hPa"), *match.span("level"))
    for match in _HEAT.finditer(text.plain):
        yield Mention(Kind.LEVEL, Level(0.0, float(match["depth"]), "m"), *match.span("depth"))
