"""Long work from the caller's side: SDK and command, against the real services of operations."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from google.protobuf.any_pb2 import Any as Packed

from tellurion.common.v1.field_pb2 import FieldRules
from tellurion.common.v1.progress_pb2 import Progress
from tellurion_client import (
    Cancelled,
    Conflict,
    DataCorrupted,
    DeadlineExceeded,
    InvalidInput,
    NotFound,
    Operation,
    TellurionError,
    Unavailable,
    operations,
)
from tellurion_client.cli.main import run
from tellurion_client.client import Client
from tellurion_client.platforms import Running
from tellurion_core.jobs.claims import Claim, Claims
from tellurion_core.jobs.operations import operation_name, services
from tellurion_core.jobs.settings import JobSettings
from tellurion_core.jobs.store import JobStore
from tellurion_core.jobs.table import Job

KIND = "probe.count"
NONE = "probe/operations/" + "0" * 32
RESULT = Progress(fraction=1, message="counted")


def packed(message: Progress = RESULT) -> bytes:
    wrapped = Packed()
    wrapped.Pack(message)
    return wrapped.SerializeToString()


class Probe:
    """A service's jobs, from inside, and a client of it."""

    def __init__(self, engine: Any, serve: Callable[..., Any], **settings: Any) -> None:
        self.store = JobStore(engine)
        self.claims = Claims(engine, JobSettings(), "worker")
        self.served = serve(lambda: services("probe", self.store, [KIND]), **settings)
        self.operations = self.served.client.operations

    def submit(self, request_id: str = "r") -> Job:
        return self.store.submit(
            tenant="local", subject="local", kind=KIND, request_id=request_id, body=packed(), attempts=1
        )

    def begin(self) -> tuple[Operation, Claim]:
        job = self.submit()
        claim = self.claims.claim([KIND])
        assert claim is not None
        return self.operations.named(operation_name(job)), claim


@pytest.fixture
def probe(engine: Any, serve: Callable[..., Any]) -> Probe:
    return Probe(engine, serve)


@contextmanager
def soon(what: Callable[..., Any], *arguments: Any, after: float = 0.2) -> Iterator[None]:
    """Does something a moment after the block was entered."""
    timer = threading.Timer(after, what, arguments)
    timer.start()
    yield
    timer.join()


def test_how_work_stands(probe: Probe) -> None:
    operation, claim = probe.begin()
    probe.claims.renew(claim, 0.25, "counting")
    status = operation.get()
    assert (status.name, status.kind, status.state) == (operation.name, KIND, "RUNNING")
    assert (status.fraction, status.message, status.attempt, status.request_id) == (0.25, "counting", 1, "r")
    assert (status.done, status.finished, status.error) == (False, None, None)
    assert status.started is not None
    assert status.created <= status.started


def test_work_is_watched_to_its_end(probe: Probe) -> None:
    operation, claim = probe.begin()
    with soon(probe.claims.succeed, claim, packed()):
        assert [status.state for status in operation.watch()] == ["RUNNING", "SUCCEEDED"]


def test_work_is_watched_on_the_thread_that_waits(probe: Probe) -> None:
    """A Ctrl-C while gRPC starts a thread of its own for what streams in leaves a channel that cannot be closed."""
    operation, claim = probe.begin()
    news = operation.watch()
    before = threading.enumerate()
    assert next(news).state == "RUNNING"
    assert [each for each in threading.enumerate() if each.daemon and each not in before] == []
    probe.claims.succeed(claim, packed())
    assert [status.state for status in news] == ["SUCCEEDED"]


def test_waiting_tells_progress(probe: Probe) -> None:
    operation, claim = probe.begin()
    probe.claims.renew(claim, 0.5, "counting")
    told: list[tuple[float, str]] = []
    with soon(probe.claims.succeed, claim, packed()):
        status = operation.wait(progress=lambda fraction, message: told.append((fraction, message)))
    assert (status.state, status.done) == ("SUCCEEDED", True)
    assert told[0] == (0.5, "counting")


def test_the_result_is_what_the_work_answered(probe: Probe) -> None:
    operation, claim = probe.begin()
    with soon(probe.claims.succeed, claim, packed()):
        assert operation.result(Progress) == RESULT
    with pytest.raises(DataCorrupted, match=r"answered tellurion\.common\.v1\.Progress, not tellurion\.common"):
        operation.result(FieldRules)


