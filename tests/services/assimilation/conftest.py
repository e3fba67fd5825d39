"""The assimilation service, as a process of its own."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator
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


@pytest.fixture(scope="session")
def served() -> Iterator[Served]:
    """The service on a private Unix socket, with a new state folder."""
    with tempfile.TemporaryDirectory(prefix="assimilation-") as folder:
        state = Path(folder) / "state"
        process = subprocess.Popen(
            [sys.executable, "-m", "tellurion_assimilation"],
            env={**os.environ, "TELLURION_LISTEN": f"unix:{folder}/s", "TELLURION_STATE": str(state)},
            stdout=subprocess.PIPE,
            stderr=(Path(folder) / "log").open("w"),
            text=True,
        )
        assert process.stdout is not None
        with process, grpc.insecure_channel(json.loads(process.stdout.readline())["address"]) as channel:
            try:
                yield Served(channel, state)
            finally:
                process.terminate()
