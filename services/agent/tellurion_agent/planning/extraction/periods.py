"""Periods of whole years: ``1991–2020``, ``since 1979``, ``the last 30 years``, ``the 1990s``."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from tellurion_agent.planning.extraction.counts import COUNT, counted
from tellurion_agent.planning.extraction.mention import Mention
from tellurion_agent.planning.extraction.seasons import MONTH
from tellurion_agent.planning.extraction.text import Text
from tellurion_agent.slots import Kind, Period


@dataclass(frozen=True)
class SaidPeriod:
    """As much of a period as was said; the data say the rest."""

    first: int | None = None
    last: int | None = None
    years: int | None = None
    """So many years, at the end of the data (or at their beginning, see `early`)."""
    early: bool = False
    part_years: bool = False
    """It begins or ends within a year, which periods here do not."""

    def within(self, data: Period) -> Period:
        """The period, where the data hold these years; its end may precede its beginning where that was said."""
        if self.years is not None:
            if self.early:
                return Period(data.first, data.first + self.years - 1)
            return Period(data.last - self.years + 1, data.last)
        return Period(
            data.first if self.first is None else self.first,
            data.last if self.last is None else self.last,
        )

    @property
    def backwards(self) -> bool:
        """Whether it ends before it begins."""
        return self.first is not None and self.last is not None and self.last < self.first


_DAY = r"(?:\d{1,2}(?:st|nd|rd|th)?\s+(?:of\s+)?)?"
_DATE = rf"(?:{_DAY}(?:{MONTH})\.?\s*(?:\d{{1,2}},?\s+)?(?:of\s+)?)?"
_FOUR = r"(?:1[4-9]|2[0-3])\d"
_YEAR = rf"{_FOUR}\d(?:-(?:0[1-9]|1[0-2])(?:-\d\d)?(?!\d))?"  # or an ISO date
_YEARS = rf"{_YEAR}(?!\w|\.\d|\s*(?:k?m|mm(?!/)|meters?|hpa|members?)\b)"
_RANGE = re.compile(
    rf"(?<![\w.°])(?:(?<!anomalies )(?<!anomaly )(?<!departures )from\s+|between\s+)?"
    rf"(?:the\s+)?(?:years?\s+)?(?P<since>{_DATE})(?P<first>{_YEAR})(?!\w)"
    rf"\s*(?:-|/|to|and|until|till|through|thru|up to|\.\.+)\s*(?:the\s+)?(?:(?:end|year) of\s+|year\s+)?"
    rf"(?P<until>{_DATE})(?P<last>{_YEARS}|\d\d(?![\d\w.]|-\d))"
)
_MODEL_YEARS = re.compile(r"(?<![\w.])years\s+(?P<first>\d{1,4})\s*(?:-|to|and|through)\s*(?P<last>\d{1,4})(?!\w|\.\d)")
_DECADE = re.compile(
    rf"(?<![\w.])(?:the\s+)?(?P<first>{_FOUR}0)'?s(?!\w)(?:\s*(?:-|to|and|through)\s*(?:the\s+)?"
    rf"(?P<last>{_FOUR}0)'?s(?!\w))?"
)
_CENTURY = re.compile(
    r"(?<!\w)(?:the\s+)?(?:(?P<half>first|second|1st|2nd|early|late)\s+half\s+of\s+(?:the\s+)?)?"
    r"(?P<which>1[6-9]th|2[0-2](?:th|st|nd)|nineteenth|twentieth|twenty[- ]first)\s+century"
)
_CENTURIES = {"nineteenth": 19, "twentieth": 20, "twenty-first": 21, "twenty first": 21}
_SINCE = re.compile(
    rf"(?<!\w)(?P<cue>since|after|from|starting(?: in| from)?|beginning(?: in)?)\s+(?:the\s+)?(?:year\s+)?"
    rf"(?P<date>{_DATE})(?P<year>{_YEARS})(?:\s*(?:-|on(?:wards?)?|to (?:the )?(?:present|today|now|date|end)|"
    r"until (?:the )?(?:present|today|now|end))(?![\w-]))?"
)
_TO_PRESENT = re.compile(
    rf"(?<![\w.])(?P<year>{_YEAR})\s*(?:(?:-|to)\s*(?:the\s+)?(?:present|today|now)|"
    r"onwards?|and (?:later|after|since))(?!\w)"
)
_UNTIL = re.compile(
    rf"(?<!\w)(?P<cue>until|till|up to|through|before|prior to)\s+(?:the\s+)?(?:year\s+)?(?P<year>{_YEARS})"
)
_LATEST = re.compile(
    rf"(?<!\w)(?P<cue>last|latest|past|most recent|recent|final|first|earliest|initial|opening)\s+"
    rf"(?:(?P<count>{COUNT})[\s-]+)?(?P<unit>years?|decades?|century)(?!\w)"
)
_ONE = re.compile(rf"(?<![\w.~-])(?:(?:in|during|for|of)\s+)?(?:the\s+)?(?:year\s+)?(?P<year>{_YEARS})(?![-/]\d)")
_PREINDUSTRIAL = re.compile(
    r"(?<!\w)pre-?\s?industrial(?!\s*(?:control|run|simulation|experiment))(?:\s+(?:levels?|times?|era|period))?"
)
_CITED = re.compile(rf"(?<!\w)et al\.?,?\s*\(?{_FOUR}\d\)?")
"""A paper, not a year of data."""
_EARLY = ("first", "earliest", "initial", "opening")


def periods(text: Text) -> Iterator[Mention]:
    """What a text says of periods, as `SaidPeriod`, from the left."""
    found: list[Mention] = []
    text = text.without(m.span() for m in _CITED.finditer(text.plain))
    for pattern, read in _READERS:
        read_here = ((m, read(m)) for m in pattern.finditer(text.plain))
        found += [Mention(Kind.PERIOD, said, m.start(), m.end()) for m, said in read_here if said is not None]
        text = text.without((m.start, m.end) for m in found)
    yield from sorted(found, key=lambda m: m.start)


def _range(match: re.Match[str]) -> SaidPeriod | None:
    first, last = int(match["first"][:4]), match["last"]
    if len(last) == 2:  # 1991-92, but not the ISO month 1991-02
        if int(last) <= first % 100:
            return None
        last = str(first // 100) + last
    since, until = match["since"] + match["first"][4:], match["until"] + last[4:]
    begins = not since or bool(re.search(r"jan|^-01(-01)?$", since))
    ends = not until or bool(re.search(r"dec|^-12(-31)?$", until))
    return SaidPeriod(first, int(last[:4]), part_years=not (begins and ends))


def _model_years(match: re.Match[str]) -> SaidPeriod:
    return SaidPeriod(int(match["first"]), int(match["last"]))


def _decade(match: re.Match[str]) -> SaidPeriod:
    return SaidPeriod(int(match["first"]), int(match["last"] or match["first"]) + 9)


def _century(match: re.Match[str]) -> SaidPeriod:
    which = match["which"]
    number = _CENTURIES.get(which) or int(which[:2])
    start = (number - 1) * 100 + 1
    if match["half"] in ("second", "2nd", "late"):
        return SaidPeriod(start + 50, start + 99)
    return SaidPeriod(start, start + (49 if match["half"] else 99))


def _since(match: re.Match[str]) -> SaidPeriod:
    year = int(match["year"][:4])
    date = match["date"] + match["year"][4:]
    begins = not date or bool(re.search(r"jan|^-01(-01)?$", date))
    return SaidPeriod(year + (match["cue"] == "after"), part_years=not begins)


def _until(match: re.Match[str]) -> SaidPeriod:
    return SaidPeriod(last=int(match["year"][:4]) - (match["cue"] in ("before", "prior to")))


def _to_present(match: re.Match[str]) -> SaidPeriod:
    return SaidPeriod(int(match["year"][:4]))


def _latest(match: re.Match[str]) -> SaidPeriod | None:
    unit = {"y": 1, "d": 10, "c": 100}[match["unit"][0]]
    early = match["cue"] in _EARLY
    if match["count"] is None and (match["unit"].endswith("s") or (early and match["unit"] == "year")):
        return None  # recent years: how many is not said; the first year in which something happens is no period
    years = int((counted(match["count"]) if match["count"] else 1) * unit)
    return SaidPeriod(years=years, early=early) if years > 0 else None


def _one(match: re.Match[str]) -> SaidPeriod:
    year = int(match["year"][:4])
    return SaidPeriod(year, year, part_years=len(match["year"]) > 4)


def _preindustrial(match: re.Match[str]) -> SaidPeriod:
    return SaidPeriod(1850, 1900)  # as the IPCC has it


_READERS = (
    (_RANGE, _range),
    (_MODEL_YEARS, _model_years),
    (_DECADE, _decade),
    (_CENTURY, _century),
    (_TO_PRESENT, _to_present),
    (_SINCE, _since),
    (_UNTIL, _until),
    (_LATEST, _latest),
    (_PREINDUSTRIAL, _preindustrial),
    (_ONE, _one),
)
"""The longer forms first: what one has read the next does not see."""
