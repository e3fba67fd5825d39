"""The jobs of a service are operations: they can be asked for, listed, awaited, watched, cancelled and deleted."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Any

import grpc
import pytest
from google.longrunning import operations_pb2, operations_pb2_grpc
from google.protobuf.any_pb2 import Any as Packed
from google.protobuf.duration_pb2 import Duration
from prometheus_client import generate_latest
from sqlalchemy import Engine

from tellurion.common.v1.progress_pb2 import Progress
from tellurion.jobs.v1 import jobs_pb2, jobs_pb2_grpc
from tellurion_core.call import Identity
from tellurion_core.errors import Cancelled, Conflict, InvalidInput, NotFound
from tellurion_core.jobs.claims import Claim, Claims
from tellurion_core.jobs.operations import operation_name, services
from tellurion_core.jobs.settings import JobSettings
from tellurion_core.jobs.store import JobStore
from tellurion_core.jobs.table import Job
from tellurion_core.server import Server
from tellurion_core.settings import ServerSettings
from tellurion_core.status import from_status, rpc_errors

KIND, OTHER_KIND, FOREIGN_KIND = "probe.count", "probe.sum", "other.count"
RESULT = Progress(fraction=1, message="counted")
NONE = "0" * 32
METHODS = ("GetOperation", "WaitOperation", "CancelOperation", "DeleteOperation", "WatchJob")


def by_metadata(metadata: dict[str, str], context: Any) -> Identity:
    return Identity(metadata.get("x-tenant", "navy"), "ferdinand")


def packed(message: Progress = RESULT) -> bytes:
    wrapped = Packed()
    wrapped.Pack(message)
    return wrapped.SerializeToString()


@dataclass
class Probe:
    """A store of jobs and a client of the service that they are of."""

    store: JobStore
    claims: Claims
    server: Server
    channel: grpc.aio.Channel

    def submit(self, request_id: str = "r", kind: str = KIND, tenant: str = "navy") -> Job:
        return self.store.submit(
            tenant=tenant, subject="ferdinand", kind=kind, request_id=request_id, body=packed(), attempts=1
        )

    def begin(self) -> tuple[str, Claim]:
        """A job that runs: its operation's name, and what its worker holds."""
        job = self.submit()
        claim = self.claims.claim([KIND])
        assert claim is not None
        return operation_name(job), claim

    async def ask(
        self, method: str, name: str, *, tenant: str = "navy", limit: float | None = None, **fields: Any
    ) -> Any:
        """The answer of any method, all messages of it where it is a stream."""
        metadata = [("x-tenant", tenant)]
        with rpc_errors():
            if method == "WatchJob":
                stub = jobs_pb2_grpc.JobServiceStub(self.channel)
                request = jobs_pb2.WatchJobRequest(name=name)
                return [news async for news in stub.WatchJob(request, metadata=metadata, timeout=limit)]
            request = getattr(operations_pb2, f"{method}Request")(name=name, **fields)
            stub = operations_pb2_grpc.OperationsStub(self.channel)
            return await getattr(stub, method)(request, metadata=metadata, timeout=limit)

    async def listed(self, **fields: Any) -> tuple[list[str], str]:
        answer = await self.ask("ListOperations", "probe", **fields)
        return [metadata(operation).request_id for operation in answer.operations], answer.next_page_token


def metadata(operation: operations_pb2.Operation) -> jobs_pb2.JobMetadata:
    told = jobs_pb2.JobMetadata()
    assert operation.metadata.Unpack(told)
    return told


def states(news: list[jobs_pb2.WatchJobResponse]) -> list[str]:
    return [jobs_pb2.State.Name(each.metadata.state).removeprefix("STATE_") for each in news]


@pytest.fixture
async def probe(
    engine: Engine, socket_folder: Path, bare_channel: Callable[[str], grpc.aio.Channel]
) -> AsyncIterator[Probe]:
    store = JobStore(engine)
    settings = ServerSettings(listen=f"unix:{socket_folder}/o", stop_seconds=30)
    server = Server(services("probe", store, [KIND, OTHER_KIND]), settings, authenticate=by_metadata)
    await server.start()
    yield Probe(store, Claims(engine, JobSettings(), "worker"), server, bare_channel(server.address))
    await server.stop()


