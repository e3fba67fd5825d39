"""Regions by their coordinates: ``10S-10N, 160E-120W``, ``north of 60°N``, ``55°N 3°W``."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from tellurion_agent.planning.extraction.mention import Mention
from tellurion_agent.planning.extraction.text import Text
from tellurion_agent.slots import Kind, Region

Range = tuple[float, float]


@dataclass(frozen=True)
class Impossible:
    """Coordinates that no place has, or a box that is empty."""

    reason: str


_NUMBER = r"\d{1,3}(?:\.\d+)?"
_DEGREE = r"\s*(?:°|deg(?:rees?)?\.?(?![a-z]))?\s*"
_JOIN = r"\s*(?:-|/|to|and|through|\.\.+|:)\s*(?:the\s+)?"
_NS, _EW = r"(?:n|s)(?:orth|outh)?(?![a-z])", r"(?:e|w)(?:ast|est)?(?![a-z])"


def _ranges(sides: str, zero: str, named: str) -> re.Pattern[str]:
    """Two numbers of one axis, by hemisphere or after the axis' name."""
    end = rf"(?:{_NUMBER}|{zero})"
    return re.compile(
        rf"(?<![\w.])(?<![a-z]-)(?:(?:between|from)\s+)?(?:the\s+)?(?:(?P<a>{end}){_DEGREE}(?P<aside>{sides})?{_JOIN}"
        rf"(?P<b>{end})(?:{_DEGREE}(?P<bside>{sides}))?(?![\w.]\d)"
        rf"|{named}\s*(?:in|of|=|:|from|between)?\s*[\[(]?\s*(?P<c>-?{_NUMBER}){_DEGREE}(?:,|{_JOIN})\s*"
        rf"(?P<d>-?{_NUMBER}){_DEGREE}[\])]?)"
    )


_LATITUDES = _ranges(_NS, "equator", r"lat(?:itudes?)?")
_LONGITUDES = _ranges(_EW, r"(?:international\s+)?date\s?line|greenwich", r"lon(?:gitudes?)?")
_POINT = re.compile(
    rf"(?<![\w.])(?P<lat>{_NUMBER}){_DEGREE}(?P<ns>{_NS})\s*(?:,|/|and|by)?\s*(?P<lon>{_NUMBER}){_DEGREE}(?P<ew>{_EW})"
    rf"|lat(?:itude)?\s*[=:]?\s*(?P<lat2>-?{_NUMBER}){_DEGREE},?\s*(?:and\s+)?"
    rf"lon(?:gitude)?\s*[=:]?\s*(?P<lon2>-?{_NUMBER})"
)
_BEYOND = re.compile(rf"(?<!\w)(?P<side>north|south|poleward)s?\s+of\s+(?P<lat>{_NUMBER}){_DEGREE}(?P<ns>{_NS})?(?!\w)")
_NEAR_EQUATOR = re.compile(rf"(?<!\w)within\s+(?P<lat>{_NUMBER}){_DEGREE}(?:of|from)\s+the\s+equator(?!\w)")


def boxes(text: Text) -> Iterator[Mention]:
    """Boxes, bands and points, as Region, or Impossible where there is no such place; from the left.

    Ranges of latitude and longitude that stand together are one box.
    """
    found: list[Mention] = []
    for pattern in (_BEYOND, _NEAR_EQUATOR):
        found += [_mention(match, _band(match)) for match in pattern.finditer(text.plain)]
    text = text.without((m.start, m.end) for m in found)
    latitudes = [m for m in _LATITUDES.finditer(text.plain) if _sided(m, ("equator",))]
    longitudes = [
        m
        for m in _LONGITUDES.finditer(text.without(m.span() for m in latitudes).plain)
        if _sided(m, ("date", "international", "greenwich"))
    ]
    for match in latitudes:
        beside = next((m for m in longitudes if _together(text.plain, match, m)), None)
        start, end = match.span()
        if beside is not None:
            longitudes.remove(beside)
            start, end = min(start, beside.start()), max(end, beside.end())
        found.append(Mention(Kind.REGION, box(_latitudes(match), _longitudes(beside)), start, end))
    found += [_mention(match, box((-90.0, 90.0), _longitudes(match))) for match in longitudes]
    text = text.without((m.start, m.end) for m in found)
    found += [_mention(match, _point(match)) for match in _POINT.finditer(text.plain)]
    yield from sorted(found, key=lambda m: m.start)


def overlap(a: Region, b: Region) -> Region | Impossible:
    """What two regions have in common."""
    if a.surface and b.surface and a.surface != b.surface:
        return Impossible(f"{a.name} is {a.surface}, {b.name} is {b.surface}")
    if a.shape and b.shape and a.shape != b.shape:
        return Impossible(f"{a.name} and {b.name} have nothing in common that has a name")
    south, north = max(a.south, b.south), min(a.north, b.north)
    sides = _overlap_of_longitudes((a.west, a.east), (b.west, b.east))
    if south > north or sides is None:
        return Impossible(f"{a.name} and {b.name} do not overlap")
    return Region(_joint_name(a, b), south, north, *sides, surface=a.surface or b.surface, shape=a.shape or b.shape)


