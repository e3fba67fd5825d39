"""From a recipe and what was said of it to a plan, or to what stands in the way."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from tellurion_agent.catalogue.dataset import DataSet
from tellurion_agent.catalogue.library import Catalogue
from tellurion_agent.catalogue.resolving import Missing, Resolved, resolve
from tellurion_agent.planning.contradictions import beyond, contradictions
from tellurion_agent.planning.extraction.mention import Mention
from tellurion_agent.planning.extraction.periods import SaidPeriod
from tellurion_agent.planning.extraction.reading import Reading
from tellurion_agent.planning.extraction.seasons import ANNUAL
from tellurion_agent.planning.plan import Abstain, Clarify, Context, Plan
from tellurion_agent.planning.retrieval import stems
from tellurion_agent.planning.scope import own_words
from tellurion_agent.planning.scoring import Scored
from tellurion_agent.planning.subjects import There, always_read
from tellurion_agent.planning.wording import shown
from tellurion_agent.recipes.recipe import Recipe
from tellurion_agent.regions import GLOBAL
from tellurion_agent.slots import Kind, Level, Period, Slot

DECISIVE = frozenset({Kind.VARIABLE, Kind.REGION, Kind.PERIOD, Kind.LEVEL, Kind.SEASON})
"""What is not left out because a recipe has no use for it: the answer would be to another question."""
BYTES_A_SECOND = 50e6
"""Read, decompressed and averaged."""
LEAST_SECONDS = 5.0
"""To start a script and import what it needs."""
MOST_OPTIONS = 8


@dataclass(frozen=True)
class Asked:
    """A request with all that surrounds it."""

    reading: Reading
    catalogue: Catalogue
    there: There
    context: Context
    inherited: Mapping[str, Any]
    """Slots that hold from before."""
    known: frozenset[str]
    """Stems of the words that recipes are asked with."""


def planned(scored: Scored, asked: Asked) -> Plan | Clarify | Abstain:
    """The plan of a recipe."""
    recipe, filling = scored.recipe, scored.filling
    before = {slot.name: asked.inherited[slot.name] for slot in recipe.slots if slot.name in asked.inherited}
    said: dict[str, Any] = {**before, **filling.said}
    context = Context(recipe.name, closed(said))

    def back(question: str, unclear: str, options: tuple[str, ...] = ()) -> Clarify:
        return Clarify(question, unclear, options[:MOST_OPTIONS], context)

    if filling.impossible:
        return back(f"That cannot be: {filling.impossible[0]}. What is meant?", "contradiction")
    preferred = {**asked.context.preferred.get(recipe.name, {}), **before}
    values = filling.values(recipe, preferred)
    known = dict.fromkeys(values) | closed(values)
    for reason in contradictions(asked.reading, recipe, known):  # before details of what cannot be meant
        return back(f"{reason} What is meant?", "contradiction")
    if filling.unclear:
        first = filling.unclear[0]
        return back(first.question, first.name, first.options)
    if useless := [words for mention in filling.unused if (words := _decisive(mention, asked.reading, recipe))]:
        return back(f"“{recipe.title}” has no use for {', '.join(useless)}. What is it for?", "recipe")
    notes = dict(filling.notes)
    for slot in filling.missing(recipe, preferred):
        options = _options(slot, recipe, asked)
        if slot.kind is Kind.VARIABLE and len(options) == 1 and own_words(asked.reading) <= asked.known:
            values[slot.name] = options[0]
            notes[slot.name] = "the data have no other variable"
        elif slot.name == "observed_source" and any(d.kind == "observation" for d in asked.catalogue.datasets):
            values[slot.name] = "observations"
            notes[slot.name] = "whatever is observed"
        else:
            return back(slot.question, slot.name, tuple(option.replace("_", " ") for option in options))
    values |= _which_data(asked.reading, values, recipe) | _units(asked.reading, recipe)
    found = resolve(recipe.inputs, closed(values), asked.catalogue)
    if isinstance(found, Missing):
        return Abstain(f"There are no data for that: {'; '.join(found.reasons)}.")
    if not found.by_role:
        names = " or ".join(sorted(name.replace("_", " ") for name in always_read(recipe)))
        return Abstain(f"There are no data for that: none of {names}.")
    if (question := _equals(found, recipe)) is not None:
        return back(*question)
    values = _to_the_bottom(_dated(values, found.by_role), found.by_role)
    for reason in [*contradictions(asked.reading, recipe, values), *beyond(recipe, values, found.by_role)]:
        return back(f"{reason} What is meant?", "contradiction")
    size = sum(file.size for dataset in _unique(found) for file in dataset.files)
    return Plan(
        recipe=recipe,
        slots=values,
        said={name: values[name] for name in said},
        data=found.by_role,
        assumptions=_assumptions(recipe, values, said, notes, asked),
        reasons=(*_reasons(scored, asked.reading), *found.reasons),
        bytes_read=size,
        seconds=LEAST_SECONDS + size / BYTES_A_SECOND,
        score=min(1.0, scored.probability),
    )


def closed(slots: Mapping[str, Any]) -> dict[str, Any]:
    """Slots with the periods whose first and last years were said; without those that only the data can tell.

    A depth that is no number is none either: it is asked back.
    """
    found = {}
    for name, value in slots.items():
        if isinstance(value, SaidPeriod):
            if value.first is not None and value.last is not None:
                found[name] = Period(value.first, value.last)
        elif not (isinstance(value, Level) and math.isnan(value.upper)):
            found[name] = value
    return found


def _decisive(mention: Mention, reading: Reading, recipe: Recipe) -> str:
    """The words of a mention that a recipe must not leave out; empty where it may."""
    words = reading.text.said[mention.start : mention.end]
    usual = (isinstance(mention.value, Level) and mention.value.lower == 0) or mention.value == ANNUAL
    whole = mention.value in (ANNUAL, GLOBAL)
    spoken = set(stems(" ".join((recipe.title, *recipe.phrases))))
    return "" if mention.kind not in DECISIVE or usual or whole or set(stems(words)) <= spoken else words


def _options(slot: Slot, recipe: Recipe, asked: Asked) -> tuple[str, ...]:
    """Among what a missing slot can be chosen; none where that is more than a list."""
    if slot.kind is Kind.VARIABLE:
        needs = {name for given in recipe.inputs if not (given.variables or given.optional) for name in given.needs}
        usable = (d for d in asked.catalogue.datasets if not d.refused and needs <= {*d.dimensions})
        return tuple(sorted({dataset.variable for dataset in usable}))
    if slot.kind is Kind.SOURCE:
        return tuple(sorted({dataset.source for dataset in asked.catalogue.datasets if dataset.source}))
    return slot.choices


def _which_data(reading: Reading, values: Mapping[str, Any], recipe: Recipe) -> dict[str, Any]:
    """Model, experiment and member that were said where the recipe has no slots for them: they say what is read."""
    found: dict[str, Any] = {}
    own = {given.experiment for given in recipe.inputs}
    for name, kind in (("source", Kind.SOURCE), ("experiment", Kind.EXPERIMENT)):
        mentions = [mention for mention in reading.of(kind) if mention.value not in own]
        if len(mentions) == 1 and not any(name in key for key in values):
            value = mentions[0].value
            found[name] = value[0] if isinstance(value, tuple) else value
    if len(reading.members) == 1:
        found["member"] = reading.members[0]
    return found


def _units(reading: Reading, recipe: Recipe) -> dict[str, str]:
    """The units of the answer, where some were said that the recipe has no slot for."""
    said = {mention.value for mention in reading.of(Kind.UNITS)}
    wanted = len(said) == 1 and all(slot.kind is not Kind.UNITS for slot in recipe.slots)
    return {"answer_units": said.pop()} if wanted else {}


def _equals(found: Resolved, recipe: Recipe) -> tuple[str, str, tuple[str, ...]] | None:
    """A question which of several data sets is meant between which there is no reason to choose."""
    required = {given.role for given in recipe.inputs if not given.optional} or {*found.by_role}
    for role, others in found.alternatives.items():
        if role in required:
            fitting = (found.by_role[role], *others)
            sources = tuple(each.source for each in fitting)
            if len({*sources}) < len(sources):
                sources = tuple(each.label for each in fitting)
            return f"Several data sets fit: {', '.join(sources)}. Which one?", "source", sources
    return None


def _dated(values: Mapping[str, Any], data: Mapping[str, DataSet]) -> dict[str, Any]:
    """The values with their periods in years: what was left open reaches as far as all of the data do."""
    periods = [dataset.period for dataset in data.values() if dataset.period is not None]
    first = max((period.first for period in periods), default=-math.inf)
    last = min((period.last for period in periods), default=math.inf)
    if not periods or last < first:
        return {name: None for name in values} | closed(values)
    whole = Period(int(first), int(last))
    return {name: value.within(whole) if isinstance(value, SaidPeriod) else value for name, value in values.items()}


def _to_the_bottom(values: Mapping[str, Any], data: Mapping[str, DataSet]) -> dict[str, Any]:
    """The values with layers of no end ending at the lowest level that all of the data reach, where that is below."""
    levels = [dataset.levels for dataset in data.values() if dataset.levels is not None]
    bottom = min((extent.lower for extent in levels if extent.units == "m"), default=-math.inf)

    def ended(value: Any) -> Any:
        open_ = isinstance(value, Level) and math.isinf(value.lower) and value.upper < bottom
        return replace(value, lower=bottom) if open_ else value

    return {name: ended(value) for name, value in values.items()}


def _unique(found: Resolved) -> list[DataSet]:
    return list({dataset.key: dataset for dataset in found.by_role.values()}.values())


def _assumptions(
    recipe: Recipe, values: Mapping[str, Any], said: Mapping[str, Any], notes: Mapping[str, str], asked: Asked
) -> dict[str, str]:
    """Of slots that nobody filled, and of those that were filled from words that say less."""
    found = dict(notes)
    taught = asked.context.preferred.get(recipe.name, {})
    for slot in recipe.slots:
        value = values.get(slot.name)
        if slot.name in said or slot.name in found or value is None:
            continue
        found[slot.name] = "it was taught so" if slot.name in taught else "nothing was said of it"
    for name in said:
        if name in asked.inherited and values.get(name) == asked.inherited[name]:
            found[name] = "as before"
    return found


def _reasons(scored: Scored, reading: Reading) -> tuple[str, ...]:
    """Why this recipe, and what was read in another way than it was written."""
    understood = ", ".join(f"{name.replace('_', ' ')}: {shown(value)}" for name, value in scored.filling.said.items())
    reasons = [f"The request is nearest to “{scored.recipe.title}” (probability {scored.probability:.2f})."]
    reasons += [f"Understood: {understood}."] if understood else []
    reasons += [f"“{written}” was read as “{read}”." for written, read in reading.text.mended]
    left = [reading.text.said[m.start : m.end] for m in scored.filling.unused]
    reasons += [f"Not used: {', '.join(left)}."] if left else []
    return tuple(reasons)
