"""A recipe's slots, as far as a request fills them."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence
from typing import Any

from tellurion_agent.catalogue.wanted import MODELLED, OBSERVED
from tellurion_agent.planning.extraction.choices import chosen, found_at
from tellurion_agent.planning.extraction.mention import Mention, Role
from tellurion_agent.planning.extraction.reading import Reading
from tellurion_agent.planning.extraction.seasons import LocalSeason
from tellurion_agent.planning.extraction.text import Text
from tellurion_agent.planning.places import places
from tellurion_agent.planning.quantities import fits_number, named_number
from tellurion_agent.planning.said import Filling, Unclear
from tellurion_agent.planning.subjects import NEAR_SURFACE, There, fill_subjects
from tellurion_agent.recipes.recipe import Recipe
from tellurion_agent.slots import ALL, Kind, Level, Region, Slot


def _near_surface(value: Any, variable: str) -> bool:
    """Whether a level is where a variable that is none of the sea's is measured: at the surface, 2 m or 10 m."""
    at_height = isinstance(value, Level) and value.units == "m" and value.upper == value.lower <= NEAR_SURFACE
    return at_height and not variable.startswith("sea_water")


def fill(recipe: Recipe, reading: Reading, there: There) -> Filling:
    """What a reading says of a recipe's slots."""
    filling = Filling()
    by_kind: dict[Kind, list[Slot]] = {}
    for slot in recipe.slots:
        by_kind.setdefault(slot.kind, []).append(slot)
    fill_subjects(filling, recipe, reading, there)
    _fill_periods(filling, reading, by_kind.get(Kind.PERIOD, []))
    for kind in (Kind.LEVEL, Kind.UNITS):
        mentions = [
            m
            for m in reading.of(kind)
            if not (kind is Kind.UNITS and m.value.endswith("-1") and " " not in m.value)
            and not _near_surface(m.value, filling.said.get("variable", "sea_water"))
        ]
        filling.assign(by_kind.get(kind, []), [(m.value, m.role) for m in mentions], mentions)
    _fill_experiments(filling, recipe, reading, by_kind.get(Kind.EXPERIMENT, []))
    _fill_sources(filling, reading, by_kind.get(Kind.SOURCE, []))
    _fill_seasons(filling, reading, by_kind.get(Kind.SEASON, []))
    _fill_numbers(filling, reading, by_kind.get(Kind.NUMBER, []), by_kind.get(Kind.UNITS, []))
    _fill_choices(filling, reading, by_kind.get(Kind.CHOICE, []), named=Kind.VARIABLE in by_kind)
    for mention in reading.mentions:
        if mention.role is Role.LEFT_OUT and mention.kind in by_kind:
            words = reading.text.said[mention.start : mention.end]
            filling.unclear.append(
                Unclear(by_kind[mention.kind][0].name, f"All but {words} cannot be chosen. What instead?")
            )
    return filling


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
    filling.assign(slots, items, mentions)


def _fill_experiments(filling: Filling, recipe: Recipe, reading: Reading, slots: Sequence[Slot]) -> None:
    always = {given.experiment for given in recipe.inputs}
    mentions = [mention for mention in reading.of(Kind.EXPERIMENT) if mention.value not in always]
    filling.assign(slots, [(m.value, m.role) for m in mentions], mentions)


def _fill_sources(filling: Filling, reading: Reading, slots: Sequence[Slot]) -> None:
    mentions = reading.of(Kind.SOURCE)
    if any(slot.name in filling.said for slot in slots):
        return  # each beside its variable
    items: list[tuple[Any, Role]] = []
    for mention in mentions:
        if len(mention.value) > 1 and slots:
            question = f"Which is meant: {', '.join(mention.value)}?"
            filling.unclear.append(Unclear(slots[0].name, question, mention.value))
        else:
            items.append((mention.value[0], mention.role))
    items = _named_sources(items, slots)
    mentions = [mention for mention in mentions if any(mention.value[0] == value for value, _ in items)]
    for slot in slots:
        if slot.many and items:
            slots = [other for other in slots if other is not slot]
            named = dict.fromkeys(value for value, role in items if role is Role.PLAIN or not slots)
            each = tuple(value for value in named if value.casefold() not in OBSERVED | MODELLED)
            if found := each or tuple(named):  # which of these models: A, B or C
                filling.said[slot.name] = found
            items = [(value, role) for value, role in items if value not in named]
            mentions = [mention for mention in mentions if mention.value[0] not in named]
    if slots or not items:
        filling.assign(slots, items, mentions)


def _named_sources(items: list[tuple[Any, Role]], slots: Sequence[Slot]) -> list[tuple[Any, Role]]:
    """Without words for any model or observation where names say which: the model CanESM5, the observed HadCRUT5."""
    specific = [item for item in items if item[0].casefold() not in OBSERVED | MODELLED]
    observed = any(slot.name.startswith("observed") for slot in slots)
    if observed:
        return specific or [item for item in items if item[0].casefold() in OBSERVED]
    return specific if specific and len(items) > len(slots) else items


