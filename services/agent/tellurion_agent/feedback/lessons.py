"""What is learned from feedback, and how it is used: by the tenant that gave it, on the topic that it was given on.

A correction sets slots of the recipe that a run used: later plans of this recipe take them where a request does not say
otherwise. Teaching gives a run's recipe and slots a name of their own; a later request that names it is answered so.
Both can be taken back, and count only as long as the checks of the runs that use them hold.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any, NamedTuple

from tellurion.agent.v1 import agent_pb2
from tellurion_agent.recipes.recipe import Recipe
from tellurion_agent.recipes.registry import RECIPES
from tellurion_agent.slot_json import from_json, to_json
from tellurion_agent.slot_text import text as shown
from tellurion_agent.store import Lesson, Run, Store

Correct = Callable[[Recipe, str], Mapping[str, Any]]
"""From a recipe and what is said of it to the slots that this sets."""
_GOOD = re.compile(
    r"(?i)^\W*(?:good|great|perfect|correct|right|accept(?:ed)?|ok(?:ay)?|thanks?|thank you|well done)\b"
)
_TEACH = re.compile(r"(?i)^\W*(?:remember|save|keep|learn|teach|call)\s+(?:this|it|that)\s+(?:as\s+)?(?P<name>.+?)\W*$")
MOST_NAME = 100
"""Characters of the name of a recipe that is taught."""


@dataclass(frozen=True)
class Taught:
    """What a tenant's lessons make of planning; equal where the recipes are the same."""

    named: tuple[str, ...]
    """Ids of the lessons that teach recipes."""
    recipes: Mapping[str, Recipe] = field(compare=False)
    """Those of everybody and those that were taught."""
    preferred: Mapping[str, Mapping[str, Any]] = field(compare=False)
    """Values of slots by recipe, the latest lesson first."""
    lessons: Mapping[str, Mapping[str, str]] = field(compare=False)
    """Ids of the lessons that these come from, by recipe and slot."""


class Learned(NamedTuple):
    """What follows from what was said of a run."""

    lesson: Lesson | None
    understood: str
    """In a line; where nothing was learned, why."""
    accepted: bool = False
    """Whether it was said to be good."""

    @property
    def outcome(self) -> agent_pb2.Outcome.ValueType:
        """How it was taken."""
        if self.lesson is not None:
            return agent_pb2.OUTCOME_LEARNED
        return agent_pb2.OUTCOME_ACCEPTED if self.accepted else agent_pb2.OUTCOME_NOTHING_LEARNED


class Lessons:
    """Of all tenants."""

    def __init__(self, store: Store, correct: Correct) -> None:
        self._store = store
        self._correct = correct

    def learn(self, run: Run, ended: agent_pb2.Answer | None, request_id: str, said: str) -> Learned:
        """What follows from what is said of a run."""
        if ended is None or run.plan is None or run.proposal is None:
            return Learned(None, "nothing is learned from a run that has no answer")
        plan = run.proposal["plans"][run.plan]
        recipe = RECIPES.get(plan["recipe"])
        if recipe is None:
            return Learned(None, f"nothing is learned: there is no recipe {plan['recipe']} any more")
        if (taught := _TEACH.match(said)) is not None:
            return self._teach(run, ended, request_id, said, taught["name"], plan, recipe)
        settings = self._correct(recipe, said)
        if not settings:
            good = _GOOD.match(said) is not None
            nothing = f"nothing was understood that “{recipe.title}” could do otherwise"
            return Learned(None, "accepted", accepted=True) if good else Learned(None, nothing)
        content = {"settings": to_json(settings)}
        lesson = self._store.teach(run.tenant, request_id, topic=recipe.name, text=said, content=content, run=run.id)
        told = ", ".join(f"{name}: {shown(value)}" for name, value in settings.items())
        return Learned(lesson, f"from now on, for “{recipe.title}” where nothing else is said: {told}")

    def taught(self, tenant: str) -> Taught:
        """What a tenant's lessons that are in use make of planning."""
        recipes, preferred, ids = dict(RECIPES), dict[str, dict[str, Any]](), dict[str, dict[str, str]]()
        named: list[str] = []
        for lesson in self._store.lessons(tenant, active=True):  # newest first
            base = RECIPES.get(lesson.topic)
            if base is None:
                continue
            settings = from_json(lesson.content["settings"])
            if name := lesson.content.get("recipe"):
                named.append(lesson.id)
                recipes.setdefault(name, _named(base, name, settings))
                ids.setdefault(name, dict.fromkeys(settings, lesson.id))
                continue
            for slot, value in settings.items():
                preferred.setdefault(base.name, {}).setdefault(slot, value)
                ids.setdefault(base.name, {}).setdefault(slot, lesson.id)
        return Taught(tuple(named), recipes, preferred, ids)

    def _teach(
        self,
        run: Run,
        ended: agent_pb2.Answer,
        request_id: str,
        said: str,
        name: str,
        plan: Mapping[str, Any],
        recipe: Recipe,
    ) -> Learned:
        if ended.status != agent_pb2.STATUS_ANSWERED:
            return Learned(
                None, "nothing is learned: only a run that has an answer, whose checks hold, can be remembered"
            )
        name = " ".join(name.strip("\"'“”‘’«» ").split())
        if not 3 <= len(name) <= MOST_NAME or not name.isprintable():
            return Learned(None, f"nothing is learned: a name has 3 to {MOST_NAME} characters")
        if any(name.casefold() == known.casefold() for each in RECIPES.values() for known in (each.name, each.title)):
            return Learned(None, f"nothing is learned: there is a recipe “{name}”")
        content = {"settings": plan["slots"], "recipe": name}
        lesson = self._store.teach(run.tenant, request_id, topic=recipe.name, text=said, content=content, run=run.id)
        return Learned(lesson, f"“{name}” is remembered: {recipe.title}, as in this run")


def base_of(recipe: Recipe) -> str:
    """Name of the recipe that does the work of one that was taught; its own name of any other."""
    return next(name for name, known in RECIPES.items() if known.compute is recipe.compute)


def _named(base: Recipe, name: str, settings: Mapping[str, Any]) -> Recipe:
    """A recipe under a name of its own, with a run's slots for defaults."""
    slots = tuple(
        replace(slot, default=settings[slot.name], required=False) if settings.get(slot.name) is not None else slot
        for slot in base.slots
    )
    phrases = (name, f"What is the {name}?", f"compute the {name}")
    return replace(base, name=name, title=name, phrases=phrases, slots=slots)
