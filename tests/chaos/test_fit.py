"""Whatever is killed in mid-fit, the model is the same, and no more is done again than since the last checkpoint."""

from __future__ import annotations

import importlib.util
import json
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psutil
import pytest

import tellurion_client
from tellurion_client import Client, FitOperation
from tellurion_client.state import State

CHECKPOINT_EVERY = 250
"""Iterations, as the service has it; or 30 s, which these take less than."""
TOLD_EVERY = 10
"""Iterations, as the service has it."""
STEPS = 320
"""So many that the kill comes before the end, and few after the checkpoint."""
SETTINGS = {
    "TELLURION_JOBS_LEASE_SECONDS": "2",
    "TELLURION_JOBS_SWEEP_SECONDS": "0.5",
    "TELLURION_JOBS_RETRY_SECONDS": "0",
}
PAINTED = Path(__file__).parents[1] / "services" / "splat" / "painted_scene.py"


@dataclass(frozen=True)
class Platform:
    """A running platform with the splat service."""

    client: Client
    state: Path
    scene: Path

    def submit(self) -> FitOperation:
        options: Any = {"iterations": STEPS, "seed": 1, "sh_degree": 1, "reflected_sh_degree": 1}
        return self.client.splat.submit(self.scene, clean_folder="transmitted", depth_folder="depth", **options)

    def victim(self, name: str) -> psutil.Process:
        """The process to kill."""
        run = State(self.state).run()
        assert run is not None
        if name == "service":
            return psutil.Process(run.services["splat"].pid)
        worker = psutil.Process(run.services["jobs"].pid)
        if name == "worker":
            return worker
        children = worker.children(recursive=True)
        return next(child for child in reversed(children) if "tellurion_core.jobs.child" in child.cmdline())


@pytest.fixture(scope="module")
def platform(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Platform]:
    folder = tmp_path_factory.mktemp("chaos")
    found = importlib.util.spec_from_file_location("painted_scene", PAINTED)
    assert found is not None
    assert found.loader is not None
    painted = importlib.util.module_from_spec(found)
    found.loader.exec_module(painted)
    inherited = {name: value for name, value in os.environ.items() if not name.startswith("TELLURION_")}
    command = [sys.executable, "-P", "-m", "tellurion_client", "up", "--services", "splat", "--json"]
    with (folder / "up.log").open("ab") as log:
        process = subprocess.Popen(
            [*command, "--state", str(folder / "state")], env=inherited | SETTINGS, stdout=subprocess.PIPE, stderr=log
        )
    assert process.stdout is not None
    try:
        assert json.loads(process.stdout.readline())
        with tellurion_client.connect(folder / "state") as client:
            yield Platform(client, folder / "state", painted.write_scene(folder / "scene"))
    finally:
        process.terminate()
        process.wait(60)
        process.stdout.close()


@pytest.fixture(scope="module")
def undisturbed(platform: Platform) -> str:
    """SHA-256 of the model when nothing is killed."""
    return platform.submit().result(timeout=300).model


def told(operation: FitOperation) -> Iterator[tuple[int, int]]:
    """The attempt and the iterations that it tells of, whenever that has changed."""
    for status in operation.watch(timeout=300):
        if (found := re.match(r"iteration (\d+) of", status.message)) is not None:
            yield status.attempt, int(found[1])


@pytest.mark.timeout(600)
@pytest.mark.slow
@pytest.mark.parametrize("victim", ["child", "worker", "service"])
def test_what_is_killed_is_not_missed(platform: Platform, undisturbed: str, victim: str) -> None:
    operation, attempts = platform.submit(), 1 if victim == "service" else 2
    before = next(done for _, done in told(operation) if done > CHECKPOINT_EVERY)
    platform.victim(victim).kill()
    # What is told first of an attempt comes at most so many iterations after it has begun.
    begun = next(done for attempt, done in told(operation) if attempt == attempts) - TOLD_EVERY
    assert before - begun <= CHECKPOINT_EVERY  # which one that began anew would fail
    assert operation.result(timeout=300).model == undisturbed
    assert operation.operation.get().attempt == attempts
