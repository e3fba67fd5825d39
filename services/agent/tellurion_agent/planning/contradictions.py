"""What a request asks for that cannot be meant so: told, and asked back, rather than obeyed."""

from __future__ import annotations

import math
import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from tellurion_agent.catalogue.dataset import DataSet
from tellurion_agent.catalogue.variables import VARIABLES
from tellurion_agent.planning.extraction.mention import Role
from tellurion_agent.planning.extraction.reading import Reading
from tellurion_agent.planning.extraction.units import quantity_of
from tellurion_agent.planning.wording import shown
from tellurion_agent.recipes.recipe import Recipe
from tellurion_agent.slots import Kind, Level, Period

_CHANGE = re.compile(r"(?<!\w)(?:chang\w+|warming|cooling|increas\w+|decreas\w+|rise|decline)(?!\w)")
_COMPARED = re.compile(r"(?:above|below|exceed\w*|over|under|than|least|most|threshold(?: of)?)\s*$")
_FUTURE = re.compile(r"ssp|rcp|abrupt|1pct|a1b|a2|b1")
HEIGHT_OF_INSTRUMENTS = 10.0
"""Metres: what is measured there is of the surface."""
_IN_THE_AIR = re.compile(r"\d[\s-]*(?:k?m|meters?) above (?:the )?(?:sea|ocean|water)")
SHORTEST_TREND = 3
"""Years between which a straight line says anything."""


def contradictions(reading: Reading, recipe: Recipe, slots: Mapping[str, Any]) -> Iterator[str]:
    """Within a request: each as a question's first sentence."""
    periods = {slot.name: slots[slot.name] for slot in recipe.slots if slot.kind is Kind.PERIOD}
    for period in periods.values():
        if isinstance(period, Period) and period.last < period.first:
            yield f"The period {period.first}–{period.last} ends before it begins."
    period = slots.get("period")
    if "trend" in recipe.name and isinstance(period, Period) and 0 <= period.last - period.first < SHORTEST_TREND - 1:
        yield f"A trend over {period.first}–{period.last} means nothing."
    for mention in reading.of(Kind.LEVEL):
        if math.isnan(mention.value.upper):
            yield f"“{reading.text.said[mention.start : mention.end]}” is no depth or pressure."
    yield from _wrong_way(reading, recipe)
    wet = {name for given in recipe.inputs for name in given.variables} | {slots.get("variable") or ""}
    if _IN_THE_AIR.search(reading.text.plain) and any("sea_water" in name for name in wet):
        yield "The water of the sea is below its surface, not above."
    yield from _units(reading, slots)


def beyond(recipe: Recipe, slots: Mapping[str, Any], data: Mapping[str, DataSet]) -> Iterator[str]:
    """Between a request and the data that were chosen for it."""
    chosen = list(data.values())
    for slot in recipe.slots:
        value = slots.get(slot.name)
        if isinstance(value, Level):
            yield from _flat(value, chosen)
            yield from _too_deep(value, chosen)
        if isinstance(value, Period) and slot.kind is Kind.PERIOD:
            yield from _outside(slot.name, value, chosen)


def _wrong_way(reading: Reading, recipe: Recipe) -> Iterator[str]:
    """A change from later to earlier, as far as years and experiments tell."""
    ordered = any(slot.kind is Kind.PERIOD and slot.name.startswith("second") for slot in recipe.slots)
    if not (ordered or _CHANGE.search(reading.text.plain)):
        return
    later, base = ([m.value for m in reading.of(Kind.PERIOD, role)] for role in (Role.PLAIN, Role.BASE))
    if len(later) == len(base) == 1 and (later[0].last or math.inf) < (base[0].first or -math.inf):
        yield f"The change would be of {shown(later[0])} relative to later years, {shown(base[0])}."
    plain, against = ([m.value for m in reading.of(Kind.EXPERIMENT, role)] for role in (Role.PLAIN, Role.BASE))
    if plain == ["historical"] and len(against) == 1 and _FUTURE.match(against[0].lower()):
        yield f"The change would be of the past relative to the future, {against[0]}."


def _units(reading: Reading, slots: Mapping[str, Any]) -> Iterator[str]:
    """Units of another quantity than the variable's."""
    variable = VARIABLES.get(slots.get("variable") or "")
    if variable is None:
        return
    of = quantity_of(variable.units)
    asked = [m.value for m in reading.of(Kind.UNITS)]
    plain = reading.text.plain
    asked += [m.value.units for m in reading.of(Kind.NUMBER) if m.value.units and _COMPARED.search(plain[: m.start])]
    for units in asked:
        other = quantity_of(units)
        comparable = {of, "time", "angle", "fraction", "count", ""} | ({"length"} if of == "water flux" else set())
        if of and other not in comparable:
            yield f"{variable.words[0].capitalize()} is no {other}, and cannot be in {units}."


def _flat(level: Level, datasets: Sequence[DataSet]) -> Iterator[str]:
    """A depth or a pressure of data that have no levels."""
    aloft = level.units == "hPa" or level.lower > HEIGHT_OF_INSTRUMENTS
    if aloft and datasets and not any("level" in dataset.dimensions for dataset in datasets):
        yield f"There are no levels in {datasets[0].label}, and so none of {shown(level)}."


def _too_deep(level: Level, datasets: Sequence[DataSet]) -> Iterator[str]:
    """A depth or a pressure beyond all levels of the data."""
    if math.isinf(level.lower):  # or it would end at the lowest of the data
        yield f"No data reach below {level.upper:g} {level.units}."
    for dataset in datasets:
        there = dataset.levels
        if there is None or there.units != level.units or there.count < 2:
            continue
        spare = 0.1 * (there.lower - there.upper)
        if level.lower > there.lower + spare or level.upper < there.upper - spare - 10:
            yield f"The levels of {dataset.label} are {there.upper:g}–{there.lower:g} {there.units}."


def _outside(name: str, period: Period, datasets: Sequence[DataSet]) -> Iterator[str]:
    """Years that none of the data have."""
    dated = [dataset for dataset in datasets if dataset.period is not None]
    if dated and not any(dataset.covered(period) > 0 for dataset in dated):
        have = ", ".join(sorted({f"{d.period.first}–{d.period.last}" for d in dated if d.period}))
        yield f"The data have the years {have}, none of {period.first}–{period.last} (the {name.replace('_', ' ')})."