def _fill_seasons(filling: Filling, reading: Reading, slots: Sequence[Slot]) -> None:
    mentions = reading.of(Kind.SEASON)
    said = [mention.value for mention in mentions if not isinstance(mention.value, LocalSeason)]
    mentions = [  # summer (June to August)
        m for m in mentions if not (isinstance(m.value, LocalSeason) and {m.value.north, m.value.south} & {*said})
    ]
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
    filling.assign(slots, items, mentions)


def _fill_numbers(filling: Filling, reading: Reading, slots: Sequence[Slot], units: Sequence[Slot]) -> None:
    left = list(reading.of(Kind.NUMBER))
    for slot in slots:
        named = named_number(slot.name, reading.text)
        fits = next((m for m in left if fits_number(slot.name, m, reading.text)), None)
        if named is not None:
            words, filling.said[slot.name] = named
            filling.notes[slot.name] = f"that is what “{words}” means"
            left = [m for m in left if not words.endswith(reading.text.plain[m.start : m.end])]
        elif fits is not None:
            left.remove(fits)
            filling.said[slot.name] = fits.value.number
            if fits.value.units and (free := [s for s in units if s.name not in filling.said]):
                filling.said[free[0].name] = fits.value.units
    filling.unused += left


def _by_region(filling: Filling, slot: Slot) -> tuple[str, ...]:
    """The choices that are regions which the recipe has no other use for: Niño 3."""
    regions = [m for m in filling.unused if m.kind is Kind.REGION and getattr(m.value, "name", "") in slot.choices]
    filling.unused = [mention for mention in filling.unused if mention not in regions]
    return tuple(dict.fromkeys(mention.value.name for mention in regions))


def _fill_choices(filling: Filling, reading: Reading, slots: Sequence[Slot], *, named: bool) -> None:
    """Choices that a request names; `named` where words of variables fill other slots."""
    text = reading.without(Kind.SOURCE, Kind.PERIOD, *([Kind.VARIABLE] if named else []))
    slots = _fill_statistics(filling, reading, slots, text)
    for slot in slots:
        found = _by_region(filling, slot) or chosen(text, slot)
        others = [choice for choice in found if slot.default is None or choice != slot.choices[0]]
        if len(others) > 1 and slot.choices[0] != ALL:
            asked = chosen(text.without([(0, _last_sentence(text))]), slot)
            if len(asked) == 1:
                others = [choice for choice in others if choice in asked]
            else:
                others = _most_said(text, slot, others)
        if len(others) > 1 and slot.choices[0] == ALL:
            filling.said[slot.name] = ALL
        elif len(others) > 1:
            filling.unclear.append(Unclear(slot.name, slot.question, tuple(others)))
        elif found:
            filling.said[slot.name] = (others or found)[0]
    spent = [
        (start, end)
        for slot in slots
        for choice, start, end in found_at(text, slot)
        if choice == filling.said.get(slot.name)
    ]
    filling.unused = [m for m in filling.unused if not (m.kind is Kind.REGION and _holds(m, spent))]


def _holds(mention: Mention, spans: Sequence[tuple[int, int]]) -> bool:
    return any(mention.start <= start and end <= mention.end for start, end in spans)


def _most_said(text: Text, slot: Slot, choices: list[str]) -> list[str]:
    """What is said more often than the others, where all are listed once: the factor of A in a fit of A, B and C."""
    counts = Counter(choice for choice, _, _ in found_at(text, slot) if choice in choices)
    if slot.default is not None or not counts:
        return choices
    (first, most), *rest = counts.most_common(2)
    return [first] if all(most > next_ for _, next_ in rest) else choices


def _last_sentence(text: Text) -> int:
    """Where what is asked begins, after all that was told first."""
    ends = [match.end() for match in re.finditer(r"[.?!:;]\s+(?=\w)", text.plain)]
    return ends[-1] if ends else 0


def _fill_statistics(filling: Filling, reading: Reading, slots: Sequence[Slot], text: Text) -> list[Slot]:
    """Statistics of two periods: each word belongs to the years that are nearest. Returns the other slots."""
    pair = [slot for slot in slots if slot.name in ("statistic", "base_statistic")]
    years = reading.of(Kind.PERIOD)
    if len(pair) != 2 or not years or "base" not in filling.said:
        return list(slots)
    words: set[str] = set()
    for slot in pair:
        for choice, start, end in found_at(text, slot):
            near = min(years, key=lambda m: max(m.start - end, start - m.end))
            words.add(choice)
            if (near.value == filling.said["base"]) == (slot.name == "base_statistic"):
                filling.said.setdefault(slot.name, choice)
    for slot in pair:
        if len(words) == 1 and slot.name not in filling.said and {*words} <= {*slot.choices}:
            filling.said[slot.name] = next(iter(words))
    return [slot for slot in slots if slot not in pair]
