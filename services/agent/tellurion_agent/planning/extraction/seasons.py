"""Seasons and months: ``DJF``, ``boreal winter``, ``in March``, ``June to August``."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from tellurion_agent.planning.extraction.mention import Mention
from tellurion_agent.planning.extraction.text import TAKEN, Text
from tellurion_agent.slots import Kind, Season

MONTHS = (
    "January",
    "February",
    "March",
    "April",
    "May",
    "June",
    "July",
    "August",
    "September",
    "October",
    "November",
    "December",
)
INITIALS = "JFMAMJJASOND"
ANNUAL = Season("annual", tuple(range(1, 13)))


@dataclass(frozen=True)
class LocalSeason:
    """``winter``: which months depends on the hemisphere."""

    north: Season
    south: Season


def months_from(first: int, last: int) -> Season:
    """The season from one month to another, both 1…12, over the turn of the year where need be."""
    months = tuple((first - 1 + i) % 12 + 1 for i in range((last - first) % 12 + 1))
    if len(months) == 12:
        return ANNUAL
    name = MONTHS[first - 1] if len(months) == 1 else "".join(INITIALS[m - 1] for m in months)
    return Season(name, months)


_BOREAL = {"winter": (12, 2), "spring": (3, 5), "summer": (6, 8), "autumn": (9, 11), "fall": (9, 11)}
MONTH = "|".join(f"{name[:3].lower()}(?:{name[3:].lower()})?" for name in MONTHS if name != "May") + "|sept|may"
"""Pattern of a month's name."""
_ONE = re.compile(rf"(?<![\w-])(?P<cue>(?:in|of|for|during|each|every|month of)\s+)?(?P<month>{MONTH})\b\.?")
_RANGE = re.compile(
    rf"(?<![\w-])(?:(?P<a>{MONTH})-(?:{MONTH})-(?P<c>{MONTH})\b"
    rf"|(?P<first>{MONTH})\b\.?\s*(?:-|/|to|through|until)\s*(?P<last>{MONTH})\b\.?"
    rf"|between\s+(?P<b>{MONTH})\s+and\s+(?P<d>{MONTH})\b)"
)
_INITIALS = re.compile(r"(?<![\w-])[JFMASOND]{3,11}(?![\w])|(?<!\w)(?:djf|mam|jja|son|ndj|jjas|djfm)(?!\w)")
_WORD = re.compile(
    r"(?<!\w)(?:(?P<side>boreal|austral|northern(?:\s+hemisphere)?|southern(?:\s+hemisphere)?)\s+)?"
    r"(?P<word>winter|spring|summer(?! days?\b)|autumn|fall)s?(?:time)?(?!\w)"
)
_YEARLY = re.compile(
    r"(?<!\w)(?:annual(?:ly)?|yearly|whole[- ]year|year-round)(?!\w)(?!\W+(?:cycle|range|harmonic|march))"
)


def seasons(text: Text) -> Iterator[Mention]:
    """Seasons, as Season, or LocalSeason where the hemisphere is not said; from the left."""
    found: list[Mention] = []

    def add(match: re.Match[str], value: Season | LocalSeason) -> None:
        found.append(Mention(Kind.SEASON, value, match.start(), match.end()))

    for match in _INITIALS.finditer(text.said):
        if (at := (INITIALS * 2).find(match[0].upper())) >= 0:
            add(match, months_from(at % 12 + 1, (at + len(match[0]) - 1) % 12 + 1))
    for match in _WORD.finditer(text.plain):
        if (
            match["word"] != "fall"
            or match["side"]
            or re.search(r"(?:in|during|for|the|mean)\s+$", text.plain[: match.start()])
        ):
            add(match, _season(match["word"], match["side"]))
    for match in _RANGE.finditer(text.plain):
        first, last = match["first"] or match["a"] or match["b"], match["last"] or match["c"] or match["d"]
        add(match, months_from(_month(first), _month(last)))
    for match in _ONE.finditer(text.without((m.start, m.end) for m in found).plain):
        dated = re.match(rf"\s+(?:\d{{4}}(?!\d)|{TAKEN}{{4}})", text.plain[match.end() :]) is not None
        named = dated or (match.start() > 0 and text.said[match.start("month")].isupper())
        if match["month"] not in ("may", "mar") or match["cue"] or named:  # may is a verb, and to mar too
            month = _month(match["month"])
            add(match, months_from(month, month))
    for match in _YEARLY.finditer(text.plain):
        add(match, ANNUAL)
    yield from sorted(found, key=lambda m: m.start)


def _season(word: str, side: str | None) -> Season | LocalSeason:
    north = months_from(*_BOREAL[word])
    south = months_from(*((m + 5) % 12 + 1 for m in _BOREAL[word]))
    if side is None:
        return LocalSeason(north, south)
    return north if side.startswith(("b", "n")) else south


def _month(name: str) -> int:
    return next(i for i, month in enumerate(MONTHS, 1) if month.lower().startswith(name[:3]))
