"""Answers in the units that were asked for."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import replace

from cf_units import Unit

from tellurion_agent.catalogue.units import WATER, unit
from tellurion_agent.recipes.recipe import Value

_RATE = re.compile(r"\b(?P<time>decade|century|year|month|day)-1$")
_TIME = re.compile(r"(?:decade|century|year|month|day|hour|s)s?(?:-1)?")
_YEARS = {"decade": "(10 years)-1", "century": "(100 years)-1"}
"""What UDUNITS does not know."""


def in_units(value: Value, asked: str) -> Value:
    """A value in the units asked for, a rate for the time asked for; as it is where it is of another quantity.

    Kelvin are those of a difference here (`difference_units`): no offset is added, and in °C it is the same number.
    """
    found = None if isinstance(value.value, str) else _conversion(value.units, asked)
    if found is None or found[0] == Unit("K"):
        return value
    have, want, units = found
    low, number, high = (
        None if end is None else float(have.convert(end, want)) for end in (value.low, value.value, value.high)
    )
    return replace(value, value=number, low=low, high=high, units=units)


def of_other_quantities(values: Sequence[Value], asked: str) -> bool:
    """Whether there are numbers, and none of them can be in the units asked for: they answer another question.

    Units of time, as people speak of years, and those that are a part of a number's own, mm day-1 of mm day-1 K-1, are
    of none.
    """
    numbers = [value for value in values if not isinstance(value.value, str)]
    return bool(numbers) and not _TIME.fullmatch(asked) and not any(_of(value, asked) for value in numbers)


def asked_first(values: Sequence[Value], asked: str) -> list[Value]:
    """The values, those that can be in the units asked for before the others: they are what was asked for."""
    return list(values) if _TIME.fullmatch(asked) else sorted(values, key=lambda value: not _of(value, asked))


def _of(value: Value, asked: str) -> bool:
    """Whether a value can be in units, or these are a part of its own."""
    if isinstance(value.value, str):
        return False
    return {*asked.split()} <= {*value.units.split()} or _conversion(value.units, asked) is not None


def _conversion(units: str, asked: str) -> tuple[Unit, Unit, str] | None:
    """From which units to which, and how these are written; None where they are of different quantities."""
    rate, per = _RATE.search(units), _RATE.fullmatch(asked)
    wanted = units[: rate.start()] + asked if rate and per else asked
    have, want = (unit(_RATE.sub(lambda m: _YEARS.get(m["time"], m[0]), text)) for text in (units, wanted))
    if have is None or want is None:
        return None
    routes = (route for route in (have, have / WATER, have * WATER) if route.is_convertible(want))
    return next(((r, want, wanted) for r in routes if (r / want).is_dimensionless()), None)