async def test_prometheus_is_told_of_work_that_waits_where_there_is_no_worker(probe: Probe) -> None:
    probe.submit("r-1")
    told = generate_latest(probe.server.metrics.registry).decode().splitlines()
    assert f'tellurion_jobs{{kind="{KIND}",state="QUEUED"}} 1.0' in told


async def test_work_that_waits(probe: Probe) -> None:
    job = probe.submit("r-7")
    operation = await probe.ask("GetOperation", operation_name(job))
    assert operation.name == f"probe/operations/{job.id}"
    assert (operation.done, operation.WhichOneof("result")) == (False, None)
    told = metadata(operation)
    assert (told.kind, told.state, told.request_id, told.attempt) == (KIND, jobs_pb2.STATE_QUEUED, "r-7", 0)
    assert abs(told.created.ToNanoseconds() / 1e9 - time.time()) < 10
    assert not told.HasField("started")
    assert not told.HasField("finished")


async def test_work_that_is_done_now(probe: Probe) -> None:
    name, claim = probe.begin()
    probe.claims.renew(claim, 0.25, "counting")
    operation = await probe.ask("GetOperation", name)
    assert not operation.done
    told = metadata(operation)
    assert (told.state, told.attempt) == (jobs_pb2.STATE_RUNNING, 1)
    assert (told.progress.fraction, told.progress.message) == (0.25, "counting")
    assert told.created.ToNanoseconds() <= told.started.ToNanoseconds()
    assert not told.HasField("finished")


async def test_work_that_succeeded_has_a_result(probe: Probe) -> None:
    name, claim = probe.begin()
    probe.claims.succeed(claim, packed())
    operation = await probe.ask("GetOperation", name)
    result = Progress()
    assert operation.done
    assert operation.response.Unpack(result)
    assert result == RESULT
    assert metadata(operation).state == jobs_pb2.STATE_SUCCEEDED
    assert metadata(operation).HasField("finished")


async def test_work_that_failed_says_why(probe: Probe) -> None:
    name, claim = probe.begin()
    probe.claims.fail(claim, InvalidInput.of("questions[3].id", received="nothing", accepted="an id"))
    operation = await probe.ask("GetOperation", name)
    error = from_status(operation.error)
    assert operation.done
    assert metadata(operation).state == jobs_pb2.STATE_FAILED
    assert isinstance(error, InvalidInput)
    assert error.violations[0].field == "questions[3].id"


async def test_work_that_died_as_often_as_it_may_says_how(probe: Probe) -> None:
    name, claim = probe.begin()
    probe.claims.died(claim, "killed by signal 9")
    operation = await probe.ask("GetOperation", name)
    assert operation.done
    assert metadata(operation).state == jobs_pb2.STATE_DEAD
    assert "killed by signal 9" in operation.error.message


async def test_work_that_waits_is_cancelled_at_once(probe: Probe) -> None:
    name = operation_name(probe.submit())
    await probe.ask("CancelOperation", name)
    operation = await probe.ask("GetOperation", name)
    assert operation.done
    assert metadata(operation).state == jobs_pb2.STATE_CANCELLED
    assert isinstance(from_status(operation.error), Cancelled)


async def test_of_work_that_runs_the_worker_is_told_to_cancel(probe: Probe) -> None:
    name, claim = probe.begin()
    assert not probe.claims.renew(claim, 0, "")
    await probe.ask("CancelOperation", name)
    assert probe.claims.renew(claim, 0, "")
    probe.claims.cancelled(claim)
    assert isinstance(from_status((await probe.ask("GetOperation", name)).error), Cancelled)


async def test_only_work_that_has_ended_is_deleted(probe: Probe) -> None:
    name, claim = probe.begin()
    with pytest.raises(Conflict):
        await probe.ask("DeleteOperation", name)
    probe.claims.succeed(claim, packed())
    await probe.ask("DeleteOperation", name)
    with pytest.raises(NotFound):
        await probe.ask("GetOperation", name)


