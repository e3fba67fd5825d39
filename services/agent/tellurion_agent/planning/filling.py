"""A recipe's slots, as far as a request fills them."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from tellurion_agent.planning.extraction.boxes import Impossible
from tellurion_agent.planning.extraction.choices import chosen
from tellurion_agent.planning.extraction.mention import Mention, Role
from tellurion_agent.planning.extraction.reading import Reading
from tellurion_agent.planning.extraction.seasons import LocalSeason
from tellurion_agent.planning.places import places
from tellurion_agent.planning.quantities import fits_number, named_number
from tellurion_agent.planning.terms import implied, meant
from tellurion_agent.planning.wording import shown
from tellurion_agent.recipes.recipe import Recipe
from tellurion_agent.slots import Kind, Region, Slot

_BASE_SLOT = re.compile(r"(?:^|_)(?:base|baseline|reference|second)(?:_|$)")


@dataclass(frozen=True)
class Unclear:
    """What has to be known first."""

    name: str
    """Of the slot."""
    question: str
    options: tuple[str, ...] = ()


@dataclass
class Filling:
    """What a request says of a recipe's slots."""

    said: dict[str, Any] = field(default_factory=dict)
    """Values by slot; periods as `SaidPeriod`."""
    notes: dict[str, str] = field(default_factory=dict)
    """Why a slot has its value though it was not said in so many words."""
    unclear: list[Unclear] = field(default_factory=list)
    impossible: list[str] = field(default_factory=list)
    unused: list[Mention] = field(default_factory=list)
    """Mentions that the recipe has no slot for."""

    def values(self, recipe: Recipe, preferred: Mapping[str, Any]) -> dict[str, Any]:
        """Of all slots: said, or preferred, or the recipe's defaults."""
        values = {slot.name: preferred.get(slot.name, slot.default) for slot in recipe.slots}
        return {**values, **self.said}

    def missing(self, recipe: Recipe, preferred: Mapping[str, Any]) -> list[Slot]:
        """Slots that it needs and nobody filled."""
        values = self.values(recipe, preferred)
        asked = {unclear.name for unclear in self.unclear}
        return [slot for slot in recipe.slots if slot.required and values[slot.name] is None and slot.name not in asked]


def fill(recipe: Recipe, reading: Reading, there: Collection[str]) -> Filling:
    """What a reading says of a recipe's slots; `there` are the variables of the data."""
    filling = Filling()
    by_kind: dict[Kind, list[Slot]] = {}
    for slot in recipe.slots:
        by_kind.setdefault(slot.kind, []).append(slot)
    _fill_variables(filling, recipe, reading, by_kind.get(Kind.VARIABLE, []), there)
    _fill_regions(filling, reading, by_kind.get(Kind.REGION, []))
    _fill_periods(filling, reading, by_kind.get(Kind.PERIOD, []))
    for kind in (Kind.LEVEL, Kind.UNITS, Kind.EXPERIMENT):
        mentions = reading.of(kind)
        _assign(filling, by_kind.get(kind, []), [(m.value, m.role) for m in mentions], mentions)
    _fill_sources(filling, reading, by_kind.get(Kind.SOURCE, []))
    _fill_seasons(filling, reading, by_kind.get(Kind.SEASON, []))
    _fill_numbers(filling, reading, by_kind.get(Kind.NUMBER, []), by_kind.get(Kind.UNITS, []))
    _fill_choices(filling, reading, by_kind.get(Kind.CHOICE, []))
    for mention in reading.mentions:
        if mention.role is Role.LEFT_OUT and mention.kind in by_kind:
            words = reading.text.said[mention.start : mention.end]
            filling.unclear.append(
                Unclear(by_kind[mention.kind][0].name, f"All but {words} cannot be chosen. What instead?")
            )
    return filling


def _assign(
    filling: Filling, slots: Sequence[Slot], items: Iterable[tuple[Any, Role]], mentions: Sequence[Mention]
) -> None:
    """Gives values to the slots of one kind: those compared with to the slots for that, the others in their order."""
    left: dict[Any, Role] = dict(items)
    if not left:
        return
    if not slots:
        filling.unused += mentions
        return
    bases = [slot for slot in slots if _BASE_SLOT.search(slot.name)]
    others = [slot for slot in slots if slot not in bases]
    for value, role in list(left.items()):
        if role is Role.BASE and bases:
            filling.said[bases.pop(0).name] = value
            del left[value]
    queue = [*others, *bases]
    for value in list(left)[: len(queue)]:
        filling.said[queue.pop(0).name] = value
        del left[value]
    if left:
        slot = slots[0]
        said = [filling.said[s.name] for s in slots if s.name in filling.said]
        options = tuple(shown(value) for value in (*said, *left))
        question = f"{slot.question} It can be one of them: {', '.join(options)}."
        filling.unclear.append(Unclear(slot.name, question, options))