def _joint_name(a: Region, b: Region) -> str:
    plain = Region("")
    bare = [r for r in (a, b) if Region("", r.south, r.north, r.west, r.east, shape=r.shape) == plain]
    if len(bare) == 1:  # it says land or ocean alone, or nothing
        other = b if bare[0] is a else a
        return f"{other.name} ({bare[0].surface})" if bare[0].surface and not other.surface else other.name
    return f"{a.name}, {b.name}"


def _overlap_of_longitudes(a: Range, b: Range) -> Range | None:
    """West and east; the wider part where there are two."""
    parts = []
    for turn in (-360.0, 0.0, 360.0):
        west, east = max(a[0], b[0] + turn), min(a[1], b[1] + turn)
        if west <= east:
            parts.append((west, east))
    if not parts:
        return None
    west, east = max(parts, key=lambda p: p[1] - p[0])
    return (west % 360, west % 360 + (east - west)) if east - west < 360 else (west, east)


def _mention(match: re.Match[str], value: Region | Impossible) -> Mention:
    return Mention(Kind.REGION, value, match.start(), match.end())


def _sided(match: re.Match[str], names: tuple[str, ...]) -> bool:
    """Whether it is said which axis it is of."""
    return bool(match["c"] or match["aside"] or match["bside"] or match["a"].startswith(names))


def _together(plain: str, a: re.Match[str], b: re.Match[str]) -> bool:
    first, second = sorted((a, b), key=lambda m: m.start())
    return bool(re.fullmatch(r"[\s,;x/&()]*(?:and|by)?[\s(]*", plain[first.end() : second.start()]))


def _signed(number: str, side: str | None) -> float:
    if number == "equator" or number == "greenwich":
        return 0.0
    if not number[-1].isdigit():
        return 180.0  # the date line
    return -float(number) if (side or "")[:1] in ("s", "w") else float(number)


def _ends(match: re.Match[str]) -> Range:
    if match["c"]:
        return float(match["c"]), float(match["d"])
    return _signed(match["a"], match["aside"] or match["bside"]), _signed(match["b"], match["bside"] or match["aside"])


def _latitudes(match: re.Match[str]) -> Range:
    a, b = _ends(match)
    return min(a, b), max(a, b)


def _longitudes(match: re.Match[str] | None) -> Range | Impossible:
    """West and east, from the first number eastwards to the second."""
    if match is None:
        return 0.0, 360.0
    a, b = _ends(match)
    if max(abs(a), abs(b)) > 360:
        return Impossible(f"there is no longitude {max(abs(a), abs(b)):g}°")
    if b - a >= 360:
        return 0.0, 360.0
    west, east = a % 360, b % 360
    east += 360 if east <= west else 0
    if east - west > 180 and match["aside"] and match["bside"] and match["aside"][0] != match["bside"][0]:
        return Impossible(
            f"{match[0].strip()} reaches {east - west:g}° eastwards round the Earth; the other way it is "
            f"{_longitude(b)}–{_longitude(a)}"
        )
    return west, east


def box(latitudes: Range, longitudes: Range | Impossible) -> Region | Impossible:
    """The region between latitudes in °N and longitudes in °E, west < east, named by them."""
    if isinstance(longitudes, Impossible):
        return longitudes
    south, north = latitudes
    west, east = longitudes
    if max(abs(south), abs(north)) > 90:
        return Impossible(f"there is no latitude {max(abs(south), abs(north)):g}°")
    names = [] if (south, north) == (-90, 90) else [_span(_latitude(south), _latitude(north))]
    names += [] if east - west == 360 else [_span(_longitude(west), _longitude(east))]
    return Region(", ".join(names) or "global", south, north, west, east)


def _point(match: re.Match[str]) -> Region | Impossible:
    lat = _signed(match["lat"], match["ns"]) if match["lat"] else float(match["lat2"])
    lon = _signed(match["lon"], match["ew"]) if match["lat"] else float(match["lon2"])
    if abs(lon) > 360:
        return Impossible(f"there is no longitude {abs(lon):g}°")
    return box((lat, lat), (lon % 360, lon % 360))


def _band(match: re.Match[str]) -> Region | Impossible:
    bound = float(match["lat"])
    if bound > 90:
        return Impossible(f"there is no latitude {bound:g}°")
    if match.re is _NEAR_EQUATOR:
        return box((-bound, bound), (0.0, 360.0))
    bound = _signed(match["lat"], match["ns"])
    northwards = match["side"] == "north" or (match["side"] == "poleward" and bound > 0)
    return box((bound, 90.0) if northwards else (-90.0, bound), (0.0, 360.0))


def _span(a: str, b: str) -> str:
    return a if a == b else f"{a}–{b}"


def _latitude(degrees: float) -> str:
    return f"{abs(degrees):g}°{'N' if degrees > 0 else 'S' if degrees < 0 else ''}"


def _longitude(degrees: float) -> str:
    degrees = (degrees + 180) % 360 - 180
    return "180°" if degrees == -180 else f"{abs(degrees):g}°{'E' if degrees > 0 else 'W' if degrees < 0 else ''}"
