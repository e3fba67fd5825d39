"""Grades what the agent printed against what is right.

The answer counts, with its units: a right number in the wrong units, or in none, is wrong. A question back or an
abstention is right where it was expected, and otherwise counted for itself.
"""

from __future__ import annotations

import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

import cf_units

from .request import ANY_UNITS, MONTHS, Abstain, Answer, AnyOf, Clarify, Expected, Listed, Request, Within, options


class Grade(StrEnum):
    """What became of a request."""

    RIGHT = "right"
    WRONG = "wrong"
    CLARIFIED = "clarified"
    ABSTAINED = "abstained"
    FAILED = "failed"


@dataclass(frozen=True)
class Verdict:
    """A grade, and what speaks for it."""

    grade: Grade
    reason: str


def grade(document: Mapping[str, Any], request: Request) -> Verdict:
    """Grade one document of the contract: {"status": …, "answer": …, "question": …, "reason": …}."""
    status = document.get("status")
    expected = options(request.expected)
    if status == "answered":
        if any(_answers(document.get("answer"), option) for option in expected):
            return Verdict(Grade.RIGHT, "within tolerance")
        return Verdict(Grade.WRONG, f"answered {document.get('answer')!r}, expected {request.expected!r}")
    if status in ("clarified", "clarify", "abstained"):
        kind, said = (Abstain, "reason") if status == "abstained" else (Clarify, "question")
        text = _plain(str(document.get(said) or "") + str(document.get("reason") or ""))
        for option in expected:
            if not isinstance(option, Clarify | Abstain) or not isinstance(option, kind) or not text:
                continue
            if not option.naming or any(_plain(name) in text for name in option.naming):
                return Verdict(Grade.RIGHT, f"{status}, as expected")
        return Verdict(Grade.ABSTAINED if kind is Abstain else Grade.CLARIFIED, f"expected {request.expected!r}")
    return Verdict(Grade.FAILED, f"status {status!r}: {document.get('reason')!r}")


def _answers(answer: object, expected: Expected) -> bool:
    items = [item for item in answer if isinstance(item, Mapping)] if _is_list(answer) else [answer]
    if not items or not all(isinstance(item, Mapping) for item in items):
        return False
    match expected:
        case Answer() | Within():
            # Of several values the one with the label asked for counts, and else the first: it is the headline.
            meant = [item for item in items if expected.label and _labelled(item, expected.label)] or items
            return _matches(meant[0], expected) or (
                isinstance(expected, Answer) and isinstance(expected.value, str) and _is_name(meant[0], expected.value)
            )
        case Listed():
            places = []
            for one in expected.items:
                found = (at for at, item in enumerate(items) if _labelled(item, one.label) and _matches(item, one))
                place = next(found, None)
                if place is None:
                    return False
                places.append(place)
            return not expected.ordered or places == sorted(places)
        case AnyOf():
            return any(_answers(answer, option) for option in expected.options)
        case _:
            return False


def _is_list(value: object) -> bool:
    return isinstance(value, Sequence) and not isinstance(value, str)


def _labelled(item: Mapping[str, Any], label: str) -> bool:
    """The label names it: "UKESM1-0-LL" in "ECS of UKESM1-0-LL (Gregory)"; "CESM2" not in "CESM2-WACCM"."""
    return re.search(rf"(?<![\w-]){re.escape(label)}(?![\w-])", str(item.get("label", "")), re.IGNORECASE) is not None


def _is_name(item: Mapping[str, Any], name: str) -> bool:
    """The headline's value or, in a ranking, its label is this name."""
    value = item.get("value")
    if isinstance(value, str):
        return _plain(value) == _plain(name)
    return name not in MONTHS and _labelled(item, name)


def _matches(item: Mapping[str, Any], expected: Answer | Within) -> bool:
    value, units = item.get("value"), str(item.get("units") or "")
    if isinstance(expected, Answer) and isinstance(expected.value, str):
        return isinstance(value, str) and _plain(value) == _plain(expected.value)
    if isinstance(value, bool) or not isinstance(value, int | float):
        return False
    number = converted(float(value), units, expected.units, difference=expected.difference)
    if number is None or not math.isfinite(number):
        return False
    if isinstance(expected, Within):
        return expected.low <= number <= expected.high
    return abs(number - float(expected.value)) <= expected.absolute + expected.relative * abs(float(expected.value))


def converted(value: float, units: str, to: str, *, difference: bool = False) -> float | None:
    """The value in other units, or None where they do not convert.

    A flux of water converts between kg m-2 s-1 and mm day-1 by the density of fresh water, 1000 kg m-3.
    """
    if to == ANY_UNITS:
        return value
    try:
        have, want = (cf_units.Unit(_udunits(text, difference=difference)) for text in (units, to))
    except ValueError:
        return None
    if have.is_unknown() or want.is_unknown():
        return None
    # UDUNITS also converts reciprocals (a period to a frequency), which no answer means.
    if (have / want).is_dimensionless():
        return float(have.convert(value, want))
    for upper, lower, power in ((have, want, 1), (want, have, -1)):
        density = upper / lower
        if (density / cf_units.Unit("kg m-3")).is_dimensionless():
            return value * (density.convert(1.0, "kg m-3") / 1000.0) ** power
    return None


_SPELLINGS: tuple[tuple[str, str], ...] = (
    (r"[⁻−–]", "-"), ("²", "2"), ("³", "3"), ("¹", "1"), ("⁰", "0"), ("⁶", "6"), ("[·⋅×]", " "),
    (r"\bper\s+decade\b|/\s*decade|\bdecade\s*\^?-1", " (10 year)^-1"), (r"/\s*10\s*yr\b", " (10 year)^-1"),
    (r"\bper\s+century\b|/\s*century|\bcentury\s*\^?-1", " (100 year)^-1"),
    (r"\bper\s+", "/"), (r"\b(million|10\^6|10 6|Mio)\s*(?=k?m)", "1e6 "),
    (r"\bSv\b", "1e6 m3 s-1"), (r"\b(psu|PSU|pss|PSS-78|g/kg|g kg-1)\b", "1e-3"),
    (r"\byrs?\b", "year"), (r"\bmon\b", "month"),
    (r"[°º]\s*C|℃|\bdeg\s+C\b|\bdegrees?\s+C(elsius)?\b|^C$", "degC"),
    (r"\bfraction\b|\bdimensionless\b|\bunitless\b|^(events?|count|models?)$", "1"), ("per ?cent", "%"),
)  # fmt: skip


def _udunits(units: str, *, difference: bool) -> str:
    text = units.strip()
    for pattern, spelling in _SPELLINGS:
        text = re.sub(pattern, spelling, text)
    if difference:
        text = re.sub(r"\b(degC|degrees?_Celsius|degrees?_C|[Cc]elsius|delta_degC|[Kk]elvin)\b", "K", text)
    return text.strip() or "1"


def _plain(text: str) -> str:
    return re.sub(r"[^0-9a-z]", "", text.casefold())
