"""Numbers with units, and depths, pressures and layers."""

from __future__ import annotations

import math
import re
from collections.abc import Iterator
from dataclasses import dataclass

from tellurion_agent.planning.extraction.counts import COUNT, counted
from tellurion_agent.planning.extraction.mention import Mention
from tellurion_agent.planning.extraction.text import Text
from tellurion_agent.planning.extraction.units import UNIT, units_of
from tellurion_agent.slots import Kind, Level


@dataclass(frozen=True)
class Quantity:
    """A number, and its units where they were said."""

    number: float
    units: str = ""


_NUMBER = r"\d+(?:[,.]\d+)*"
_DEPTH = r"(?P<m>km|kilometers?|m|meters?)(?![\w/])"
_PRESSURE = r"(?P<p>hpa|mbar|mb|millibars?|hectopascals?)(?!\w)"
_TO = r"\s*(?:-|to|and|through)\s*"
_COMPARED = r"(?:above|below|exceed(?:s|ing)?|over|under|than|least|most|threshold(?: of)?|[<>]=?)\s*$"
_LAYER = re.compile(
    rf"(?<![\w.])(?:(?:between|from)\s+)?(?:the\s+)?(?:(?P<a>{_NUMBER})|(?P<top>surface))\s*(?:km|m|meters?|hpa|mb)?{_TO}"
    rf"(?P<b>{_NUMBER})[\s-]*(?:{_DEPTH}|{_PRESSURE})"
)
_UPPER = re.compile(
    rf"(?<!\w)(?:(?:upper|top|first|uppermost)(?:\s+ocean)?|(?:ocean|sea|water)\s+(?:above|shallower than))"
    rf"\s+(?P<b>{_NUMBER})[\s-]*{_DEPTH}|(?<![\w.])(?P<c>{_NUMBER})[\s-]*{_DEPTH.replace('<m>', '<n>')}"
    rf"[\s-]*(?:thick\s+)?layer(?!\w)"
)
_BELOW = re.compile(rf"(?<!\w)(?:below|beneath|deeper than)\s+(?:a depth of\s+)?(?P<a>{_NUMBER})[\s-]*{_DEPTH}")
_DEEP = re.compile(
    rf"(?<!\w)(?:(?:at|to)(?:\s+a)?(?:\s+depth\s+of)?|depth(?:\s+of|\s*[:=])?)\s+(?P<a>{_NUMBER})[\s-]*{_DEPTH}"
    rf"|(?<![\w.])(?P<b>{_NUMBER})[\s-]*{_DEPTH.replace('<m>', '<n>')}(?=\s+(?:depth|deep|level|below))"
)
_AT_PRESSURE = re.compile(rf"(?<![\w.])(?P<a>{_NUMBER})[\s-]*{_PRESSURE}")
_BARE = re.compile(r"(?<![\w.])(?P<a>[1-9]\d{1,3})\s?(?P<m>m|meters?)(?![\w/^-])(?! (?:air|wind|temperature))")
"""A depth of no less than ten metres: at two and ten the weather is measured."""
_FULL = re.compile(r"(?<!\w)(?:full[- ]depth|(?:whole|entire|full) (?:water )?column|top[- ]to[- ]bottom)(?!\w)")
_SURFACE = re.compile(r"(?<![\w-])surface(?![\w-])")
_QUANTITY = re.compile(
    rf"(?<![\w.~])(?P<number>-?{_NUMBER}|{COUNT})(?P<ordinal>st|nd|rd|th)?(?:[\s-]*{UNIT}(?![\w^]|-\d))?(?![\d]|\.\d)"
)


def levels(text: Text) -> Iterator[Mention]:
    """Depths in m and pressures in hPa: ``upper 700 m``, ``at 500 hPa``, ``surface``; NaN where the number is none."""
    found: list[Mention] = []
    for pattern, read in (
        (_UPPER, lambda m: _level(m, 0.0, _number(m["b"] or m["c"]))),
        (_LAYER, lambda m: _level(m, 0.0 if m["top"] else _number(m["a"]), _number(m["b"]))),
        (_BELOW, lambda m: _level(m, _number(m["a"]), math.inf)),
        (_DEEP, lambda m: _level(m, *[_number(m["a"] or m["b"])] * 2)),
        (_AT_PRESSURE, lambda m: _level(m, *[_number(m["a"])] * 2)),
        (_BARE, lambda m: _level(m, *[_number(m["a"])] * 2)),
        (_FULL, lambda m: Level(0.0, math.inf, "m")),
        (_SURFACE, lambda m: Level(0.0, 0.0, "m")),
    ):
        if pattern is _SURFACE and found:
            continue  # of the pressure, or of the water above a depth
        for match in pattern.finditer(text.plain):
            if pattern in (_AT_PRESSURE, _BARE) and re.search(_COMPARED, text.plain[: match.start()]):
                continue  # a threshold
            found.append(Mention(Kind.LEVEL, read(match), match.start(), match.end()))
        text = text.without((m.start, m.end) for m in found)
    yield from sorted(found, key=lambda m: m.start)


def quantities(text: Text) -> Iterator[Mention]:
    """The other numbers, as Quantity, in figures; in words where a unit follows."""
    for match in _QUANTITY.finditer(text.plain):
        unit = next((u for g, u in match.groupdict().items() if g not in ("number", "ordinal") and u), "")
        if match["number"][-1].isdigit():
            number = _number(match["number"])
        elif unit and match["number"] not in ("a", "an", "one"):
            number = counted(match["number"])
        else:
            continue
        if math.isnan(number):
            continue
        value = Quantity(number, units_of(match) if unit else "")
        if value.units == "degrees_south":
            value = Quantity(-number, "degrees_north")
        yield Mention(Kind.NUMBER, value, match.start(), match.end())


def _level(match: re.Match[str], a: float, b: float) -> Level:
    groups = match.groupdict()
    depth = groups.get("m") or groups.get("n")
    scale = 1000.0 if depth and depth.startswith("k") else 1.0
    if math.isnan(a) or math.isnan(b):
        a = b = math.nan
    return Level(min(a, b) * scale, max(a, b) * scale, "m" if depth else "hPa")


def _number(said: str) -> float:
    """``1,000`` is a thousand; a comma before other than three figures is a decimal comma."""
    thousands = re.fullmatch(r"-?\d{1,3}(,\d{3})+(\.\d+)?", said)
    if thousands:
        return float(said.replace(",", ""))
    try:
        return float(said.replace(",", "."))
    except ValueError:  # 1.2.3
        return math.nan
