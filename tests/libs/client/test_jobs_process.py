"""The process that does long work: started where there is some to do, and no sooner."""

from __future__ import annotations

import os
import signal
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tellurion_client import InvalidInput, services
from tellurion_client.embedded import Embedded
from tellurion_client.services import chosen_services, jobs_broker

Processes = Callable[[], list[int]]


@pytest.fixture
def embedded(tmp_path: Path, runtime: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Embedded]:
    monkeypatch.setattr("tempfile.tempdir", str(runtime))
    platform = Embedded(timeout=60, state=tmp_path)
    yield platform
    platform.close()


def test_it_is_chosen_with_a_service_that_has_jobs_and_started_first() -> None:
    assert list(chosen_services(["benchmark"])) == ["jobs", "benchmark"]
    assert list(chosen_services(["gateway"])) == ["gateway"]
    assert list(chosen_services(["jobs"])) == ["jobs"]
    everything = list(chosen_services(None))
    assert (everything[0], everything[-1]) == ("jobs", "gateway")


def test_without_what_it_needs_all_is_as_if_there_were_no_jobs(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(services, "find_spec", lambda name: None)
    assert list(chosen_services(["benchmark"])) == ["benchmark"]
    assert "jobs" not in chosen_services(None)


def test_a_broker_of_ones_own_is_left_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("TELLURION_JOBS_BROKER", raising=False)
    assert jobs_broker(Path("/run/t")) == "redis+socket:///run/t/redis.sock"
    monkeypatch.setenv("TELLURION_JOBS_BROKER", "redis://redis:6379/0")
    assert jobs_broker(Path("/run/t")) is None


def test_embedded_it_runs_from_the_first_work_on_and_ends_with_the_platform(
    embedded: Embedded, processes: Processes, until: Callable[..., None], tmp_path: Path
) -> None:
    before = set(processes())
    embedded.keep_working("gateway")
    assert set(processes()) == before
    embedded.keep_working("benchmark")
    (worker,) = set(processes()) - before
    embedded.keep_working("benchmark")
    assert set(processes()) - before == {worker}
    until((tmp_path / "jobs.sqlite").exists, 60)
    embedded.close()
    assert set(processes()) == before


def test_embedded_one_that_was_ready_and_died_is_started_again(
    embedded: Embedded, processes: Processes, until: Callable[..., None]
) -> None:
    before = set(processes())
    embedded.keep_working("benchmark")
    (worker,) = set(processes()) - before
    assert embedded.address("jobs").startswith("unix:")
    os.kill(worker, signal.SIGKILL)

    def another_runs() -> bool:
        embedded.keep_working("benchmark")
        return bool(set(processes()) - before - {worker})

    until(another_runs)


def test_embedded_one_that_cannot_start_says_why(
    embedded: Embedded, processes: Processes, until: Callable[..., None], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TELLURION_JOBS_LEASE_SECONDS", "-1")
    before = set(processes())
    with pytest.raises(InvalidInput, match=r"^jobs: TELLURION_\w*LEASE_SECONDS: received -1"):
        until(lambda: embedded.keep_working("benchmark"), 60)
    assert set(processes()) == before
