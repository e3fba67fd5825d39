"""A request in plain language and what a right answer to it is."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

ANY_UNITS = "*"
"""Units of a bare number: a year, a month, a count, for which "1", "", "year" and "events" are all in use."""


@dataclass(frozen=True)
class Answer:
    """One value, right within `absolute` + `relative` × |value|; or one name."""

    value: float | str
    units: str = ""
    relative: float = 0.02
    absolute: float = 0.0
    label: str = ""
    """Where several values are answered, the one meant is labelled with this text (a model's name, say)."""
    difference: bool = False
    """A difference of temperatures: K and degC are one unit."""


@dataclass(frozen=True)
class Within:
    """One value between two bounds: where the field has several conventions, all of theirs."""

    low: float
    high: float
    units: str = ""
    label: str = ""
    difference: bool = False


@dataclass(frozen=True)
class Listed:
    """Several values, each found by its label; ordered where a ranking was asked for."""

    items: tuple[Answer | Within, ...]
    ordered: bool = False


@dataclass(frozen=True)
class Clarify:
    """A question back; where texts are given, one of them stands in it."""

    naming: tuple[str, ...] = ()


@dataclass(frozen=True)
class Abstain:
    """No answer, with a reason; where texts are given, one of them stands in it."""

    naming: tuple[str, ...] = ()


@dataclass(frozen=True)
class AnyOf:
    """Any of several outcomes is right."""

    options: tuple[Expected, ...]


Expected = Answer | Within | Listed | Clarify | Abstain | AnyOf


@dataclass(frozen=True)
class Request:
    """What is asked, what is right, and why."""

    id: str
    topic: str
    text: str
    expected: Expected
    why: str
    held_out: bool = False
    """The wording is none of the development seed's."""

    @property
    def answerable(self) -> bool:
        """Some value answers it, so a question back counts as cautious, not as right, unless expected."""
        return any(isinstance(option, Answer | Within | Listed) for option in options(self.expected))


def options(expected: Expected) -> tuple[Expected, ...]:
    """The outcomes, flattened."""
    if isinstance(expected, AnyOf):
        return tuple(leaf for option in expected.options for leaf in options(option))
    return (expected,)


def any_of(*expected: Expected) -> AnyOf:
    """Any of these."""
    return AnyOf(expected)


def spread(
    values: Iterable[float],
    units: str,
    *,
    relative: float = 0.02,
    absolute: float = 0.0,
    label: str = "",
    difference: bool = False,
) -> Within:
    """Between the least and the greatest of several conventions' values, widened by the tolerance of each."""
    found = [float(value) for value in values]
    low = min(value - absolute - relative * abs(value) for value in found)
    high = max(value + absolute + relative * abs(value) for value in found)
    return Within(low, high, units, label, difference)


def refused(*naming: str) -> AnyOf:
    """A question back or an abstention, with one of these texts in it where any is given."""
    return any_of(Clarify(naming), Abstain(naming))


MONTHS = (
    "January", "February", "March", "April", "May", "June", "July", "August", "September", "October", "November",
    "December",
)  # fmt: skip


def month(number: int) -> AnyOf:
    """A month of the year, by its name or number (half a month of room for a harmonic's phase)."""
    name = MONTHS[number - 1]
    return any_of(Answer(name), Answer(name[:3]), Answer(number, ANY_UNITS, relative=0, absolute=0.5))
