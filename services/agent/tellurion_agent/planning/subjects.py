"""What a request is about: variables and their regions, one or two of each."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from tellurion_agent.planning.extraction.boxes import Impossible
from tellurion_agent.planning.extraction.mention import Mention, Role
from tellurion_agent.planning.extraction.reading import Reading
from tellurion_agent.planning.places import Place, places
from tellurion_agent.planning.said import Filling, Unclear
from tellurion_agent.planning.terms import SURFACE_OF_SEA, implied, meant
from tellurion_agent.recipes.recipe import Recipe
from tellurion_agent.regions import GAZETTEER
from tellurion_agent.slots import Kind, Region, Slot

_APART = re.compile(
    r"(?<!\w)(?:and|with|to|on|onto|by|versus|vs|against|than|from|lead\w*|lag\w*|affect\w*|influenc\w+)(?!\w)"
)
"""Words between the two that are related to each other."""
NEAR_SURFACE = 10.0
"""Metres at which the atmosphere is observed, where nobody speaks of a depth."""
_ENSO = re.compile(r"(?<!\w)(?:enso|el nino|la nina)s?(?!\w)")
_OF_SST = ("Niño", "AMV", "IOD")
"""Regions whose index is of sea surface temperature where nothing else is said."""


There = Mapping[str, frozenset[str]]
"""Dimensions that the variables of the data have, by standard name."""


@dataclass
class Subject:
    """A variable in a region, as far as they were said."""

    variable: str | None = None
    region: Region | None = None
    source: str | None = None


def always_read(recipe: Recipe) -> frozenset[str]:
    """Standard names of what a recipe reads whatever is asked."""
    needed = [given for given in recipe.inputs if not given.optional] or recipe.inputs
    return frozenset(name for given in needed for name in given.variables)


def fill_subjects(filling: Filling, recipe: Recipe, reading: Reading, there: There) -> None:
    """Fills the slots of variables and regions."""
    slots = {kind: [slot for slot in recipe.slots if slot.kind is kind] for kind in (Kind.VARIABLE, Kind.REGION)}
    found = places(reading)
    filling.impossible += [p.region.reason for p in found if isinstance(p.region, Impossible)]
    regions = [p for p in found if isinstance(p.region, Region) and p.role in (Role.PLAIN, Role.BASE)]
    if not regions and not reading.of(Kind.VARIABLE) and (match := _ENSO.search(reading.text.plain)):
        regions = [Place(GAZETTEER["niño 3.4"], Role.PLAIN, match.start())]  # an analysis of ENSO is one of its index
    variables = _variables(filling, recipe, reading, slots[Kind.VARIABLE], regions, there)
    if len(slots[Kind.VARIABLE]) > 1 and len(slots[Kind.REGION]) > 1:
        _fill_two(filling, recipe, slots, _subjects(reading, variables, regions))
        return
    mentions = [mention for mention, _ in variables]
    filling.assign(slots[Kind.VARIABLE], [(name, mention.role) for mention, name in variables], mentions)
    filling.assign(slots[Kind.REGION], [(p.region, p.role) for p in regions], reading.of(Kind.REGION))


def _variables(
    filling: Filling,
    recipe: Recipe,
    reading: Reading,
    slots: Sequence[Slot],
    regions: Sequence[Place],
    there: There,
) -> list[tuple[Mention, str]]:
    """Mentions of variables with the standard name that each means."""
    mentions = reading.of(Kind.VARIABLE)
    of_index = [p for p in regions if isinstance(p.region, Region) and p.region.name.startswith(_OF_SST)]
    if not mentions and slots and of_index:
        filling.notes[slots[0].name] = f"{of_index[0].region.name} is an index of the sea's surface"
        mentions = [Mention(Kind.VARIABLE, (SURFACE_OF_SEA,), of_index[0].start, of_index[0].start)]
    elif not mentions and slots:
        mentions = [Mention(Kind.VARIABLE, names, a, b) for names, a, b in implied(reading.text)][:1]
    always = always_read(recipe)
    needs = {name for given in recipe.inputs if not given.variables for name in given.needs}
    usable = {name for name, dimensions in there.items() if needs <= dimensions}
    told = re.search(r"(?<!\w)(?:depths?|deep|below|beneath)(?!\w)", reading.text.plain) is not None
    deep = any(m.value.units == "m" and m.value.lower > (0 if told else NEAR_SURFACE) for m in reading.of(Kind.LEVEL))
    marine = any(isinstance(p.region, Region) and p.region.surface == "ocean" for p in regions)
    found = []
    for mention in mentions:
        if always & {*mention.value}:
            continue  # what the recipe is about
        if not slots:
            filling.unused.append(mention)
            continue
        names = meant(mention.value, reading.text, deep, marine, usable)
        if len(names) > 1:
            options = tuple(name.replace("_", " ") for name in names)
            filling.unclear.append(Unclear(slots[0].name, f"Which is meant: {' or '.join(options)}?", options))
            continue
        found.append((mention, names[0]))
        if len(mention.value) > 1:
            words = reading.text.said[mention.start : mention.end]
            filling.notes[slots[0].name] = f"“{words}” is taken for {names[0].replace('_', ' ')}"
    return found


def _subjects(reading: Reading, variables: Sequence[tuple[Mention, str]], regions: Sequence[Place]) -> list[Subject]:
    """Variables with the regions that stand beside them."""
    named: list[tuple[int, str, Any]] = [(mention.start, "variable", name) for mention, name in variables]
    named += [(place.start, "region", place.region) for place in regions]
    named += [(m.start, "source", m.value[0]) for m in reading.of(Kind.SOURCE) if len(m.value) == 1]
    blank = reading.text.without((m.start, m.end) for m in reading.mentions).plain
    found: list[Subject] = []
    last = 0
    for start, field, value in sorted(named, key=lambda each: (each[0], each[1] != "variable")):
        whole = found and field == "region" and (found[-1].variable or "").endswith("_index")
        if not found or whole or getattr(found[-1], field) is not None or _APART.search(blank[last:start]):
            found.append(Subject())
        setattr(found[-1], field, value)
        last = start
    alone = [subject for subject in found if subject.variable is None and subject.region is None]
    if len(found) > 2 and len(alone) == 1:  # of both: in ERA5, the correlation between …
        found = [replace(s, source=s.source or alone[0].source) for s in found if s is not alone[0]]
    return found


def _fill_two(filling: Filling, recipe: Recipe, slots: dict[Kind, list[Slot]], subjects: list[Subject]) -> None:
    """Fills the slots of two subjects that are related to each other."""
    of_sources = [slot.name for slot in recipe.slots if slot.kind is Kind.SOURCE]
    of_variables, of_regions = ([slot.name for slot in slots[kind]][:2] for kind in (Kind.VARIABLE, Kind.REGION))
    if len(subjects) > 2:
        filling.left_over += len(subjects) - 2
        said = " and ".join(str(s.variable or (s.region and s.region.name)).replace("_", " ") for s in subjects)
        filling.unclear.append(Unclear(of_variables[0], f"Two are related to each other; which of {said}?"))
        return
    for subject in subjects:
        if subject.variable is None and subject.region is not None and subject.region.name.startswith(_OF_SST):
            subject.variable = SURFACE_OF_SEA
    if len(subjects) == 2:
        first, second = subjects
        first.variable, second.variable = first.variable or second.variable, second.variable or first.variable
        if first.region is None and second.region is not None and not second.region.name.startswith(_OF_SST):
            shared = all(name.startswith(("first", "second")) for name in of_variables)
            first.region = second.region if shared else None  # temperature and rainfall over India
        if of_regions[1].startswith("index") and _is_index(first) and not _is_index(second):
            subjects = [second, first]
    elif subjects and of_regions[1].startswith("index") and _is_index(subjects[0]):
        subjects = [Subject(), subjects[0]]
    for subject, variable, region in zip(subjects, of_variables, of_regions, strict=False):
        filling.said |= {variable: subject.variable} if subject.variable else {}
        filling.said |= {region: subject.region} if subject.region else {}
        if subject.source and (name := variable.removesuffix("variable") or "field_") + "source" in of_sources:
            filling.said[name + "source"] = subject.source


def _is_index(subject: Subject) -> bool:
    return subject.region is not None and subject.region.name.startswith(_OF_SST)
