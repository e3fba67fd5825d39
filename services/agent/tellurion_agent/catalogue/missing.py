"""What a catalogue lacks, by name, and what it has instead."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING

from tellurion_agent.catalogue.dataset import DataSet
from tellurion_agent.catalogue.library import Catalogue, is_variable

if TYPE_CHECKING:
    from tellurion_agent.catalogue.wanted import Wanted

MOST_NAMES = 8
"""That a reason lists."""


def nothing_fits(want: Wanted, catalogue: Catalogue) -> str:
    """Why no data set is what an input asks for: the first thing asked for that none of those left has."""
    left = list(catalogue.datasets)
    asked: list[tuple[str, Callable[[DataSet], bool], Callable[[DataSet], str]]] = [
        (
            f"no data set has {' or '.join(_words(name) for name in want.variables) or 'the variable'}",
            lambda data: any(is_variable(data, name) for name in want.variables),
            lambda data: _words(data.variable),
        ),
        (f"no data set of {_variable(want)} is from {want.source}", want.of_source, lambda data: data.source),
        (
            f"no data set of {_variable(want)}{_of(want)} has experiment {want.experiment}",
            lambda data: not want.experiment or data.experiment.casefold() == want.experiment.casefold(),
            lambda data: f"{data.experiment or 'none'} of {data.source}",
        ),
        (
            f"no data set of {_variable(want)}{_of(want)} has member {want.member}",
            lambda data: not want.member or data.member.casefold() == want.member.casefold(),
            lambda data: data.member,
        ),
        (
            f"no data set of {_variable(want)}{_of(want)} has {' and '.join(sorted(want.needs))}",
            lambda data: want.needs <= set(data.dimensions),
            lambda data: f"{data.source} ({', '.join(data.dimensions) or 'no axis'})",
        ),
        (
            f"no data set of {_variable(want)}{_of(want)} can be read",
            lambda data: not data.refused,
            lambda data: f"{data.source} ({data.refused})",
        ),
    ]
    for says, has, shows in asked:
        rest = [data for data in left if has(data)]
        if not rest:
            return says + _instead(map(shows, left))
        left = rest
    years = ", ".join(f"{period.first}–{period.last}" for period in want.periods)
    return f"no data set of {_variable(want)}{_of(want)} has years of {years}" + _instead(
        f"{data.period.first}–{data.period.last} of {data.source}" for data in left if data.period is not None
    )


def _variable(want: Wanted) -> str:
    return _words(want.variables[0]) if want.variables else want.role


def _of(want: Wanted) -> str:
    return f" from {want.source}" if want.source else ""


def _words(name: str) -> str:
    return name.replace("_", " ")


def _instead(names: Iterable[str]) -> str:
    known = list(dict.fromkeys(names))
    if not known:
        return "; there are no data at all"
    more = f", and {len(known) - MOST_NAMES} more" if len(known) > MOST_NAMES else ""
    return f"; there are: {', '.join(known[:MOST_NAMES])}{more}"
