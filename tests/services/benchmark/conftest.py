"""Data sets in the benchmarks' published layouts, and evaluations as jobs run them."""

from __future__ import annotations

import importlib.util
import os
import sys
from collections.abc import Callable
from functools import partial
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from tellurion_benchmark.asking import asker
from tellurion_benchmark.asking.retries import Patience
from tellurion_benchmark.metrics import embeddings, java, meteor


def _module(name: str) -> ModuleType:
    found = importlib.util.spec_from_file_location(name, Path(__file__).with_name(f"{name}.py"))
    assert found is not None
    assert found.loader is not None
    sys.modules[name] = importlib.util.module_from_spec(found)
    found.loader.exec_module(sys.modules[name])
    return sys.modules[name]


def _need(missing: str | None) -> None:
    """Skips a test whose means are not installed, and fails it in CI, which installs them."""
    if missing is not None:
        pytest.fail(missing) if os.environ.get("CI") == "true" else pytest.skip(missing)


@pytest.fixture(scope="session")
def minilm() -> None:
    """The test needs the model of embeddings."""
    _need(embeddings.unavailable())


@pytest.fixture(scope="session")
def wordnet() -> None:
    """The test needs WordNet."""
    _need(meteor.unavailable())


@pytest.fixture(scope="session")
def java_programs() -> None:
    """The test needs Java."""
    _need(java.unavailable())


@pytest.fixture(autouse=True)
def endpoints_of_this_machine(monkeypatch: pytest.MonkeyPatch) -> None:
    """An installation that lets endpoints of this machine be asked, as the platform of one user does."""
    monkeypatch.setenv("TELLURION_ENDPOINTS", "localhost,127.0.0.1,[::1]")


@pytest.fixture(scope="session")
def data_files() -> ModuleType:
    """The module `data_files`: records of each benchmark, and pictures."""
    return _module("data_files")


@pytest.fixture(scope="session")
def write_dataset(data_files: ModuleType) -> Callable[..., Path]:
    """Writes a data set: `write_dataset(folder, "sfe", form="jsonl")`."""
    return data_files.write_dataset


@pytest.fixture
def evaluating(tmp_path: Path, data_files: ModuleType) -> Any:
    """Uploads files and runs evaluations of them, in folders of the test."""
    return _module("evaluating").Evaluating(tmp_path / "state")


@pytest.fixture
def hasty(monkeypatch: pytest.MonkeyPatch) -> None:
    """Evaluations that wait only moments before they ask again."""
    monkeypatch.setattr(asker, "Patience", partial(Patience, first=0.01, longest=0.05))