@pytest.mark.parametrize("method", METHODS)
async def test_what_is_not_the_callers_looks_like_none(probe: Probe, method: str) -> None:
    theirs = operation_name(probe.submit(tenant="army"))
    foreign = f"probe/operations/{probe.submit(kind=FOREIGN_KIND).id}"
    messages = []
    for name in (theirs, foreign, f"probe/operations/{NONE}"):
        with pytest.raises(NotFound) as caught:
            await probe.ask(method, name)
        messages.append(caught.value.message.replace(name.rpartition("/")[2], NONE))
    assert len(set(messages)) == 1
    assert (await probe.ask("GetOperation", theirs, tenant="army")).name == theirs


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize(
    "name",
    [
        "",
        NONE,
        "probe/operations/",
        f"other/operations/{NONE}",
        f"probe/operations/{NONE}\n",
        "probe/operations/" + "É" * 32,
    ],
)
async def test_a_name_that_none_can_have_is_refused(probe: Probe, method: str, name: str) -> None:
    with pytest.raises(InvalidInput) as caught:
        await probe.ask(method, name)
    assert [violation.field for violation in caught.value.violations] == ["name"]


async def test_pages_hold_every_operation_once_while_more_are_added(probe: Probe) -> None:
    first = [f"r{index}" for index in range(7)]
    for request_id in first:
        probe.submit(request_id)
    probe.submit("theirs", tenant="army")
    probe.submit("foreign", kind=FOREIGN_KIND)
    pages, token = [], ""
    while not pages or token:
        page, token = await probe.listed(page_size=3, page_token=token)
        pages.append(page)
        probe.submit(f"later {len(pages)}")
    assert [len(page) for page in pages] == [3, 3, 1]
    assert [request_id for page in pages for request_id in page] == first[::-1]


async def test_a_page_is_as_large_as_asked_up_to_a_limit(probe: Probe) -> None:
    for index in range(101):
        probe.submit(f"r{index}")
    sizes = {size: len((await probe.listed(page_size=size))[0]) for size in (0, 1, 101, 2**31 - 1)}
    assert sizes == {0: 100, 1: 1, 101: 101, 2**31 - 1: 101}


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("", ["waits", "sum", "runs"]),
        ("state = QUEUED", ["waits", "sum"]),
        ('  state="RUNNING" ', ["runs"]),
        ("state = DEAD", []),
        (f"kind = {OTHER_KIND}", ["sum"]),
        (f'kind = "{KIND}" AND state = QUEUED', ["waits"]),
        (f"state=QUEUED AND kind={OTHER_KIND}", ["sum"]),
    ],
)
async def test_a_filter_chooses_by_kind_and_state(probe: Probe, text: str, expected: list[str]) -> None:
    probe.submit("runs")
    assert probe.claims.claim([KIND]) is not None
    probe.submit("sum", kind=OTHER_KIND)
    probe.submit("waits")
    assert (await probe.listed(filter=text))[0] == expected


@pytest.mark.parametrize(
    "fields",
    [
        {"filter": "state = ASLEEP"},
        {"filter": "state = queued"},
        {"filter": f"kind = {FOREIGN_KIND}"},
        {"filter": "tenant = army"},
        {"filter": "state != QUEUED"},
        {"filter": "state = QUEUED OR state = RUNNING"},
        {"filter": "state = QUEUED AND state = RUNNING"},
        {"filter": "state = QUEUED AND"},
        {"filter": "state = 'QUEUED'; DROP TABLE jobs"},
        {"filter": "state = QUEUED" + " " * 1_000_000},
        {"filter": "state = QUEUED" + " " * 1_000_000 + "x"},
        {"page_size": -1},
        {"page_token": "not one"},
        {"page_token": "é" * 1000},
        {"name": ""},
        {"name": "other"},
        {"name": "probe/operations"},
    ],
)
async def test_a_list_that_cannot_be_had_names_the_field(probe: Probe, fields: dict[str, Any]) -> None:
    with pytest.raises(InvalidInput) as caught:
        await probe.ask("ListOperations", **({"name": "probe"} | fields))
    assert [violation.field for violation in caught.value.violations] == list(fields)


