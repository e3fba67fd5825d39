"""Options of services, read from what is said."""

from __future__ import annotations

import re
from calendar import month_abbr, month_name
from collections.abc import Callable, Sequence
from typing import Any

from tellurion_agent.capabilities.capability import Option

Read = Callable[[str], Any]
_MONTHS = {name.lower(): number for names in (month_name, month_abbr) for number, name in enumerate(names) if name}
_MONTH = re.compile(rf"(?<!\w)(?:month (?P<number>1[0-2]|[1-9])|(?P<name>{'|'.join(_MONTHS)}))(?!\w)")


def month(said: str) -> int | None:
    """1 to 12: ``february``, ``month 2``, or the number alone."""
    if said.strip().isdecimal():
        return int(said)
    found = _MONTH.search(said.replace("may i", ""))
    if found is None:
        return None
    return int(found["number"]) if found["number"] else _MONTHS[found["name"]]


def whole(*names: str) -> Read:
    """A whole number beside one of these names: ``8 members``, ``seed 4``; or the number alone."""
    either = "|".join(map(re.escape, names))
    pattern = re.compile(rf"(?<!\w)(?:(\d+) (?:{either})|(?:{either})(?: of|:| =|=)? ?(\d+))(?!\w)")

    def read(said: str) -> int | None:
        if said.strip().isdecimal():
            return int(said)
        found = pattern.search(said)
        return None if found is None else int(found[1] or found[2])

    return read


def part(*names: str) -> Read:
    """A number from 0 to 1 beside one of these names: ``min score 0.5``; or the number alone."""
    pattern = re.compile(rf"(?:^|(?:{'|'.join(names)})(?: of| above|:|=)? ?)([01](?:\.\d+)?|\.\d+)(?!\w)")

    def read(said: str) -> float | None:
        found = pattern.search(said.strip())
        return None if found is None else float(found[1])

    return read


def one_of(choices: Sequence[str]) -> Read:
    """One of these words."""
    pattern = re.compile(rf"(?<![\w-])({'|'.join(map(re.escape, sorted(choices, key=len, reverse=True)))})(?![\w-])")

    def read(said: str) -> str | None:
        found = pattern.search(said)
        return None if found is None else found[1]

    return read


SEED = Option("seed", "Which seed?", whole("seed"), default=0)
