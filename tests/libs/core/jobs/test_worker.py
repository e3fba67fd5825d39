"""A worker runs each job in a process of its own, follows it, and writes down how it ended."""

from __future__ import annotations

import threading
import time
import urllib.request
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import grpc
import psutil
import pytest
from grpc_health.v1 import health_pb2, health_pb2_grpc
from sqlalchemy import select

from tellurion_core.artifacts import ArtifactStore
from tellurion_core.errors import Internal, InvalidInput, NotFound, ResourceExhausted, Unavailable
from tellurion_core.jobs.database import now, reading
from tellurion_core.jobs.settings import JobSettings
from tellurion_core.jobs.table import Job, State
from tellurion_core.jobs.worker import Worker
from tellurion_core.settings import StateSettings


def alive(pid: int) -> bool:
    try:
        return psutil.Process(pid).status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False


def pids(message: str) -> list[int]:
    """The processes that a job named when it began."""
    return [int(word) for word in message.split()[1:]]


def cancelled_within(platform: Any, job: Job) -> float:
    """Seconds from asking that a job be cancelled to its end, by the database's clock."""
    with reading(platform.engine) as connection:
        began = connection.scalar(select(now()))
    platform.store.cancel("navy", job.id)
    ended = platform.ended(job)
    assert ended.state is State.CANCELLED
    return float(ended.finished - began)


def test_a_job_is_given_what_was_submitted_and_answers(working: Any) -> None:
    job = working.submit("echo", "ahoy", request_id="r-1")
    assert working.answer(job) == "ahoy navy ferdinand r-1 1"
    ended = working.store.get("navy", job.id)
    assert (ended.state, ended.fraction, ended.attempt) == (State.SUCCEEDED, 1.0, 1)
    assert job.created <= ended.started <= ended.finished


def test_an_error_of_our_tree_is_the_jobs_and_is_not_tried_again(working: Any) -> None:
    job = working.submit("fail")
    error = working.error(job)
    assert isinstance(error, InvalidInput)
    assert error.violations[0].field == "depth"
    ended = working.store.get("navy", job.id)
    assert (ended.state, ended.attempt) == (State.FAILED, 1)


def test_what_was_unavailable_is_tried_again_in_the_same_folder(working: Any) -> None:
    assert working.answer(working.submit("flaky")) == "3"
    job = working.submit("unavailable", attempts=2)
    assert isinstance(working.error(job), Unavailable)
    ended = working.store.get("navy", job.id)
    assert (ended.state, ended.attempt) == (State.FAILED, 2)


def test_a_fault_is_told_by_a_number_and_its_traceback_is_in_the_log(working: Any) -> None:
    job = working.submit("crash", attempts=2)
    error = working.error(job)
    ended = working.store.get("navy", job.id)
    assert (ended.state, ended.attempt) == (State.DEAD, 2)
    assert isinstance(error, Internal)
    assert "1234" not in error.message
    assert "ValueError" not in error.message
    logged = working.lines("the job raised an error that is not of our tree")
    assert [line["attempt"] for line in logged] == [1, 2]
    assert "ValueError: the secret is 1234" in logged[1]["exception"]
    assert error.message.endswith(f"the log has it under error id {logged[1]['error_id']}")


def test_poison_is_dead_after_its_attempts_with_the_reason(working: Any) -> None:
    job = working.submit("die", attempts=3)
    assert working.error(job).message == "tried 3 times, the last time: its process was killed by signal 9 (SIGKILL)"
    assert working.store.get("navy", job.id).state is State.DEAD
    assert (working.state / "jobs" / job.id / "attempts").read_text().split() == ["1", "2", "3"]


def test_a_job_that_takes_too_much_memory_is_killed_and_told_the_cap(working: Any) -> None:
    error = working.error(working.submit("greedy", attempts=1))
    assert "TELLURION_JOBS_MEMORY_MIB is 300" in error.message


def test_a_result_that_is_too_large_is_refused(working: Any) -> None:
    job = working.submit("large")
    assert isinstance(working.error(job), ResourceExhausted)
    assert working.store.get("navy", job.id).attempt == 1


def test_a_job_that_asks_is_cancelled_within_a_second(working: Any) -> None:
    job = working.submit("hold", "/nowhere")
    working.begun(job)
    assert cancelled_within(working, job) < 1


def test_a_job_that_does_not_ask_is_killed_within_a_second_with_all_that_it_started(working: Any) -> None:
    job = working.submit("stubborn")
    processes = pids(working.begun(job).message)
    assert all(map(alive, processes))
    assert cancelled_within(working, job) < 1
    assert not any(map(alive, processes))


def test_nothing_that_a_job_started_outlives_it(working: Any) -> None:
    assert not alive(int(working.answer(working.submit("parent"))))


def test_jobs_of_a_kind_run_at_once_and_leave_a_place_for_others(working: Any, tmp_path: Any) -> None:
    jobs = [working.submit("hold", str(tmp_path / "go")) for _ in range(4)]  # as many as there are places
    for job in jobs[:3]:
        working.begun(job)
    assert working.answer(working.submit("echo", "ahoy")).startswith("ahoy")
    assert working.store.get("navy", jobs[3].id).state is State.QUEUED
    (tmp_path / "go").touch()
    assert [working.answer(job) for job in jobs] == ["1"] * 4


def test_a_pause_between_attempts_does_not_last_until_the_next_sweep(platform: Any) -> None:
    job = platform.submit("flaky")
    platform.worker(jobs_retry_seconds="0.2", jobs_sweep_seconds="600")
    assert platform.answer(job) == "3"


