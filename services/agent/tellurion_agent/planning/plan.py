"""What planning ends with: candidate plans, a question back, or an honest no."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Protocol

from tellurion_agent.capabilities.capability import Capability
from tellurion_agent.catalogue.dataset import DataSet
from tellurion_agent.catalogue.library import Catalogue
from tellurion_agent.recipes.recipe import Recipe


@dataclass(frozen=True)
class Context:
    """What was said before in a session, and what the tenant has taught."""

    recipe: str = ""
    """Name of the last plan's recipe, or of the one that a question was asked back for; empty where there is none."""
    slots: Mapping[str, Any] = field(default_factory=dict)
    """What was said for it, no defaults."""
    preferred: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    """Values of slots, by recipe, that are taken before the recipe's own defaults."""


NOTHING_SAID = Context()
"""Of a session that begins."""


@dataclass(frozen=True)
class Taught:
    """A recipe with settings under a name that a tenant gave them."""

    name: str
    recipe: Recipe
    settings: Mapping[str, Any]
    """Values of slots, which hold where a request says nothing else."""
    lesson: str
    """Id of the lesson that taught it."""
    remarks: tuple[str, ...] = ()
    """What a careful reader of its plans should know."""


@dataclass(frozen=True)
class Plan:
    """One way to answer."""

    recipe: Recipe
    slots: Mapping[str, Any]
    said: Mapping[str, Any]
    """Those of the slots that the session said."""
    data: Mapping[str, DataSet]
    """By role of the recipe's inputs, as `resolve` has them."""
    assumptions: Mapping[str, str]
    """Why a slot has its value though nobody said it, by the slot's name."""
    reasons: tuple[str, ...]
    """Why this recipe, and why these data."""
    bytes_read: int
    seconds: float
    """About how long it takes."""
    score: float
    """Probability that it is what is asked for."""
    taught: Taught | None = None
    """The name that was said, where one was."""

    def noted(self, note: str) -> Plan:
        """With one more reason."""
        return replace(self, reasons=(*self.reasons, note))

    @property
    def context(self) -> Context:
        """For what is asked next."""
        settings = {} if self.taught is None else self.taught.settings
        return Context(self.recipe.name, {**settings, **self.said})


@dataclass(frozen=True)
class ScriptPlan:
    """To run code that a language model wrote, where no recipe answers."""

    title: str
    code: str
    method: str
    """Whose code it is."""
    data: Mapping[str, DataSet]
    """By the role that the code knows each by."""
    reasons: tuple[str, ...] = ()

    def noted(self, note: str) -> ScriptPlan:
        """With one more reason."""
        return replace(self, reasons=(*self.reasons, note))


@dataclass(frozen=True)
class ServicePlan:
    """To have another service of the platform do it."""

    capability: Capability
    options: Mapping[str, Any]
    files: Mapping[str, tuple[Path, ...]]
    """Files or a folder, by input."""
    assumptions: Mapping[str, str]
    """Why an option or an input is what it is though nobody said it, by its name."""
    reasons: tuple[str, ...] = ()

    def noted(self, note: str) -> ServicePlan:
        """With one more reason."""
        return replace(self, reasons=(*self.reasons, note))


@dataclass(frozen=True)
class Plans:
    """One to three, the best first."""

    candidates: tuple[Plan | ScriptPlan | ServicePlan, ...]


@dataclass(frozen=True)
class Clarify:
    """A question back."""

    question: str
    unclear: str
    """Name of a slot, ``recipe``, or what contradicts."""
    options: tuple[str, ...] = ()
    """Ways to answer it, where there are few."""
    context: Context = field(default_factory=Context)
    """With which an answer is understood."""


@dataclass(frozen=True)
class Abstain:
    """There is no honest answer."""

    reason: str
    final: bool = False
    """Whether nobody else could find one: it was no analysis that was asked for."""


def noted(found: Plans | Clarify | Abstain, note: str) -> Plans | Clarify | Abstain:
    """With something that whoever reads the plans, or why there are none, should know."""
    match found:
        case Abstain(reason, final):
            return Abstain(f"{reason} {note}", final)
        case Plans(candidates):
            return Plans(tuple(each.noted(note) for each in candidates))
    return found


class Planning(Protocol):
    """Whoever makes plans."""

    def plan(self, request: str, catalogue: Catalogue, context: Context) -> Plans | Clarify | Abstain:
        """What to do about a request. Raises InvalidInput where it is empty or too long."""
        ...
