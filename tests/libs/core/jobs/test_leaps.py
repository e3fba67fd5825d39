"""Whoever slept is given time: a leap of the clock is told from time that passed."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from sqlalchemy import update

from tellurion_core.jobs import worker
from tellurion_core.jobs.database import writing
from tellurion_core.jobs.leaps import Leaps
from tellurion_core.jobs.settings import JobSettings
from tellurion_core.jobs.store import JobStore
from tellurion_core.jobs.table import State, jobs
from tellurion_core.jobs.worker import Worker
from tellurion_core.settings import StateSettings


class Clocks:
    """Two clocks that go as they are told."""

    def __init__(self) -> None:
        self.walls, self.steadies = 1000.0, 50.0

    def pass_by(self, wall: float, steady: float) -> None:
        self.walls += wall
        self.steadies += steady


def test_a_leap_is_what_the_wall_is_ahead_and_is_told_once() -> None:
    clocks = Clocks()
    leaps = Leaps(5.0, wall=lambda: clocks.walls, steady=lambda: clocks.steadies)
    told = []
    for wall, steady in ((3600.0, 3600.0), (6.0, 2.0), (10.0, 4.0), (1.0, 1.0), (-100.0, 1.0), (8.0, 2.0)):
        clocks.pass_by(wall, steady)
        told.append(leaps.leapt())
    assert told == [False, False, True, False, False, True]


def test_after_a_leap_leases_are_renewed_before_any_is_taken(tmp_path: Path, monkeypatch: Any) -> None:
    clocks = Clocks()
    monkeypatch.setattr(worker, "Leaps", lambda s: Leaps(s, wall=lambda: clocks.walls, steady=lambda: clocks.steadies))
    monkeypatch.setattr(worker.time, "monotonic", lambda: clocks.steadies)
    settings = JobSettings(database=f"sqlite:///{tmp_path}/jobs.sqlite", lease_seconds=10)
    awake = Worker(settings, StateSettings(state=tmp_path), ["probe.count"])
    store = JobStore(awake._engine)
    job = store.submit(tenant="navy", subject="s", kind="probe.count", request_id="r", body=b"")
    assert awake._claims.claim(["probe.count"]) is not None
    with writing(awake._engine) as connection:
        connection.execute(update(jobs).values(lease_until=0.0))  # it ran out while the machine slept
    clocks.pass_by(wall=3600, steady=1)
    awake._sweep()
    clocks.pass_by(wall=9, steady=9)
    awake._sweep()
    assert store.get("navy", job.id).state is State.RUNNING
    clocks.pass_by(wall=2, steady=2)
    awake._sweep()
    assert store.get("navy", job.id).state is State.QUEUED
    awake._engine.dispose()
