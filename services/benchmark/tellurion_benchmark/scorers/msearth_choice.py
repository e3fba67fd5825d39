"""Whether an answer to one of MSEarth's multiple-choice questions names the right option."""

from __future__ import annotations

import re

_OPTION = re.compile(r"\s*+([abcdABCD])(?!\w)\s*+[):.,]?+\s*+(.*+)$")
"""The release's pattern; possessive, so that it never tries a text twice."""


def option_and_content(answer: str) -> tuple[str | None, str | None]:
    """The letter that an answer begins with, as it is written, and what else it says."""
    match = _OPTION.match(answer)
    if match is None:
        return None, answer.strip()
    return match[1], match[2].strip() or None


def same_choice(answer: str, reference: str, *, folded: bool) -> bool:
    """Letters are compared where the answer has one, else contents; an empty answer is wrong.

    `folded`: a small letter is as good as a capital one.
    """
    option, content = option_and_content(answer)
    right_option, right_content = option_and_content(reference)
    if option is None:
        return bool(content) and content == right_content
    if folded:
        return right_option is not None and option.upper() == right_option.upper()
    return option == right_option
