"""Whatever is killed, stopped or away for a while: each job is done once, and its attempts are counted."""

from __future__ import annotations

import os
import signal
import time
from contextlib import suppress
from pathlib import Path
from typing import Any

import psutil
import pytest

from tellurion_core.jobs.broker import answers
from tellurion_core.jobs.table import State

LEASE, SWEEP = 2.0, 0.25
"""Seconds, as the platform's workers have them."""


def gone(pid: int, seconds: float) -> bool:
    """Whether a process has ended within so many seconds."""
    until = time.monotonic() + seconds
    with suppress(psutil.NoSuchProcess):
        while psutil.Process(pid).status() != psutil.STATUS_ZOMBIE:
            if time.monotonic() > until:
                return False
            time.sleep(0.02)
    return True


def pid(message: str) -> int:
    return int(message.split()[1])


def test_a_job_whose_process_is_killed_is_begun_again_at_once(platform: Any, tmp_path: Path) -> None:
    worker = platform.worker(jobs_lease_seconds="600")
    job = platform.submit("hold", str(tmp_path / "go"))
    for attempt, victim in enumerate(("guard", "child"), 1):
        child = pid(platform.until(job, lambda latest, n=attempt: latest.attempt == n and latest.message).message)
        guard = psutil.Process(child).ppid()
        assert psutil.Process(guard).ppid() == worker.process.pid
        os.kill(guard if victim == "guard" else child, signal.SIGKILL)
        assert gone(child, 3)
    platform.until(job, lambda latest: latest.attempt == 3)
    (tmp_path / "go").touch()
    assert platform.answer(job) == "1,2,3"


@pytest.mark.parametrize("database", ["sqlite", pytest.param("postgresql", marks=pytest.mark.slow)], indirect=True)
def test_a_job_whose_worker_is_killed_is_another_workers_after_its_lease(any_platform: Any, tmp_path: Path) -> None:
    first = any_platform.worker()
    job = any_platform.submit("hold", str(tmp_path / "go"))
    child = pid(any_platform.begun(job).message)
    any_platform.worker()
    first.kill()
    killed = time.monotonic()
    assert gone(child, 3)
    any_platform.until(job, lambda latest: latest.attempt == 2)
    assert time.monotonic() - killed < LEASE + 2 * SWEEP + 1  # the last: this machine's other work
    (tmp_path / "go").touch()
    assert any_platform.answer(job) == "1,2"


def test_a_job_that_is_poison_to_its_worker_is_dead_after_its_attempts(platform: Any, tmp_path: Path) -> None:
    job = platform.submit("hold", str(tmp_path / "go"), attempts=1)
    worker = platform.worker()
    platform.begun(job)
    worker.kill()
    platform.worker()
    assert platform.error(job).message == "tried once: its worker was lost: the lease ran out"
    assert platform.store.get("navy", job.id).state is State.DEAD


def test_a_worker_that_stands_still_keeps_no_job_and_writes_nothing_when_it_goes_on(
    platform: Any, tmp_path: Path
) -> None:
    first = platform.worker()
    job = platform.submit("hold", str(tmp_path / "go"))
    child = pid(platform.begun(job).message)
    platform.worker(jobs_sweep_seconds="0.05")
    os.kill(first.process.pid, signal.SIGSTOP)
    platform.until(job, lambda latest: latest.attempt == 2)
    assert gone(child, 0)
    platform.until(job, lambda latest: latest.message.startswith("holding"))
    os.kill(first.process.pid, signal.SIGCONT)
    platform.begun(platform.submit("hold", "/nowhere"))
    latest = platform.store.get("navy", job.id)
    assert (latest.state, latest.attempt) == (State.RUNNING, 2)
    (tmp_path / "go").touch()
    assert platform.answer(job) == "1,2"


def test_killing_redis_loses_no_job_and_it_does_not_outlive_its_worker(platform: Any, tmp_path: Path) -> None:
    platform.with_bell()
    worker = platform.worker()
    running = platform.submit("hold", str(tmp_path / "go"))
    platform.begun(running)
    worker.redis().kill()
    assert platform.answer(platform.submit("echo", "ahoy")).startswith("ahoy")
    (tmp_path / "go").touch()
    assert platform.answer(running) == "1"
    until = time.monotonic() + 10
    while not answers(platform.broker):
        assert time.monotonic() < until
        time.sleep(0.02)
    again = worker.redis().pid
    worker.kill()
    assert gone(again, 2)


@pytest.mark.slow
@pytest.mark.parametrize("database", ["postgresql"], indirect=True)
def test_a_database_that_restarts_ends_no_job_and_one_that_is_away_longer_than_the_lease_has_it_done_again(
    postgres: Any, any_platform: Any, tmp_path: Path
) -> None:
    lease = 7.0  # a restart is over well before
    any_platform.worker(jobs_lease_seconds=str(lease))
    job = any_platform.submit("hold", str(tmp_path / "go"))
    child = pid(any_platform.begun(job).message)
    postgres.stop()
    postgres.start()
    assert any_platform.answer(any_platform.submit("echo", "ahoy")).startswith("ahoy")
    assert any_platform.store.get("navy", job.id).attempt == 1
    postgres.stop()
    try:
        assert gone(child, lease + 1)
    finally:
        postgres.start()
    any_platform.until(job, lambda latest: latest.attempt == 2)
    (tmp_path / "go").touch()
    assert any_platform.answer(job) == "1,2"
