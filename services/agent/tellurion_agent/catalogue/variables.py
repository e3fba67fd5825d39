"""The variables that people ask for: their CF standard names, what files and people call them, and canonical units.

The table is `variables.csv`. Sources: CF Standard Name Table; CMIP6 data request (short names); ECMWF parameter data
base and NEMO (other short names).
"""

from __future__ import annotations

import csv
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum
from importlib.resources import files
from types import MappingProxyType


class Kind(StrEnum):
    """What a variable measures, which decides how its units may be converted."""

    TEMPERATURE = "temperature"
    """An offset applies, but not to anomalies and ranges."""
    WATER_FLUX = "water flux"
    """A mass of water for an area and a time, or its height."""
    PRESSURE = "pressure"
    FRACTION = "fraction"
    SALINITY = "salinity"
    """g/kg; practical salinity is written without units, or as psu."""
    GEOPOTENTIAL = "geopotential"
    """A geopotential, or its height."""
    HEAT_FLUX = "heat flux"
    SPEED = "speed"
    OTHER = "other"


@dataclass(frozen=True)
class Variable:
    """One of them."""

    standard_name: str
    short_names: tuple[str, ...]
    """Names of variables in files, lower case: that of CMIP first."""
    words: tuple[str, ...]
    """What people say, the usual first."""
    units: str
    """Canonical: what `canonical` converts to, as UDUNITS reads them."""
    kind: Kind
    aliases: tuple[str, ...] = ()
    """Other standard names for it."""


def _rows() -> Iterator[Variable]:
    with (files(__package__) / "variables.csv").open(encoding="utf-8", newline="") as table:
        for row in csv.DictReader(table):
            short, words = tuple(row["short_names"].split()), tuple(row["words"].split("; "))
            kind, aliases = Kind(row["kind"]), tuple(row["aliases"].split())
            yield Variable(row["standard_name"], short, words, row["units"], kind, aliases)


VARIABLES: Mapping[str, Variable] = MappingProxyType({variable.standard_name: variable for variable in _rows()})
"""By standard name."""
_BY_STANDARD_NAME = {name: v for v in VARIABLES.values() for name in (*v.aliases, v.standard_name)}
_BY_SHORT_NAME = {name: v for v in reversed(VARIABLES.values()) for name in v.short_names}
_BY_WORDS = {words.casefold(): v for v in reversed(VARIABLES.values()) for words in v.words}


def named(name: str) -> Variable | None:
    """The variable that a standard name, a short name or a plain word means, case aside; None where none is known."""
    plain = " ".join(name.replace("_", " ").split()).casefold()
    spelt = plain.replace(" ", "_")
    return _BY_STANDARD_NAME.get(spelt) or _BY_WORDS.get(plain) or _BY_SHORT_NAME.get(spelt)


def meant(name: str) -> Iterator[Variable]:
    """The variables that a name in a file may mean, which are not always those that people mean by it."""
    plain = " ".join(name.replace("_", " ").split()).casefold()
    spelt = plain.replace(" ", "_")
    found = _BY_STANDARD_NAME.get(spelt), _BY_SHORT_NAME.get(spelt), _BY_WORDS.get(plain)
    yield from (variable for variable in found if variable is not None)
