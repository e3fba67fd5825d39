"""Requests that no analysis of data answers, and words in requests that nobody here knows."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator

from tellurion_agent.planning.concepts import spoken
from tellurion_agent.planning.extraction.reading import Reading
from tellurion_agent.planning.retrieval import stems

_AHEAD = re.compile(
    r"(?<!\w)(?:tomorrow|tonight|weather forecast|(?:next|this|coming) (?:week|weekend|night|morning|evening|afternoon|"
    r"monday|tuesday|wednesday|thursday|friday|saturday|sunday)|next (?:few )?(?:days|hours|weeks))(?!\w)"
)
_WORDS_WANTED = re.compile(
    r"^\W*(?:(?:hi|hello|hey|ok|please|so|well)\W+)*(?:(?:can|could|would) you\W+)?(?:please\W+)?"
    r"(?:why\W|who(?:'s|\W)|define\W|translate\W|explain (?:to me )?(?:why|the concept|what)|"
    r"what does .{1,60} mean\W*$|"
    r"(?:tell|give|write|sing)\W+(?:me |us )?(?:a|an|some) (?:\w+ )?"
    r"(?:joke|story|poem|song|essay|haiku|recipe|limerick|letter|email))"
)
_NAME = re.compile(
    r"(?<![\w~])(?:in|over|near|around|across|at|for|off|within|of|from|by|using|with|than|against)\s+(?:the\s+)?"
    r"(?P<name>(?:[A-Z][\w'.+-]+)(?:\s+(?:[A-Z][\w'.+-]+))*)"
)


def out_of_scope(reading: Reading) -> str:
    """Why a request is for no analysis of data at all; empty where it may be one."""
    if _AHEAD.search(reading.text.plain):
        return "Weather is not forecast here: only data that there are can be analysed."
    if _WORDS_WANTED.search(reading.text.plain):
        return "That asks for words, not for an analysis of data."
    return ""


def strangers(reading: Reading, known: Collection[str]) -> Iterator[str]:
    """Names in a request that are no region, data set or anything else that is known; `known` are words' stems."""
    rest = reading.text.without((m.start, m.end) for m in reading.mentions).said
    for match in _NAME.finditer(rest):
        if next(spoken(match["name"].lower()), None):
            continue
        words = [word for word in match["name"].split() if not _is_known(word, known)]
        if words:
            yield " ".join(words)


def _is_known(word: str, known: Collection[str]) -> bool:
    """Whether a word, or what it is the plural of, is known by its stem."""
    return {s for s in stems(word) if s.isalpha()} <= {*known} or {*stems(word.removesuffix("s"))} <= {*known}


def own_words(reading: Reading) -> set[str]:
    """Stems of what a request says beside its mentions."""
    return set(stems(reading.text.without((m.start, m.end) for m in reading.mentions).plain)) - _TALK


_TALK = frozenset(
    stems(
        """about same now instead again also then only just but use using try make take ok okay yes no not rather sorry
        meant want need like much thanks thank well so years year data dataset set
        whole entire all do it that one both value values number"""
    )
)
