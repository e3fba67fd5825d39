"""The point-cloud service as a process of its own, with small models."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any

import numba
import pytest
import torch

sys.path.insert(0, str(Path(__file__).parent))  # modules beside the tests, which import them by name

from small_models import write_weights


@pytest.fixture(scope="package", autouse=True)
def one_thread() -> Iterator[None]:
    """Tests run side by side: clouds of a hundred points wait longer for a second thread than they take."""
    before = numba.get_num_threads(), torch.get_num_threads()
    numba.set_num_threads(1)
    torch.set_num_threads(1)
    yield
    numba.set_num_threads(before[0])
    torch.set_num_threads(before[1])


@pytest.fixture(scope="session")
def small_weights(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder of untrained weights."""
    return write_weights(tmp_path_factory.mktemp("pointcloud") / "weights")


@pytest.fixture(scope="session")
def served(serving: Callable[[str], AbstractContextManager[Any]], small_weights: Path) -> Iterator[Any]:
    """The service on a private Unix socket, with these weights."""
    with pytest.MonkeyPatch.context() as environment:
        environment.setenv("TELLURION_POINTCLOUD_WEIGHTS", str(small_weights))
        environment.setenv("TELLURION_DATA", str(small_weights.parent / "data"))
        with serving("pointcloud") as running:
            yield running
