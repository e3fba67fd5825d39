"""The clock of a worker leaps by an hour, forwards and back, while it works: no work is lost, done twice or wrong.

Containers have the clock of their machine; `libfaketime` of Debian is put before a worker's C library, and reads by how
much its clock is wrong from a file of the shared claim, at each call.
"""

from __future__ import annotations

import shutil
import subprocess
import time
from pathlib import Path

import pytest

from .callers import Caller
from .drills import Undisturbed, statuses, under_load
from .on_podman import PodmanCluster

pytestmark = [pytest.mark.slow, pytest.mark.timeout(1800)]
INSIDE = "/var/lib/tellurion"


@pytest.fixture(scope="module")
def library(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Debian's library, unpacked without being installed."""
    folder = tmp_path_factory.mktemp("libfaketime")
    subprocess.run(["apt-get", "download", "libfaketime"], cwd=folder, check=True, capture_output=True)
    (package,) = folder.glob("*.deb")
    subprocess.run(["dpkg", "-x", package, folder], check=True)
    (found,) = folder.rglob("libfaketimeMT.so.1")
    return found


def test_a_workers_clock_that_leaps_by_an_hour_loses_no_work(
    cluster: PodmanCluster, caller: Caller, undisturbed: Undisturbed, library: Path
) -> None:
    state = cluster.claim("tellurion-state")
    shutil.copy(library, state / library.name)
    leaps(state, "+0")
    cluster.set_env(
        "ocean-worker",
        LD_PRELOAD=f"{INSIDE}/{library.name}",
        FAKETIME_TIMESTAMP_FILE=f"{INSIDE}/clock",
        FAKETIME_NO_CACHE="1",
        FAKETIME_DONT_FAKE_MONOTONIC="1",
    )
    worker = cluster.pod("ocean-worker")
    with under_load(caller, undisturbed, "a worker's clock an hour ahead, then an hour behind") as load:
        for leap in ("+3600", "-3600", "+0"):
            leaps(state, leap)
            told = float(worker.inside("python", "-c", "import time; print(time.time())").stdout)
            assert abs(told - time.time() - int(leap)) < 30
            time.sleep(20)

    assert statuses(load) == set()
    assert worker.watch is not None
    assert worker.watch.restarts == 0
    cluster.rollback()


def leaps(state: Path, seconds: str) -> None:
    """Says by how much the clock is wrong from now on."""
    new = state / "clock.new"
    new.write_text(f"{seconds}\n")
    new.chmod(0o644)
    new.replace(state / "clock")
