"""The black-box requests, as a package under a name that no distribution has."""

from __future__ import annotations

import importlib.util
import sys
from pathlib import Path
from types import ModuleType

import pytest


@pytest.fixture(scope="session")
def examining() -> ModuleType:
    """The package `requests` of this folder: `examining.World(2)`, `examining.examination(world)`, `examining.grade`."""
    name, folder = "examining", Path(__file__).with_name("requests")
    found = importlib.util.spec_from_file_location(
        name, folder / "__init__.py", submodule_search_locations=[str(folder)]
    )
    assert found is not None
    assert found.loader is not None
    sys.modules[name] = importlib.util.module_from_spec(found)
    found.loader.exec_module(sys.modules[name])
    return sys.modules[name]