def test_failed_work_raises_what_it_failed_of(probe: Probe) -> None:
    operation, claim = probe.begin()
    probe.claims.fail(claim, InvalidInput.of("questions[3].id", received="nothing", accepted="an id"))
    with pytest.raises(InvalidInput) as caught:
        operation.result(Progress)
    assert caught.value.violations[0].field == "questions[3].id"
    status = operation.wait()
    assert (status.state, type(status.error)) == ("FAILED", InvalidInput)


def test_dead_work_raises_how_it_died(probe: Probe) -> None:
    operation, claim = probe.begin()
    probe.claims.died(claim, "killed by signal 9")
    with pytest.raises(TellurionError, match="killed by signal 9"):
        operation.result(Progress)
    assert operation.get().state == "DEAD"


def test_cancelled_work_raises_that_it_was(probe: Probe) -> None:
    operation = probe.operations.named(operation_name(probe.submit()))
    operation.cancel()
    with pytest.raises(Cancelled):
        operation.result(Progress)
    operation.delete()
    with pytest.raises(NotFound):
        operation.get()


def test_work_that_runs_is_not_deleted(probe: Probe) -> None:
    operation, _ = probe.begin()
    with pytest.raises(Conflict):
        operation.delete()


@pytest.mark.parametrize("timeout", [0.05, 0.7])
def test_waiting_ends_in_time_and_the_work_goes_on(probe: Probe, timeout: float) -> None:
    operation, _ = probe.begin()
    began = time.monotonic()
    with pytest.raises(DeadlineExceeded, match=f"has not ended within {timeout:g} s"):
        operation.wait(timeout=timeout)
    assert time.monotonic() - began < timeout + 5
    assert operation.get().state == "RUNNING"


