"""Every recipe, by its name."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from importlib import import_module
from pkgutil import iter_modules
from types import MappingProxyType

from tellurion_agent import recipes
from tellurion_agent.recipes.recipe import Recipe


def _found() -> Iterator[Recipe]:
    for module in iter_modules(recipes.__path__, f"{recipes.__name__}."):
        if module.name != __name__ and (recipe := getattr(import_module(module.name), "RECIPE", None)) is not None:
            yield recipe


RECIPES: Mapping[str, Recipe] = MappingProxyType({recipe.name: recipe for recipe in _found()})
"""Of each module of this package that has a `RECIPE`."""
