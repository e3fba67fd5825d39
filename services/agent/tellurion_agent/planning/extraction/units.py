"""Units of measurement: what is written, how they are called here, and of what quantity they are."""

from __future__ import annotations

import re
from collections.abc import Iterator

from tellurion_agent.planning.extraction.mention import Mention
from tellurion_agent.planning.extraction.text import Text
from tellurion_agent.slots import Kind

_TIMES = {"second": "s", "day": "day", "month": "month", "year": "year", "decade": "decade", "century": "century"}
_TABLE: tuple[tuple[str, str, str], ...] = (
    # as here, of what, as written
    ("degC", "temperature", r"°\s?c|deg(?:rees?)?\s?c(?:elsius|entigrade)?|celsius|centigrade|c"),
    ("degF", "temperature", r"°\s?f|deg(?:rees?)?\s?f(?:ahrenheit)?|fahrenheit"),
    ("K", "temperature", r"kelvins?|k|deg(?:rees?)?\s?k"),
    ("mm day-1", "water flux", r"mm\s?(?:/|per)\s?d(?:ay)?|mm\sday-1|mm\sd-1|mm/d|millimeters? (?:per|a) day"),
    ("kg m-2 s-1", "water flux", r"kg\s?/?\s?m\^?-?2\s?/?\s?s(?:\^?-?1)?|kg/m2/s"),
    ("mm month-1", "water flux", r"mm\s?(?:/|per)\s?month|millimeters? (?:per|a) month"),
    ("mm year-1", "water flux", r"mm\s?(?:/|per)\s?(?:year|yr|a)|millimeters? (?:per|a) year"),
    ("hPa", "pressure", r"hpa|hectopascals?|mbar|mb|millibars?"),
    ("Pa", "pressure", r"pa|pascals?"),
    ("dbar", "pressure", r"dbar|decibars?"),
    ("W m-2", "energy flux", r"w\s?/\s?m\^?2|w\sm-2|watts? per (?:square meter|m2)"),
    ("ZJ", "energy", r"zj|zettajoules?"),
    ("J m-2", "energy per area", r"j\s?/\s?m\^?2|j\sm-2|joules? per square meter"),
    ("J", "energy", r"j|joules?"),
    ("PW", "power", r"pw|petawatts?"),
    ("TW", "power", r"tw|terawatts?"),
    ("Sv", "transport", r"sv|sverdrups?"),
    ("m s-1", "speed", r"m\s?/\s?s|m\ss-1|meters? (?:per|a) second"),
    ("km h-1", "speed", r"km\s?/\s?h|kph|kilometers? (?:per|an) hour"),
    ("km2", "area", r"km\^?2|square kilometers?"),
    ("m2", "area", r"m\^?2|square meters?"),
    ("km", "length", r"km|kilometers?"),
    ("cm", "length", r"cm|centimeters?"),
    ("mm", "length", r"mm|millimeters?"),
    ("m", "length", r"m|meters?"),
    ("%", "fraction", r"%|per\s?cent|percentage"),
    ("g kg-1", "salinity", r"g\s?/\s?kg"),
    ("1e-3", "salinity", r"psu|pss(?:-78)?"),
    ("1", "count", r"(?:leading |dominant |first )?(?:eof |principal )?(?:modes|eofs|components|patterns|pcs)"),
    ("degrees_north", "angle", r"(?:°|deg(?:rees?)?)\s?n(?:orth)?|n"),
    ("degrees_south", "angle", r"(?:°\s?|deg(?:rees?)?\s)s(?:outh)?|s"),
    ("month", "time", r"months?|mo"),
    ("day", "time", r"days?"),
    ("year", "time", r"years?|yrs?"),
    ("decade", "time", r"decades?"),
    ("degC", "temperature", r"degrees?(?! (?:north|south|east|west|of))"),
)
_GROUPS = {f"u{i}": (units, quantity) for i, (units, quantity, _) in enumerate(_TABLE)}
UNIT = "(?:" + "|".join(f"(?P<u{i}>{written})" for i, (_, _, written) in enumerate(_TABLE)) + ")"
"""Pattern of any unit; `units_of` tells which."""
_AFTER = r"(?![\w/^]|-\d)"
_RATE = r"(?:\s*(?:/|per|a)\s*(?P<per>second|day|month|year|yr|decade|century))?"
_ASKED = re.compile(
    rf"(?<!\w)(?:(?:in|as|into|to|using|with)\s+(?:units?\s+(?:of\s+)?)?|units?\s*[:=]?\s*(?:of\s+)?|\[|\()"
    rf"{UNIT}{_RATE}{_AFTER}"
)
_RATE_ALONE = re.compile(rf"(?<!\w)(?:/\s?|per\s+)(?P<per>day|month|year|yr|decade|century){_AFTER}")


def units(text: Text) -> Iterator[Mention]:
    """Units that the answer is asked for in: ``in kelvin``, ``in mm/day``, ``per decade`` as ``decade-1``."""
    found = []
    for match in _ASKED.finditer(text.plain):
        rate = f" {_per(match['per'])}" if match["per"] else ""
        if units_of(match) not in ("degrees_north", "degrees_south"):
            found.append(Mention(Kind.UNITS, units_of(match) + rate, match.start(), match.end()))
    rates = _RATE_ALONE.finditer(text.without((m.start, m.end) for m in found).plain)
    found += [Mention(Kind.UNITS, _per(match["per"]), match.start(), match.end()) for match in rates]
    yield from sorted(found, key=lambda m: m.start)


def units_of(match: re.Match[str]) -> str:
    """Which unit a match of `UNIT` is."""
    return next(name for group, (name, _) in _GROUPS.items() if match[group] is not None)


def quantity_of(units: str) -> str:
    """Of what quantity units are, without ``per decade`` and the like; empty where that is not known."""
    bare = re.sub(r"\s?(?:day|month|year|decade|century)-1$", "", units) or units
    table = {name: quantity for name, quantity, _ in _TABLE}
    return table.get(units) or table.get(bare) or ""


def _per(time: str) -> str:
    return f"{_TIMES.get(time, 'year')}-1"