def test_news_go_on_where_the_service_ends_a_long_stream(
    engine: Any, serve: Callable[..., Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(operations, "RETRY_SECONDS", 0.01)
    probe = Probe(engine, serve, max_call_seconds=0.3)
    operation, claim = probe.begin()
    with soon(probe.claims.succeed, claim, packed(), after=0.7):
        assert [status.state for status in operation.watch()] == ["RUNNING", "SUCCEEDED"]


def test_a_service_that_is_started_again_is_not_noticed(
    engine: Any, serve: Callable[..., Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(operations, "RETRY_SECONDS", 0.05)
    probe = Probe(engine, serve)
    operation, claim = probe.begin()
    seen = []
    for status in operation.watch(timeout=20):
        seen.append(status.state)
        if seen == ["RUNNING"]:
            probe.served.stop()
            timer = threading.Timer(0.4, probe.served.start)
            timer.start()
            probe.claims.succeed(claim, packed())
    timer.join()
    assert seen == ["RUNNING", "SUCCEEDED"]


def test_a_service_that_is_away_at_first_is_waited_for(probe: Probe) -> None:
    operation, claim = probe.begin()
    probe.claims.succeed(claim, packed())
    probe.served.stop()
    with soon(probe.served.start, after=3):  # longer than a channel tries by itself
        assert operation.result(Progress, timeout=20) == RESULT


def test_what_is_asked_of_an_operation_is_asked_again(probe: Probe) -> None:
    operation, _ = probe.begin()
    operation.get()
    probe.served.stop()
    with soon(probe.served.start):
        assert operation.get(timeout=20).state == "RUNNING"


def test_a_platform_without_the_service_is_not_waited_for(tmp_path: Path) -> None:
    operation = Client(Running({"ocean": "unix:/nowhere"}, tmp_path)).operations.named(NONE)
    with pytest.raises(Unavailable, match="runs ocean, not probe"):
        operation.wait(timeout=0.1)


def test_a_service_that_stays_away_is_given_up(
    engine: Any, serve: Callable[..., Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(operations, "RETRY_SECONDS", 0.05)
    monkeypatch.setattr(operations, "SILENCE_SECONDS", 0.3)
    probe = Probe(engine, serve)
    operation, _ = probe.begin()
    news = operation.watch()
    assert next(news).state == "RUNNING"
    probe.served.stop()
    with pytest.raises(Unavailable):
        next(news)
    with pytest.raises(Unavailable):
        operation.get()


def test_work_is_listed_newest_first_over_all_pages(probe: Probe, monkeypatch: pytest.MonkeyPatch) -> None:
    for index in range(230):
        probe.submit(f"r{index}")
    listed = [status.request_id for status in probe.operations.list("probe")]
    assert listed == [f"r{index}" for index in range(230)][::-1]
    assert list(probe.operations.list("probe", matching="state = RUNNING")) == []
    with pytest.raises(InvalidInput, match=r"^filter: received state = ASLEEP; accepted: kind = probe\.count"):
        next(probe.operations.list("probe", matching="state = ASLEEP"))


@pytest.mark.parametrize(
    "name", ["", "probe", "0" * 32, "probe/operations/1", NONE + "\n", "../operations/" + "0" * 32]
)
def test_a_name_that_none_can_have_is_refused_before_it_is_asked_for(probe: Probe, name: str) -> None:
    with pytest.raises(InvalidInput, match=r"^name: "):
        probe.operations.named(name)


@pytest.mark.parametrize("timeout", [0, -1, float("nan")])
def test_a_timeout_is_positive(probe: Probe, timeout: float) -> None:
    operation = probe.operations.named(NONE)
    for ask in (operation.get, operation.wait, operation.cancel, operation.delete):
        with pytest.raises(InvalidInput, match=r"^timeout: "):
            ask(timeout=timeout)


@pytest.fixture
def command(
    probe: Probe, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Callable[..., tuple[int, str, str]]:
    """Runs `tellurion operations …` against the probe: exit code, stdout, stderr."""
    monkeypatch.setenv("TELLURION_URL", probe.served.url)

    def ran(*arguments: object) -> tuple[int, str, str]:
        code = run(["operations", *map(str, arguments)])
        return code, *capsys.readouterr()

    return ran


DOCUMENT = {
    *("name", "kind", "state", "done", "fraction", "message", "attempt", "request_id"),
    *("created", "started", "finished", "error"),
}


def test_the_command_lists_operations(probe: Probe, command: Callable[..., tuple[int, str, str]]) -> None:
    jobs = [probe.submit(f"r{index}") for index in range(3)]
    names = [operation_name(job) for job in reversed(jobs)]
    code, out, err = command("list", "--service", "probe", "--json")
    assert (code, err) == (0, "")
    assert [document["name"] for document in json.loads(out)] == names
    assert {key for document in json.loads(out) for key in document} == DOCUMENT
    code, out, _ = command("list", "--service", "probe", "--filter", "state = QUEUED", "--limit", 2)
    assert [name in out for name in names] == [True, True, False]


def test_the_command_gets_cancels_and_deletes(probe: Probe, command: Callable[..., tuple[int, str, str]]) -> None:
    name = operation_name(probe.submit())
    assert command("get", name) == (0, f"{name}: {KIND} QUEUED, 0%\n", "")
    code, out, _ = command("cancel", name, "--json")
    document = json.loads(out)
    assert (code, document["state"], document["done"]) == (0, "CANCELLED", True)
    assert document["error"] == {"reason": "CANCELLED", "message": "cancelled"}
    assert document["created"] <= document["finished"]
    assert command("delete", name, "--json") == (0, json.dumps({"name": name, "deleted": True}) + "\n", "")
    assert command("get", name) == (1, "", f"tellurion: there is no operation {name}\n")


def test_the_command_waits(probe: Probe, command: Callable[..., tuple[int, str, str]]) -> None:
    operation, claim = probe.begin()
    assert command("wait", operation.name, "--timeout", 0.2) == (
        1,
        "",
        f"tellurion: {operation.name} has not ended within 0.2 s\n",
    )
    with soon(probe.claims.succeed, claim, packed()):
        code, out, err = command("wait", operation.name, "--json")
    assert (code, err, json.loads(out)["state"]) == (0, "", "SUCCEEDED")


def test_the_command_ends_with_the_code_of_what_the_work_failed_of(
    probe: Probe, command: Callable[..., tuple[int, str, str]]
) -> None:
    operation, claim = probe.begin()
    probe.claims.fail(claim, InvalidInput.of("questions[3].id", received="nothing", accepted="an id"))
    line = "questions[3].id: received nothing; accepted: an id"
    assert command("wait", operation.name, "--json") == (2, "", f"tellurion: {line}\n")
    assert command("get", operation.name) == (0, f"{operation.name}: {KIND} FAILED, 0%, {line}\n", "")


def test_the_command_refuses_a_name_that_none_can_have(command: Callable[..., tuple[int, str, str]]) -> None:
    code, out, err = command("get", "3f2a")
    assert (code, out) == (2, "")
    assert err.startswith("tellurion: name: received 3f2a; accepted: <service>/operations/<id>")
