"""Which options an answer to one of OmniEarth-Bench's choices names."""

from __future__ import annotations

import re
from collections.abc import Sequence
from string import ascii_uppercase

LEAD_INS = (
    "The best answer is",
    "The correct answer is",
    "The answer is",
    "The answer",
    "The best option is",
    "The correct option is",
    "Best answer:",
    "Best option:",
)
"""Deleted in this order."""
UNABLE = "unable to decide"
"""Stands in the last option."""

_RELEASED_CAPITAL = re.compile("[A-E]")
_RELEASED_LETTER = re.compile("[a-eA-E]")
_RELEASED_IN_PARENTHESES = re.compile(r"\(([a-eA-E])\)")
_IN_PARENTHESES = re.compile(r"\(([a-zA-Z])\)")
_WORD = re.compile(r"\w++")


def released_letters(answer: str) -> str:
    """The letters that the release finds, in capitals and in the alphabet's order.

    Those in parentheses, else every letter from a to e of any word; none where no capital A to E stands anywhere.
    """
    answer = _without_lead_ins(answer)
    if not _RELEASED_CAPITAL.search(answer):
        return ""
    return _sorted(_RELEASED_IN_PARENTHESES.findall(answer) or _RELEASED_LETTER.findall(answer))


def whole_letters(answer: str, count: int) -> str:
    """The letters of the first `count` options that an answer names as words, in capitals and in the alphabet's order.

    Of an answer without any other word all letters, in either case and also joined (`b`, `a, c`, `AC`); else those in
    parentheses, in either case; else capitals that stand alone.
    """
    options = letters(count)
    answer = _without_lead_ins(answer)
    words = _WORD.findall(answer)
    joined = "".join(words).upper()
    if len(joined) <= count and len(set(joined)) == len(joined) and set(joined) <= set(options):
        return _sorted(joined)
    named = [letter for letter in _IN_PARENTHESES.findall(answer) if letter.upper() in options]
    return _sorted(named or [word for word in words if len(word) == 1 and word in options])


def letters(count: int) -> str:
    """Those of so many options."""
    return ascii_uppercase[:count]


def unable_letter(options: Sequence[str]) -> str | None:
    """The letter of the option to be unable to decide; None where the last option is another."""
    return letters(len(options))[-1] if options and UNABLE in options[-1].lower() else None


def _without_lead_ins(answer: str) -> str:
    for words in LEAD_INS:
        answer = answer.replace(words, "")
    return answer


def _sorted(found: Sequence[str]) -> str:
    return "".join(sorted({letter.upper() for letter in found}))