def _fill_variables(
    filling: Filling, recipe: Recipe, reading: Reading, slots: Sequence[Slot], there: Collection[str]
) -> None:
    mentions = reading.of(Kind.VARIABLE)
    fixed = {name for given in recipe.inputs if not given.optional for name in given.variables}
    deep = any(m.value.units == "m" and m.value.lower > 0 for m in reading.of(Kind.LEVEL))
    marine = any(isinstance(p.region, Region) and p.region.surface == "ocean" for p in places(reading))
    if not mentions and slots:
        mentions = [Mention(Kind.VARIABLE, names, a, b) for names, a, b in implied(reading.text)][:1]
    items: list[tuple[Any, Role]] = []
    for mention in mentions:
        if fixed & {*mention.value}:
            continue  # what the recipe is about
        if not slots:
            filling.unused.append(mention)
            continue
        names = meant(mention.value, reading.text, deep, marine, there)
        if len(names) > 1:
            options = tuple(name.replace("_", " ") for name in names)
            filling.unclear.append(Unclear(slots[0].name, f"Which is meant: {' or '.join(options)}?", options))
            continue
        items.append((names[0], mention.role))
        if len(mention.value) > 1:
            words = reading.text.said[mention.start : mention.end]
            filling.notes[slots[0].name] = f"“{words}” is taken for {names[0].replace('_', ' ')}"
    _assign(filling, slots, items, mentions)


def _fill_regions(filling: Filling, reading: Reading, slots: Sequence[Slot]) -> None:
    found = places(reading)
    filling.impossible += [p.region.reason for p in found if isinstance(p.region, Impossible)]
    items = [
        (place.region, place.role)
        for place in found
        if isinstance(place.region, Region) and place.role in (Role.PLAIN, Role.BASE)
    ]
    _assign(filling, slots, items, reading.of(Kind.REGION))


def _fill_periods(filling: Filling, reading: Reading, slots: Sequence[Slot]) -> None:
    mentions = reading.of(Kind.PERIOD)
    for mention in mentions:
        words = reading.text.said[mention.start : mention.end]
        if mention.value.backwards:
            filling.impossible.append(f"{words} ends before it begins")
        if mention.value.part_years and slots:
            question = f"Periods are whole years here. Which years are meant by {words}?"
            filling.unclear.append(Unclear(slots[0].name, question))
    items = [(m.value, m.role) for m in mentions]
    in_order = any(slot.name.startswith("second") for slot in slots)
    if len(items) == 2 and len(slots) >= 2 and (in_order or all(role is Role.PLAIN for _, role in items)):
        # The later is compared with the earlier, whichever is said first.
        items.sort(key=lambda item: (item[0].first or 0) * (1 if in_order else -1))
        items = [(value, Role.PLAIN) for value, _ in items]
    _assign(filling, slots, items, mentions)


def _fill_sources(filling: Filling, reading: Reading, slots: Sequence[Slot]) -> None:
    mentions = reading.of(Kind.SOURCE)
    items: list[tuple[Any, Role]] = []
    for mention in mentions:
        if len(mention.value) > 1 and slots:
            question = f"Which is meant: {', '.join(mention.value)}?"
            filling.unclear.append(Unclear(slots[0].name, question, mention.value))
        else:
            items.append((mention.value[0], mention.role))
    _assign(filling, slots, items, mentions)


def _fill_seasons(filling: Filling, reading: Reading, slots: Sequence[Slot]) -> None:
    mentions = reading.of(Kind.SEASON)
    items: list[tuple[Any, Role]] = []
    for mention in mentions:
        season = mention.value
        if isinstance(season, LocalSeason):
            regions = [p.region for p in places(reading) if isinstance(p.region, Region)]
            north = all(region.south >= 0 for region in regions) and bool(regions)
            south = all(region.north <= 0 for region in regions) and bool(regions)
            words = reading.text.said[mention.start : mention.end]
            if not (north or south):
                options = (season.north.name, season.south.name)
                if slots:
                    question = f"Is {words} of the northern or of the southern hemisphere meant?"
                    filling.unclear.append(Unclear(slots[0].name, question, options))
                continue
            season = season.north if north else season.south
            if slots:
                filling.notes[slots[0].name] = f"{words} is {season.name} there"
        items.append((season, mention.role))
    _assign(filling, slots, items, mentions)


def _fill_numbers(filling: Filling, reading: Reading, slots: Sequence[Slot], units: Sequence[Slot]) -> None:
    left = list(reading.of(Kind.NUMBER))
    for slot in slots:
        fits = next((m for m in left if fits_number(slot.name, m, reading.text)), None)
        if fits is not None:
            left.remove(fits)
            filling.said[slot.name] = fits.value.number
            if fits.value.units and (free := [s for s in units if s.name not in filling.said]):
                filling.said[free[0].name] = fits.value.units
        elif (named := named_number(slot.name, reading.text)) is not None:
            words, filling.said[slot.name] = named
            filling.notes[slot.name] = f"that is what “{words}” means"
    filling.unused += left


def _fill_choices(filling: Filling, reading: Reading, slots: Sequence[Slot]) -> None:
    text = reading.without(Kind.VARIABLE, Kind.SOURCE)
    for slot in slots:
        found = chosen(text, slot)
        others = [choice for choice in found if choice != slot.choices[0]]
        if len(others) > 1:
            filling.unclear.append(Unclear(slot.name, slot.question, tuple(others)))
        elif found:
            filling.said[slot.name] = (others or found)[0]