async def test_waiting_ends_with_the_work(probe: Probe) -> None:
    name, claim = probe.begin()
    waiting = asyncio.ensure_future(probe.ask("WaitOperation", name))
    await asyncio.sleep(0.2)
    assert not waiting.done()
    probe.claims.succeed(claim, packed())
    async with asyncio.timeout(5):
        assert (await waiting).done


@pytest.mark.parametrize(
    "limits", [{"timeout": Duration(nanos=300_000_000)}, {"limit": 1.5}], ids=["timeout", "deadline"]
)
async def test_waiting_ends_in_time_with_how_the_work_stands(probe: Probe, limits: dict[str, Any]) -> None:
    name, _ = probe.begin()
    began = time.monotonic()
    operation = await probe.ask("WaitOperation", name, **limits)
    assert not operation.done
    assert metadata(operation).state == jobs_pb2.STATE_RUNNING
    asked = limits.get("limit", 0.3)
    assert asked - 0.2 < time.monotonic() - began < asked + 5


async def test_a_timeout_is_not_negative(probe: Probe) -> None:
    name, _ = probe.begin()
    with pytest.raises(InvalidInput, match=r"^timeout: received -1 s"):
        await probe.ask("WaitOperation", name, timeout=Duration(seconds=-1))


async def test_news_come_as_the_work_goes_on_and_end_with_it(probe: Probe) -> None:
    name, claim = probe.begin()
    fractions = iter([0.25, 0.5])
    stub, news = jobs_pb2_grpc.JobServiceStub(probe.channel), []
    async for each in stub.WatchJob(jobs_pb2.WatchJobRequest(name=name), timeout=20):
        news.append(each)
        if not each.done:  # the next step is taken once the one before was told
            fraction = next(fractions, None)
            if fraction is None:
                probe.claims.succeed(claim, packed())
            else:
                probe.claims.renew(claim, fraction, "counting")
    assert states(news) == ["RUNNING"] * 3 + ["SUCCEEDED"]
    assert [each.metadata.progress.fraction for each in news[:3]] == [0, 0.25, 0.5]
    assert [each.done for each in news] == [False, False, False, True]


async def test_news_of_work_that_has_ended_are_one(probe: Probe) -> None:
    name = operation_name(probe.submit())
    await probe.ask("CancelOperation", name)
    assert states(await probe.ask("WatchJob", name)) == ["CANCELLED"]


async def test_news_end_in_good_order_before_the_deadline(probe: Probe) -> None:
    name, _ = probe.begin()
    assert states(await probe.ask("WatchJob", name, limit=0.4)) == ["RUNNING"]


async def test_a_server_that_stops_waits_for_no_work(probe: Probe) -> None:
    name, _ = probe.begin()
    following = [asyncio.ensure_future(probe.ask(method, name)) for method in ("WaitOperation", "WatchJob")]
    await asyncio.sleep(0.2)
    async with asyncio.timeout(1):
        await probe.server.stop()
        operation, news = await asyncio.gather(*following)
    assert not operation.done
    assert states(news) == ["RUNNING"]


async def test_who_waits_long_asks_the_database_seldom(probe: Probe, monkeypatch: pytest.MonkeyPatch) -> None:
    name, _ = probe.begin()
    reads, get = [], probe.store.get

    def counted(*arguments: Any) -> Job:
        reads.append(time.monotonic())
        return get(*arguments)

    monkeypatch.setattr(probe.store, "get", counted)
    await probe.ask("WaitOperation", name, timeout=Duration(seconds=1, nanos=500_000_000))
    assert len(reads) <= 16  # ten in the first second, then one after each tenth of the time waited
    assert min(later - earlier for earlier, later in pairwise(reads[:-1])) > 0.09
