"""A service as a process of its own, as the tests of each ask it."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from pathlib import Path

import grpc
import pytest


@dataclass(frozen=True)
class Served:
    """The service in a process of its own."""

    channel: grpc.Channel
    state: Path
    """Its state folder: jobs, artifacts, registered weights."""
    address: str
    pid: int


@pytest.fixture(scope="session")
def serving() -> Callable[..., AbstractContextManager[Served]]:
    """Starts the service of this name on a private Unix socket, with a new state folder, for the time of a block.

    Further settings are given by their lower-case names without `TELLURION_`.
    """

    @contextmanager
    def running(name: str, **settings: str) -> Iterator[Served]:
        with tempfile.TemporaryDirectory(prefix=f"{name}-") as folder:
            state = Path(folder) / "state"
            own = {"listen": f"unix:{folder}/s", "state": str(state), **settings}
            process = subprocess.Popen(
                [sys.executable, "-m", f"tellurion_{name}"],
                env=os.environ | {f"TELLURION_{setting.upper()}": value for setting, value in own.items()},
                stdout=subprocess.PIPE,
                stderr=(Path(folder) / "log").open("w"),
                text=True,
            )
            assert process.stdout is not None
            with process:
                try:
                    address = json.loads(process.stdout.readline())["address"]
                    with grpc.insecure_channel(address) as channel:
                        yield Served(channel, state, address, process.pid)
                finally:
                    process.terminate()

    return running
