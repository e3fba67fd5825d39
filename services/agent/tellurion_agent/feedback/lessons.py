"""What is learned from feedback, and how it is used: by the tenant that gave it, on the topic that it was given on.

A correction sets slots of the recipe that a run used: later plans of this recipe take them where a request does not say
otherwise. Teaching gives a recipe and slots a name of their own, those of a run or of what a recipe of ESMValTool does;
a later request that says the name is answered so. All can be taken back, and count only as long as the checks of the
runs that use them hold.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from hashlib import sha256
from typing import Any, NamedTuple

from tellurion.agent.v1 import agent_pb2
from tellurion_agent.esmvaltool.knowledge import Known, Unknown, knowledge
from tellurion_agent.esmvaltool.recipe_file import RecipeFile
from tellurion_agent.planning.plan import Taught
from tellurion_agent.recipes.recipe import Recipe
from tellurion_agent.recipes.registry import RECIPES
from tellurion_agent.slot_json import from_json, to_json
from tellurion_agent.slot_text import text as shown
from tellurion_agent.store import Lesson, Run, Store
from tellurion_core.errors import ResourceExhausted

Correct = Callable[[Recipe, str], Mapping[str, Any]]
"""From a recipe and what is said of it to the slots that this sets."""
_GOOD = re.compile(
    r"(?i)^\W*(?:good|great|perfect|correct|right|accept(?:ed)?|ok(?:ay)?|thanks?|thank you|well done)\b"
)
_TEACH = re.compile(r"(?i)^\W*(?:remember|save|keep|learn|teach|call)\s+(?:this|it|that)\s+(?:as\s+)?(?P<name>.+?)\W*$")
MOST_NAMES = 3000
"""That a tenant can have taught at once: each request is looked through for them."""
MOST_NAME = 100
"""Characters of the name of a recipe that is taught."""


class InUse(NamedTuple):
    """What a tenant's lessons that are in use make of planning."""

    preferred: Mapping[str, Mapping[str, Any]]
    """Values of slots by recipe, the latest lesson first."""
    lessons: Mapping[str, Mapping[str, str]]
    """Ids of the lessons that these come from, by recipe and slot."""
    named: Mapping[str, Lesson]
    """By the name that is said, in lower case, its latest lesson."""

    def said(self, request: str) -> tuple[Taught, str] | None:
        """The longest name that a request says, and the request without it."""
        plain = " ".join(request.split())
        folded = plain.casefold()
        for name in sorted((name for name in self.named if name in folded), key=len, reverse=True):
            found = re.search(rf"(?<![\w/-]){re.escape(name)}(?![\w/-])", folded)
            if found is not None and len(folded) == len(plain):
                return _taught(self.named[name]), f"{plain[: found.start()]} {plain[found.end() :]}".strip(" ?!.,")
        return None


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

    def __init__(self, store: Store, correct: Correct, usual: Callable[[str], bool]) -> None:
        """`usual` says whether a name is a word of requests that mean something else."""
        self._store = store
        self._correct = correct
        self._usual = usual

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

    def in_use(self, tenant: str) -> InUse:
        """What a tenant's lessons that are in use make of planning."""
        preferred, ids = dict[str, dict[str, Any]](), dict[str, dict[str, str]]()
        named: dict[str, Lesson] = {}
        for lesson in self._store.lessons(tenant, active=True):  # newest first
            base = RECIPES.get(lesson.topic)
            if base is None:
                continue
            if name := lesson.content.get("recipe"):
                named.setdefault(name.casefold(), lesson)
                continue
            for slot, value in from_json(lesson.content["settings"]).items():
                preferred.setdefault(base.name, {}).setdefault(slot, value)
                ids.setdefault(base.name, {}).setdefault(slot, lesson.id)
        return InUse(preferred, ids, named)

    def read(self, tenant: str, request_id: str, file: RecipeFile) -> tuple[list[Lesson], list[Unknown]]:
        """Teaches what a recipe of ESMValTool does, as far as it can be done here; and what cannot.

        Raises ResourceExhausted where the tenant would have more than MOST_NAMES names.
        """
        pieces = [*knowledge(file)]
        known = [piece for piece in pieces if isinstance(piece, Known)]
        named = self.in_use(tenant).named
        if len(named.keys() | {piece.name.casefold() for piece in known}) > MOST_NAMES:
            raise ResourceExhausted(f"{len(named)} names are taught, and {MOST_NAMES} can be: take some back first")
        told = f"{file.title} (ESMValTool)" if file.title else "a recipe of ESMValTool"
        prefix = sha256(request_id.encode()).hexdigest()[:56]  # with a number, as short as ids of requests are
        lessons = []
        for number, piece in enumerate(known):
            content = {"settings": to_json(piece.settings), "recipe": piece.name, "remarks": [*piece.remarks]}
            lessons.append(self._renamed(tenant, f"{prefix}:{number}", piece.recipe, told, content, "", named))
        return lessons, [piece for piece in pieces if isinstance(piece, Unknown)]

    def _renamed(
        self,
        tenant: str,
        request_id: str,
        topic: str,
        text: str,
        content: Mapping[str, Any],
        run: str,
        named: Mapping[str, Lesson],
    ) -> Lesson:
        """A lesson that teaches a name; it takes the place of that which had the name."""
        lesson = self._store.teach(tenant, request_id, topic=topic, text=text, content=content, run=run)
        before = named.get(content["recipe"].casefold())
        if before is not None and before.id != lesson.id and lesson.active and before.created <= lesson.created:
            self._store.set_active(tenant, before.id, False)
        return lesson

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
        if self._usual(name):
            return Learned(None, f"nothing is learned: any request may have the word “{name}”; take a name of its own")
        content = {"settings": plan["slots"], "recipe": name}
        named = self.in_use(run.tenant).named
        lesson = self._renamed(run.tenant, request_id, recipe.name, said, content, run.id, named)
        return Learned(lesson, f"“{name}” is remembered: {recipe.title}, as in this run")


def _taught(lesson: Lesson) -> Taught:
    content = lesson.content
    remarks = tuple(content.get("remarks", ()))
    return Taught(content["recipe"], RECIPES[lesson.topic], from_json(content["settings"]), lesson.id, remarks)
