"""Which of a request's numbers a slot is about, told by its name, the units and the words about the number."""

from __future__ import annotations

import re

from tellurion_agent.planning.extraction.mention import Mention
from tellurion_agent.planning.extraction.text import Text

_FITS: tuple[tuple[str, frozenset[str], str], ...] = (
    # a part of the slot's name, units that say it, words about the number that say it
    ("latitude", frozenset({"degrees_north"}), r"latitude"),
    ("percentile|quantile", frozenset(), r"percentile|quantile|\d(?:th|st|nd|rd)\b"),
    ("isotherm", frozenset({"degC", "K"}), r"isotherm|thermocline|\bd\d\d"),
    (
        "threshold",
        frozenset({"degC", "K", "degF", "mm day-1", "m s-1", "mm", "hPa", "%"}),
        r"above|below|exceed|over|under|than|threshold|at (?:least|most)|[<>≤≥]",
    ),
    ("scale|months|window|smooth|running", frozenset({"month"}), r"month|scale|running|window|spi|spei"),
    ("years|return", frozenset({"year"}), r"years?"),
    ("days", frozenset({"day"}), r"days?"),
    (
        "modes?|number|count|rank|components?|clusters?",
        frozenset({"1"}),
        r"modes?|eofs?|leading|first|top|components?|clusters?",
    ),
    ("lag", frozenset({"month", "year"}), r"lag|lead|delay"),
    ("warming", frozenset({"degC", "K"}), r"warming"),
)
_NAMED: tuple[tuple[str, re.Pattern[str], float], ...] = (
    ("threshold", re.compile(r"(?<!\w)summer days?(?!\w)(?!.{0,40}\d ?°?c)"), 25.0),
    ("threshold", re.compile(r"(?<!\w)hot days?(?!\w)(?!.{0,40}\d ?°?c)"), 30.0),
    ("threshold", re.compile(r"(?<!\w)tropical nights?(?!\w)(?!.{0,40}\d ?°?c)"), 20.0),
    ("threshold", re.compile(r"(?<!\w)(?:frost|ice|icing|freezing) days?(?!\w)(?!.{0,40}\d ?°?c)|below freezing"), 0.0),
    ("threshold", re.compile(r"(?<!\w)r10(?:mm)?(?!\w)"), 10.0),
    ("threshold", re.compile(r"(?<!\w)r20(?:mm)?(?!\w)"), 20.0),
    ("days", re.compile(r"(?<!\w)rx5day(?!\w)"), 5.0),
    ("percentile", re.compile(r"(?<!\w)median(?!\w)"), 50.0),
    ("percentile", re.compile(r"(?<!\w)[pq]0?5(?!\w)"), 5.0),
    ("percentile", re.compile(r"(?<!\w)[pq]10(?!\w)"), 10.0),
    ("percentile", re.compile(r"(?<!\w)[pq]90(?!\w)"), 90.0),
    ("percentile", re.compile(r"(?<!\w)[pq]95(?!\w)"), 95.0),
    ("percentile", re.compile(r"(?<!\w)[pq]99(?!\w)"), 99.0),
    ("percentile", re.compile(r"(?<!\w)(?:upper|top) quartile(?!\w)"), 75.0),
    ("percentile", re.compile(r"(?<!\w)(?:lower|bottom) quartile(?!\w)"), 25.0),
    ("percentile", re.compile(r"(?<!\w)(?:upper|top) decile(?!\w)"), 90.0),
    ("percentile", re.compile(r"(?<!\w)(?:lower|bottom) decile(?!\w)"), 10.0),
)
_ORDINALS = {"leading": 1, "dominant": 1, "first": 1, "second": 2, "third": 3, "fourth": 4, "fifth": 5}
_MODE = r"(?:eofs?|pcs?|modes?|principal components?|empirical orthogonal functions?|components?|patterns?)"
_NTH = re.compile(
    rf"(?<!\w)(?:(?P<a>\d)(?:st|nd|rd|th)|(?P<word>first|second|third|fourth|fifth|leading|dominant)) "
    rf"(?:leading )?(?:{_MODE}(?<!s)|one)(?!\w)|(?<!\w){_MODE}(?:[\s-]|(?:number|no\.?|#)\s?)?(?P<b>\d)(?!\w)"
)
_UP_TO = re.compile(rf"(?<!\w){_MODE}[\s-]?1\s*(?:\+|and|&|,|-|to|plus)\s*(?:{_MODE}[\s-]?)?(?P<b>\d)(?!\w)")
_SCALE = re.compile(r"(?<!\w)sp(?:e)?i[\s-]?(?P<months>\d{1,2})(?!\w)")
"""``SPI-3`` has a window of three months."""
_ISOTHERM = re.compile(r"(?<!\w)[dz](?P<degrees>[12]\d)(?!\w)")
"""``D20`` is the depth of the 20 °C isotherm."""
_ABOUT = 20
"""Characters about a number that tell what it is for."""


def fits_number(slot: str, mention: Mention, text: Text) -> bool:
    """Whether a number may be what the slot of this name asks for."""
    about = text.plain[max(0, mention.start - _ABOUT) : mention.end + _ABOUT]
    said = mention.value.units
    for name, units, words in _FITS:
        if re.search(name, slot) and (said in units or not (said and units)):
            return said in units or bool(re.search(words, about))
    return False


def named_number(slot: str, text: Text) -> tuple[str, float] | None:
    """A number that a word means for the slot of this name, with the word."""
    if "window" in slot and (scale := _SCALE.search(text.plain)) is not None:
        return scale[0], float(scale["months"])
    if slot == "which" and (match := _NTH.search(text.plain)) is not None:
        return match[0], float(match["a"] or match["b"] or _ORDINALS[match["word"]])
    if slot == "modes" and (match := _UP_TO.search(text.plain)) is not None:
        return match[0], float(match["b"])
    if slot == "isotherm" and (isotherm := _ISOTHERM.search(text.plain)) is not None:
        return isotherm[0], float(isotherm["degrees"])
    for name, words, number in _NAMED:
        if name in slot and (match := words.search(text.plain)) is not None:
            return match[0], number
    return None