def test_a_thread_that_cannot_be_started_costs_neither_a_place_nor_an_attempt(
    platform: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    job = platform.submit("echo")
    settings = JobSettings(database=platform.environment["TELLURION_JOBS_DATABASE"], concurrency=1)
    worker = Worker(settings, StateSettings(state=platform.state), ["probe.echo"])

    def refuse(thread: threading.Thread) -> None:
        raise RuntimeError("can't start new thread")

    with monkeypatch.context() as patch:
        patch.setattr(threading.Thread, "start", refuse)
        with pytest.raises(RuntimeError):
            worker._claim_all()
    waits = platform.store.get("navy", job.id)
    assert (waits.state, waits.attempt, len(worker._attempts)) == (State.QUEUED, 0, 0)
    worker._engine.dispose()


def test_a_folder_of_a_job_that_the_database_does_not_know_is_left_alone(platform: Any) -> None:
    theirs = platform.state / "jobs" / ("0" * 32)
    theirs.mkdir(parents=True)
    platform.worker()
    job = platform.submit("echo")
    platform.answer(job)
    platform.store.delete("navy", job.id)
    until = time.monotonic() + 10
    while (platform.state / "jobs" / job.id).exists():
        assert time.monotonic() < until
        time.sleep(0.02)
    assert theirs.is_dir()


def test_the_bell_is_heard_at_once(platform: Any) -> None:
    platform.with_bell()
    platform.worker(jobs_sweep_seconds="600")
    deadline = time.monotonic() + 20
    rung: list[float] = []
    while not rung or rung[-1] > 2:  # until the worker has subscribed
        assert time.monotonic() < deadline
        job = platform.submit("echo")
        began = time.monotonic()
        while not platform.store.get("navy", job.id).state.ended and time.monotonic() < began + 3:
            time.sleep(0.02)
        rung.append(time.monotonic() - began)


def test_a_worker_that_stops_gives_its_jobs_back_and_the_attempt_does_not_count(platform: Any, tmp_path: Any) -> None:
    worker = platform.worker()
    platform.answer(platform.submit("echo"))
    jobs = [platform.submit("hold", str(tmp_path / "go")), platform.submit("stubborn")]
    processes = [pid for job in jobs for pid in pids(platform.begun(job).message)]
    assert worker.stop() == 0
    assert not any(map(alive, processes))
    for job in jobs:
        given_back = platform.store.get("navy", job.id)
        assert (given_back.state, given_back.attempt) == (State.QUEUED, 0)
    # What jobs print is in the log, and is not taken for words of the worker.
    assert worker.process.stdout.read() == b""
    assert {"\x00printed", "written"} <= set(platform.log.read_text().splitlines())
    (tmp_path / "go").touch()
    platform.worker()
    assert platform.answer(jobs[0]) == "1,1"


def test_the_folder_of_a_job_goes_when_the_job_is_deleted(working: Any) -> None:
    jobs = [working.submit("echo"), working.submit("echo")]
    folders = [working.state / "jobs" / job.id for job in jobs]
    for job in jobs:
        working.answer(job)
    assert all(folder.is_dir() for folder in folders)
    working.store.delete("navy", jobs[0].id)
    until = time.monotonic() + 10
    while folders[0].exists():
        assert time.monotonic() < until
        time.sleep(0.02)
    assert folders[1].is_dir()


def test_jobs_are_forgotten_when_their_time_is_over(platform: Any) -> None:
    platform.worker(jobs_retention_days=str(0.5 / 86_400))
    job = platform.submit("fail")
    with pytest.raises(NotFound):
        platform.until(job, lambda latest: False)


def test_files_whose_time_is_over_go(platform: Any) -> None:
    store = ArtifactStore(platform.state / "artifacts")
    kept = {
        name: store.put("navy", [name.encode()], media_type="text/plain", name=name, keep=keep)
        for name, keep in (("brief", timedelta(seconds=0)), ("lasting", timedelta(days=1)))
    }
    platform.worker()
    path = platform.state / "artifacts" / "navy" / kept["brief"].id[:2] / kept["brief"].id
    until = time.monotonic() + 10
    while path.exists():
        assert time.monotonic() < until
        time.sleep(0.02)
    assert store.get("navy", kept["lasting"].id) == kept["lasting"]


def test_prometheus_is_told_of_jobs_and_attempts(working: Any, tmp_path: Any) -> None:
    working.error(working.submit("fail"))
    working.begun(job := working.submit("hold", str(tmp_path / "go")))
    with urllib.request.urlopen(f"http://{working.metrics}/metrics") as answer:
        told = answer.read().decode().splitlines()
    (tmp_path / "go").touch()
    working.answer(job)
    assert 'tellurion_jobs{kind="probe.hold",state="RUNNING"} 1.0' in told
    counted = [line for line in told if line.startswith('tellurion_job_attempts_total{end="failed",kind="probe.fail"}')]
    assert float(counted[0].split()[1]) >= 1


async def test_a_worker_tells_that_it_is_well(working: Any, bare_channel: Callable[[str], grpc.aio.Channel]) -> None:
    stub = health_pb2_grpc.HealthStub(bare_channel(working.address))
    answer = await stub.Check(health_pb2.HealthCheckRequest(service="tellurion.jobs.Worker"))
    assert answer.status == health_pb2.HealthCheckResponse.SERVING
