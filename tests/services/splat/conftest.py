"""The splat service as a process of its own, and a small scene whose pixels are known."""

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

sys.path.insert(0, str(Path(__file__).parent))  # modules beside the tests, which import them by name

from painted_scene import write_scene


@dataclass(frozen=True)
class Served:
    """The service in a process of its own."""

    channel: grpc.Channel
    state: Path
    """Its state folder: jobs, artifacts."""
    pid: int


@pytest.fixture(scope="session")
def served() -> Iterator[Served]:
    """The service on a private Unix socket, with a new state folder."""
    with tempfile.TemporaryDirectory(prefix="splat-") as folder:
        state = Path(folder) / "state"
        process = subprocess.Popen(
            [sys.executable, "-m", "tellurion_splat"],
            env={**os.environ, "TELLURION_LISTEN": f"unix:{folder}/s", "TELLURION_STATE": str(state)},
            stdout=subprocess.PIPE,
            stderr=(Path(folder) / "log").open("w"),
            text=True,
        )
        assert process.stdout is not None
        with process, grpc.insecure_channel(json.loads(process.stdout.readline())["address"]) as channel:
            try:
                yield Served(channel, state, process.pid)
            finally:
                process.terminate()


@pytest.fixture(scope="session")
def scene_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The painted pane from ten cameras."""
    return write_scene(tmp_path_factory.mktemp("scene"))
