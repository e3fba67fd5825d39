"""Which regions a request is about, where several of its words name one together."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace

from tellurion_agent.planning.extraction.boxes import Impossible, overlap
from tellurion_agent.planning.extraction.mention import Mention, Role
from tellurion_agent.planning.extraction.reading import Reading
from tellurion_agent.slots import Kind, Region

_JOINED = re.compile(
    r"[\s,(:=\-]*(?:(?:ocean|over|of|in|within|between|from|the|region|area|box|sector|at|i\.e\.)[\s,(:=]*)*"
)
"""What stands between words that name one region together: ``the Pacific north of 20°N``."""


@dataclass(frozen=True)
class Place:
    """A region, and what it is for."""

    region: Region | Impossible
    role: Role
    start: int
    """Where in the text."""


def places(reading: Reading) -> list[Place]:
    """The regions, from the left; overlaps of words that stand together, land and ocean within the others."""
    found: list[Mention] = []
    for mention in reading.of(Kind.REGION, *Role):
        if found and _one(reading, found[-1], mention):
            found[-1] = replace(found[-1], value=_overlap(found[-1].value, mention.value), end=mention.end)
        else:
            found.append(mention)
    found = _in_one_band(found)
    bare = [m for m in found if _is_bare(m.value)]
    surfaces = {m.value.surface for m in bare if m.value.surface}
    named = [m for m in found if not _is_bare(m.value)]
    if named and len(surfaces) < 2:  # land of Europe; but land against ocean are two
        whole = Region("global", surface=next(iter(surfaces), ""))
        found = [replace(m, value=_overlap(m.value, whole)) if surfaces else m for m in named]
    elif len(bare) > 1 and len(surfaces) < 2:  # the whole Earth, and its oceans
        found = [next((m for m in bare if m.value.surface), bare[0])]
    unique = {(m.value, m.role): Place(m.value, m.role, m.start) for m in reversed(found)}
    return sorted(unique.values(), key=lambda place: place.start)


def _in_one_band(found: list[Mention]) -> list[Mention]:
    """Latitudes that are said once hold for all: 150°E–180° and 120°W–90°W, 5°S–5°N."""
    regions: list[Region] = [m.value for m in found if isinstance(m.value, Region) and m.value.name[:1].isdigit()]
    bands = {(r.south, r.north): r.name.partition(",")[0] for r in regions if (r.south, r.north) != (-90, 90)}
    if len(regions) < 2 or len(bands) != 1 or len(regions) != len(found):
        return found
    ((south, north), name) = next(iter(bands.items()))
    return [
        replace(m, value=replace(r, south=south, north=north, name=f"{name}, {r.name}"))
        if (r.south, r.north) == (-90, 90)
        else m
        for m, r in zip(found, regions, strict=True)
    ]


def _one(reading: Reading, a: Mention, b: Mention) -> bool:
    """Whether two mentions name one region together."""
    if a.role is not b.role and b.role is not Role.PLAIN:
        return False
    between = reading.text.plain[a.end : b.start]
    coordinates = any(isinstance(m.value, Impossible) or m.value.name[:1].isdigit() for m in (a, b))
    if "," in between and not coordinates:
        return False  # a list
    return bool(_JOINED.fullmatch(between))


def _overlap(a: Region | Impossible, b: Region | Impossible) -> Region | Impossible:
    impossible = next((r for r in (a, b) if isinstance(r, Impossible)), None)
    if impossible is not None:
        return impossible
    if a.name[:1].isalpha() and b.name[:1].isdigit():
        whole_circle = b.east - b.west == 360
        defined = a.east - a.west == 360 and b.south <= a.south and a.north <= b.north  # the tropics (30°S–30°N)
        if (defined and whole_circle) or not (whole_circle or (b.south, b.north) == (-90, 90)):
            there = overlap(a, b)
            return there if isinstance(there, Impossible) else replace(b, name=f"{a.name}, {b.name}", surface=a.surface)
    return overlap(a, b)


def _is_bare(region: Region | Impossible) -> bool:
    """Whether it is all of the Earth, its land or its ocean."""
    if isinstance(region, Impossible) or region.shape:
        return False
    return (region.south, region.north, region.east - region.west) == (-90, 90, 360)
