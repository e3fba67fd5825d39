"""What a person gets to see of plans, recipes, data sets and lessons."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING

from tellurion_client.cli import display

if TYPE_CHECKING:
    from tellurion_client.agent_results import LearnedRecipe, Lesson, Listing, Plan, Recipe


def plans(candidates: Sequence[Plan]) -> None:
    """Candidate plans, the best first, with what was assumed."""
    for number, plan in enumerate(candidates, 1):
        display.line(
            f"{number}. {plan.title} ({plan.score:.0%}; about {plan.seconds:.0f} s, {plan.bytes / 1e6:.1f} MB)"
        )
        for setting in plan.settings:
            whence = ", from feedback" if setting.lesson else ", assumed" if setting.assumed else ""
            display.line(f"   {setting.name}: {setting.value}{whence}")
        for role, data in plan.data.items():
            display.line(f"   {role}: {data}")
        for reason in plan.reasons:
            display.line(f"   – {reason}")


def recipes(known: Iterable[Recipe]) -> None:
    """A table of recipes."""
    rows = ((recipe.name, recipe.title, next(iter(recipe.examples), "")) for recipe in known)
    display.table("Analyses that are known", ("name", "what", "for example"), rows)


def listing(found: Listing) -> None:
    """A table of data sets, and what is wrong with files that are none."""
    rows = (
        (data.variable, data.source, data.experiment, data.member, data.frequency, data.period, str(data.files))
        for data in found.data_sets
    )
    display.table("Data sets", ("variable", "source", "experiment", "member", "frequency", "years", "files"), rows)
    for name, reason in found.problems.items():
        display.note(f"{name}: {reason}")


def lessons(taught: Iterable[Lesson]) -> None:
    """A table of lessons, newest first."""
    rows = (
        (lesson.id, lesson.topic, str(lesson.version), "yes" if lesson.active else "no", lesson.recipe or lesson.text)
        for lesson in taught
    )
    display.table("What was taught, newest first", ("id", "topic", "version", "used", "text"), rows)


def learned(found: LearnedRecipe) -> None:
    """A table of what was learned of a recipe, and why the rest was not."""
    rows = (
        (lesson.recipe, lesson.topic, "; ".join(f"{each.name} {each.value}" for each in lesson.settings))
        for lesson in found.lessons
    )
    display.table("Ask for it by its name", ("name", "analysis", "with"), rows)
    for name, reason in found.not_learned.items():
        display.note(f"{name} was not learned: {reason}")
