"""What tests of several distributions need: OpenAI-compatible servers, Triton, files that name other files."""

from __future__ import annotations

import importlib.util
import secrets
import sys
from pathlib import Path
from types import ModuleType

import pytest


@pytest.fixture(scope="session")
def scripted() -> ModuleType:
    """The module `scripted`."""
    return _module("scripted")


@pytest.fixture(scope="session")
def real_model() -> ModuleType:
    """The module `llama`."""
    return _module("llama")


@pytest.fixture(scope="session")
def triton_server() -> ModuleType:
    """The module `triton_server`."""
    return _module("triton_server")


@pytest.fixture(scope="session")
def elsewhere() -> ModuleType:
    """The module `elsewhere`."""
    return _module("elsewhere")


@pytest.fixture(scope="session")
def ray_token() -> str:
    """Of every Ray that this process starts: Ray reads its token once."""
    return secrets.token_hex(32)


@pytest.fixture(scope="session")
def scaled() -> ModuleType:
    """The module `scaled`."""
    return _module("scaled")


def _module(name: str) -> ModuleType:
    found = importlib.util.spec_from_file_location(name, Path(__file__).with_name(f"{name}.py"))
    assert found is not None
    assert found.loader is not None
    sys.modules[name] = module = importlib.util.module_from_spec(found)
    found.loader.exec_module(module)
    return module
