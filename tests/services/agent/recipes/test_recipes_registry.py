"""What every recipe has, and that the registry has every recipe."""

from __future__ import annotations

from collections import Counter
from importlib import import_module
from pathlib import Path

import pytest

from tellurion_agent import recipes
from tellurion_agent.recipes.recipe import Recipe
from tellurion_agent.recipes.registry import RECIPES
from tellurion_agent.slots import Kind, Season

ALL = pytest.mark.parametrize("recipe", RECIPES.values(), ids=RECIPES)


def test_there_are_at_least_34_and_each_file_with_one_is_found() -> None:
    files = Path(recipes.__file__).parent.glob("*.py")
    with_one = {path.stem for path in files if "RECIPE = Recipe(" in path.read_text(encoding="utf-8")}
    assert set(RECIPES) == with_one
    assert len(with_one) >= 34


@ALL
def test_a_recipe_is_named_as_its_module(recipe: Recipe) -> None:
    assert import_module(f"tellurion_agent.recipes.{recipe.name}").RECIPE is recipe


@ALL
def test_it_says_how_it_is_asked_for_what_it_does_and_whence(recipe: Recipe) -> None:
    assert len(set(recipe.phrases)) >= 8
    assert all(10 < len(phrase) < 200 for phrase in recipe.phrases)
    assert len(recipe.method) > 60
    assert recipe.references
    assert all(len(reference) > 30 for reference in recipe.references)
    assert len(recipe.checks) >= 2


@ALL
def test_its_slots_are_questions_with_fitting_defaults(recipe: Recipe) -> None:
    names = [slot.name for slot in recipe.slots]
    assert len(set(names)) == len(names)
    for slot in recipe.slots:
        assert slot.question.split(".")[0].endswith("?") or "?" in slot.question
        assert not (slot.required and slot.default is not None)
        if slot.kind is Kind.CHOICE and slot.default is not None:
            assert slot.default == slot.choices[0]
        if slot.kind is Kind.SEASON:
            assert isinstance(slot.default, Season)


@ALL
def test_its_inputs_have_a_variable_from_themselves_or_from_a_slot(recipe: Recipe) -> None:
    slots = {slot.name for slot in recipe.slots}
    roles = [each.role for each in recipe.inputs]
    assert len(set(roles)) == len(roles)
    for each in recipe.inputs:
        assert each.variables or "variable" in slots or f"{each.role}_variable" in slots


def test_every_standard_name_is_one_that_the_catalogue_knows() -> None:
    from tellurion_agent.catalogue.variables import VARIABLES

    asked = {name for recipe in RECIPES.values() for each in recipe.inputs for name in each.variables}
    assert asked <= set(VARIABLES)


def test_no_phrase_belongs_to_two_recipes() -> None:
    counts = Counter(phrase.casefold() for recipe in RECIPES.values() for phrase in recipe.phrases)
    assert [phrase for phrase, count in counts.items() if count > 1] == []
