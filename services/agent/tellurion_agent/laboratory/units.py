"""Answers in the units that were asked for."""

from __future__ import annotations

import re
from dataclasses import replace

from cf_units import Unit

from tellurion_agent.catalogue.units import WATER, unit
from tellurion_agent.recipes.recipe import Value

_RATE = re.compile(r"\b(?P<time>decade|century|year|month|day)-1$")
_YEARS = {"decade": "(10 years)-1", "century": "(100 years)-1"}
"""What UDUNITS does not know."""


def in_units(value: Value, asked: str) -> Value:
    """A value in the units asked for, a rate for the time asked for; as it is where it is of another quantity.

    Kelvin are those of a difference here (`difference_units`): no offset is added, and in °C it is the same number.
    """
    if isinstance(value.value, str):
        return value
    rate, per = _RATE.search(value.units), _RATE.fullmatch(asked)
    wanted = value.units[: rate.start()] + asked if rate and per else asked
    have, want = (unit(_RATE.sub(lambda m: _YEARS.get(m["time"], m[0]), text)) for text in (value.units, wanted))
    if have is None or want is None or have == Unit("K"):
        return value
    for route in (have, have / WATER, have * WATER):
        if route.is_convertible(want) and (route / want).is_dimensionless():
            low, number, high = (
                None if end is None else float(route.convert(end, want)) for end in (value.low, value.value, value.high)
            )
            return replace(value, value=number, low=low, high=high, units=wanted)
    return value
