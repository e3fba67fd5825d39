"""The black-box requests, as a package under a name that no distribution has; the planner's kept embeddings."""

from __future__ import annotations

import importlib.util
import sys
from pathlib import Path
from types import ModuleType

import pytest

from tellurion_agent.planning.planner import Planner
from tellurion_agent.recipes.registry import RECIPES

sys.path.append(str(Path(__file__).parent))  # last: `requests` is a distribution too, which others import


@pytest.fixture(scope="session")
def examining() -> ModuleType:
    """The package `requests`, as `examining`: `World(2)`, `examination(world)`, `topics(world)`, `grade(…)`."""
    name, folder = "examining", Path(__file__).with_name("requests")
    init, within = folder / "__init__.py", [str(folder)]
    found = importlib.util.spec_from_file_location(name, init, submodule_search_locations=within)
    assert found is not None
    assert found.loader is not None
    sys.modules[name] = importlib.util.module_from_spec(found)
    found.loader.exec_module(sys.modules[name])
    return sys.modules[name]


@pytest.fixture(scope="session")
def embedded(request: pytest.FixtureRequest) -> Path:
    """Folder with what a planner has embedded of the recipes, which takes it a while the first time."""
    assert request.config.cache is not None
    folder = request.config.cache.mkdir("planner")
    Planner(RECIPES, cache=folder)
    return folder


@pytest.fixture(scope="session")
def offline(embedded: Path) -> Planner:
    """The planner that needs no language model, of all recipes."""
    return Planner(cache=embedded)
