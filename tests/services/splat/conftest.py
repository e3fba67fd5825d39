"""The splat service as a process of its own, and a small scene whose pixels are known."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any

import pytest

sys.path.insert(0, str(Path(__file__).parent))  # modules beside the tests, which import them by name

from painted_scene import write_scene


@pytest.fixture(scope="session")
def served(serving: Callable[[str], AbstractContextManager[Any]]) -> Iterator[Any]:
    """The service on a private Unix socket, with a new state folder."""
    with serving("splat") as running:
        yield running


@pytest.fixture(scope="session")
def scene_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The painted pane from ten cameras."""
    return write_scene(tmp_path_factory.mktemp("scene"))
