"""The clock of a worker leaps by an hour, forwards and back, while it works: no work is lost, done twice or wrong.

Containers have the clock of their machine; clock.c, put before a worker's C library, makes that of its processes wrong.
"""

from __future__ import annotations

import subprocess
import time
from pathlib import Path

import pytest

from .callers import Caller
from .drills import Undisturbed, statuses, under_load
from .on_podman import PodmanCluster

pytestmark = [pytest.mark.slow, pytest.mark.timeout(1800)]
SOURCE = Path(__file__).with_name("clock.c")
INSIDE = "/var/lib/tellurion"
"""The shared claim, as a worker sees it."""
LEAPS = (3600, -3600, 0)
"""Seconds by which the clock is wrong, one after the other."""
LEAP_SECONDS = 20.0
"""How long it stays so: some leases and sweeps."""


def test_a_workers_clock_that_leaps_by_an_hour_loses_no_work(
    podman: PodmanCluster, caller: Caller, undisturbed: Undisturbed
) -> None:
    state = podman.claim("tellurion-state")
    subprocess.run(["cc", "-O2", "-Wall", "-Werror", "-shared", "-fPIC", SOURCE, "-o", state / "clock.so"], check=True)
    leap(state, 0)
    podman.set_env("ocean-worker", LD_PRELOAD=f"{INSIDE}/clock.so", WRONG_CLOCK=f"{INSIDE}/clock")
    worker = podman.pod("ocean-worker")
    with under_load(caller, undisturbed, "a worker's clock an hour ahead, then an hour behind") as load:
        for seconds in LEAPS:
            leap(state, seconds)
            told = float(worker.inside("python", "-c", "import time; print(time.time())").stdout)
            assert abs(told - time.time() - seconds) < 30
            time.sleep(LEAP_SECONDS)

    assert statuses(load) == set()
    assert worker.restarts == 0
    podman.rollback()


def leap(state: Path, seconds: int) -> None:
    """Says by how much the clock is wrong from now on; in place, as processes have the file before them."""
    file = state / "clock"
    if not file.exists():
        file.write_bytes(bytes(8))
        file.chmod(0o644)
    with file.open("r+b", buffering=0) as words:
        words.write(seconds.to_bytes(8, "little", signed=True))
