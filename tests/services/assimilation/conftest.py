"""The assimilation service, as a process of its own."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from typing import Any

import pytest


@pytest.fixture(scope="session")
def served(serving: Callable[[str], AbstractContextManager[Any]]) -> Iterator[Any]:
    """The service on a private Unix socket, with a new state folder."""
    with serving("assimilation") as running:
        yield running
