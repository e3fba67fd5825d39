"""Which of a slot's words a request chooses."""

from __future__ import annotations

import re
from collections.abc import Iterator

from tellurion_agent.planning.extraction.text import Text, text_of
from tellurion_agent.slots import Slot

_SYNONYMS: dict[str, str] = {
    "mean": r"mean|averaged?|averages|averaging|typical",
    "median": r"median",
    "maximum": r"max(?:imum)?|maxima|highest|largest|greatest|warmest|hottest|wettest|strongest|peaks?|peaked",
    "minimum": r"min(?:imum)?|minima|lowest|smallest|coldest|coolest|driest|weakest",
    "standard deviation": r"standard deviations?|std|stdev|variability|spread|how variable",
    "variance": r"variance",
    "sum": r"sum|total|totals|accumulated|cumulative",
    "linear": r"linear|least[- ]squares|ols|regression",
    "theil-sen": r"theil[- ]?sen|sen'?s? slope|robust|non-?parametric|mann[- ]?kendall",
    "monthly": r"monthly|month by month|each month|every month|per month",
    "yearly": r"annual|annually|yearly|each year|every year|year by year",
    "annual": r"annual|annually|yearly|each year|every year|year by year",
    "seasonal": r"seasonal|each season|by season|seasonally",
    "pearson": r"pearson",
    "spearman": r"spearman|rank correlation",
    "percentile": r"percentiles?|quantiles?",
    "relative": r"percent(?:age)?|per cent|%|relative change",
    "absolute": r"absolute",
    "warm": r"warm(?:ing)?|el nino|positive",
    "cold": r"cold|cool(?:ing)?|la nina|negative",
    "above": r"above|over|exceed\w*|greater than|more than|warmer than|hotter than|wetter than|at least",
    "below": r"below|under|less than|fewer than|colder than|cooler than|drier than|at most",
    "northern": r"north(?:ern)?|arctic",
    "southern": r"south(?:ern)?|antarctic",
}


def chosen(text: Text, slot: Slot) -> tuple[str, ...]:
    """The choices of a slot that a text names, in the slot's order; a word within a longer choice does not count."""
    spans = {choice: [m.span() for m in re.finditer(_pattern(choice), text.plain)] for choice in slot.choices}
    return tuple(choice for choice in slot.choices if any(_outermost(span, spans) for span in spans[choice]))


def choice_words(slots: Iterator[Slot]) -> Iterator[str]:
    """Words of the choices."""
    for slot in slots:
        for choice in slot.choices:
            yield from re.findall(r"[a-z]+", choice.lower())


def _pattern(choice: str) -> str:
    words = text_of(choice).plain.replace("_", " ")
    written = r"[\s_-]?".join(map(re.escape, re.split(r"[\s-]+", words)))
    return rf"(?<![\w-])(?:{written}|{_SYNONYMS.get(words, written)})(?![\w-])"


def _outermost(span: tuple[int, int], spans: dict[str, list[tuple[int, int]]]) -> bool:
    start, end = span
    return not any(a <= start and end <= b and (a, b) != span for others in spans.values() for a, b in others)
