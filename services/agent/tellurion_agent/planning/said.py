"""What was said of a recipe's slots."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from tellurion_agent.planning.extraction.mention import Mention, Role
from tellurion_agent.planning.wording import shown
from tellurion_agent.recipes.recipe import Recipe
from tellurion_agent.slots import Slot

_COMPARED_WITH = re.compile(r"(?:^|_)(?:base|baseline|reference|second|observed)(?:_|$)")


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
    left_over: int = 0
    """Mentions beyond those that its slots hold."""

    def values(self, recipe: Recipe, preferred: Mapping[str, Any]) -> dict[str, Any]:
        """Of all slots: said, or preferred, or the recipe's defaults."""
        values = {slot.name: preferred.get(slot.name, slot.default) for slot in recipe.slots}
        return {**values, **self.said}

    def missing(self, recipe: Recipe, preferred: Mapping[str, Any]) -> list[Slot]:
        """Slots that it needs and nobody filled."""
        values = self.values(recipe, preferred)
        asked = {unclear.name for unclear in self.unclear}
        return [slot for slot in recipe.slots if slot.required and values[slot.name] is None and slot.name not in asked]

    def assign(self, slots: Sequence[Slot], items: Iterable[tuple[Any, Role]], mentions: Sequence[Mention]) -> None:
        """Gives values to slots of one kind: those compared with to the slots for that, the others in their order.

        Slots that have to be filled come first. Without slots the mentions are unused; what is left over is unclear.
        """
        left: dict[Any, Role] = dict(items)
        if not slots:
            self.unused += mentions
            return
        bases = [slot for slot in slots if _COMPARED_WITH.search(slot.name)]
        for value, role in list(left.items()):
            if role is Role.BASE and bases:
                self.said[bases.pop(0).name] = value
                del left[value]
        free = [slot for slot in slots if slot.name not in self.said]
        free.sort(key=lambda slot: (not slot.required, slot in bases))
        for value, slot in zip(list(left), free, strict=False):
            self.said[slot.name] = value
            del left[value]
        self.left_over += len(left)
        if left:
            options = tuple(
                shown(value) for value in (*(self.said[s.name] for s in slots if s.name in self.said), *left)
            )
            question = f"{slots[0].question} It can be one of them: {', '.join(options)}."
            self.unclear.append(Unclear(slots[0].name, question, options))
