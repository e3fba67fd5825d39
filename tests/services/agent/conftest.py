"""The black-box requests, as a package under a name that no distribution has."""

from __future__ import annotations

import importlib.util
import sys
from pathlib import Path
from types import ModuleType

import pytest


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
