"""What tests of several distributions need: a scripted OpenAI-compatible server."""

from __future__ import annotations

import importlib.util
import sys
from pathlib import Path
from types import ModuleType

import pytest


@pytest.fixture(scope="session")
def scripted() -> ModuleType:
    """The module `scripted`."""
    found = importlib.util.spec_from_file_location("scripted", Path(__file__).with_name("scripted.py"))
    assert found is not None
    assert found.loader is not None
    sys.modules["scripted"] = module = importlib.util.module_from_spec(found)
    found.loader.exec_module(module)
    return module
