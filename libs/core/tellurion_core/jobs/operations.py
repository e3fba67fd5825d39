"""The jobs of one service as google.longrunning operations, and news of them by tellurion.jobs.v1.

The name of an operation is `<service>/operations/<job id>`; the job id is the store's. Waiting and watching read the
job's row again after a tenth of the time waited so far, 0.1 s at least and 1 s at most: whoever waits hears of the end
at most a tenth late, and costs one read by primary key a second in the long run.
"""

from __future__ import annotations

import asyncio
import re
import time
from collections.abc import AsyncIterator, Collection
from contextlib import suppress
from typing import Any

from google.longrunning import operations_pb2, operations_pb2_grpc
from google.protobuf import duration_pb2, empty_pb2
from google.rpc import code_pb2

from tellurion.common.v1 import progress_pb2
from tellurion.jobs.v1 import jobs_pb2, jobs_pb2_grpc
from tellurion_core.call import answering
from tellurion_core.errors import InvalidInput, NotFound
from tellurion_core.jobs.store import JobStore
from tellurion_core.jobs.table import Job, State
from tellurion_core.server import Service

Context = Any

PAGE_SIZE = 100
"""Operations on a page where none is asked for."""
MAX_PAGE_SIZE = 1000
"""Most operations on a page; who asks for more gets these."""
ANSWER_SECONDS = 0.1
"""Kept back from a deadline, to answer before it."""

_CLAUSE = re.compile(r'(kind|state)\s*=\s*(?:"([\w.]+)"|([\w.]+))')
_AND = re.compile(r"\s+AND\s+")
_MAX_FILTER = 300


class OperationsServicer(operations_pb2_grpc.OperationsServicer, jobs_pb2_grpc.JobServiceServicer):  # type: ignore[misc]
    """Answers google.longrunning.Operations and tellurion.jobs.v1.JobService for the jobs of one service."""

    def __init__(self, service: str, store: JobStore, kinds: Collection[str]) -> None:
        self._service = service
        self._store = store
        self._kinds = frozenset(kinds)
        self._ending = asyncio.Event()

    async def GetOperation(  # noqa: N802
        self, request: operations_pb2.GetOperationRequest, context: Context
    ) -> operations_pb2.Operation:
        """How an operation stands."""
        return operation(await self._job(request.name))

    async def ListOperations(  # noqa: N802
        self, request: operations_pb2.ListOperationsRequest, context: Context
    ) -> operations_pb2.ListOperationsResponse:
        """The tenant's operations, a page at a time, newest first."""
        if request.name != self._service:
            raise InvalidInput.of("name", received=request.name or "nothing", accepted=self._service)
        if request.page_size < 0:
            accepted = f"0 to {MAX_PAGE_SIZE}, 0 for {PAGE_SIZE}"
            raise InvalidInput.of("page_size", received=request.page_size, accepted=accepted)
        kind, state = self._filter(request.filter)
        jobs, next_token = await asyncio.to_thread(
            self._store.list,
            answering().identity.tenant,
            kinds=self._kinds if kind is None else [kind],
            state=state,
            page_size=min(request.page_size or PAGE_SIZE, MAX_PAGE_SIZE),
            page_token=request.page_token,
        )
        operations = [operation(job) for job in jobs]
        return operations_pb2.ListOperationsResponse(operations=operations, next_page_token=next_token)

    async def WaitOperation(  # noqa: N802
        self, request: operations_pb2.WaitOperationRequest, context: Context
    ) -> operations_pb2.Operation:
        """How an operation stands when it has ended, or when the timeout or the call's deadline comes first."""
        until = _end_of_call()
        if request.HasField("timeout"):
            until = min(until, time.monotonic() + _seconds(request.timeout))
        async for job in self._read_again(request.name, until):
            latest = job
        return operation(latest)

    async def WatchJob(  # noqa: N802
        self, request: jobs_pb2.WatchJobRequest, context: Context
    ) -> AsyncIterator[jobs_pb2.WatchJobResponse]:
        """How an operation stands, whenever that has changed, until it has ended or the call's deadline is near."""
        latest = None
        async for job in self._read_again(request.name, _end_of_call()):
            news = jobs_pb2.WatchJobResponse(metadata=metadata(job), done=job.state.ended)
            if news != latest:
                yield news
                latest = news

    async def CancelOperation(  # noqa: N802
        self, request: operations_pb2.CancelOperationRequest, context: Context
    ) -> empty_pb2.Empty:
        """Asks that an operation be cancelled; it has ended within a second or so."""
        job = await self._job(request.name)
        await asyncio.to_thread(self._store.cancel, job.tenant, job.id)
        return empty_pb2.Empty()

    async def DeleteOperation(  # noqa: N802
        self, request: operations_pb2.DeleteOperationRequest, context: Context
    ) -> empty_pb2.Empty:
        """Forgets an operation that has ended."""
        job = await self._job(request.name)
        await asyncio.to_thread(self._store.delete, job.tenant, job.id)
        return empty_pb2.Empty()

    async def drain(self) -> None:
        """Answers all that wait, as things stand: a server that stops does not wait for jobs."""
        self._ending.set()

    async def _job(self, name: str) -> Job:
        """The caller's job of this name.

        Raises:
            InvalidInput: no operation of this service can have the name.
            NotFound: the tenant has no such operation.
        """
        named = re.fullmatch(rf"{self._service}/operations/([0-9a-f]{{32}})", name)
        if named is None:
            accepted = f"{self._service}/operations/<id>, as it was answered when the work was submitted"
            raise InvalidInput.of("name", received=name or "nothing", accepted=accepted)
        with suppress(NotFound):
            job = await asyncio.to_thread(self._store.get, answering().identity.tenant, named[1])
            if job.kind in self._kinds:
                return job
        raise NotFound(f"there is no operation {name}")

    async def _read_again(self, name: str, until: float) -> AsyncIterator[Job]:
        """The job, again and again, until it has ended, the moment has come, or the server stops."""
        began = time.monotonic()
        while True:
            job = await self._job(name)
            yield job
            now = time.monotonic()
            if job.state.ended or now >= until or self._ending.is_set():
                return
            pause = min(max((now - began) / 10, 0.1), 1.0, until - now)
            with suppress(TimeoutError):
                async with asyncio.timeout(pause):
                    await self._ending.wait()

    def _filter(self, text: str) -> tuple[str | None, State | None]:
        """The kind and the state that a filter asks for."""
        # What is too long is not looked at: splitting takes a time that grows with the square of its blanks.
        too_long = len(text) > _MAX_FILTER
        stripped = "" if too_long else text.strip()
        clauses = [_CLAUSE.fullmatch(part) for part in _AND.split(stripped)] if stripped else []
        asked = {clause[1]: clause[2] or clause[3] for clause in clauses if clause is not None}
        kind, state = asked.get("kind"), asked.get("state")
        known = (kind is None or kind in self._kinds) and (state is None or state in State.__members__)
        if too_long or len(asked) < len(clauses) or not known:
            kinds, states = " or ".join(sorted(self._kinds)), ", ".join(State.__members__)
            accepted = f"kind = {kinds}, state = one of {states}, or both joined by AND"
            raise InvalidInput.of("filter", received=text, accepted=accepted)
        return kind, None if state is None else State[state]


def services(service: str, store: JobStore, kinds: Collection[str]) -> list[Service]:
    """The gRPC services by which a service's jobs of these kinds are followed; it serves them beside its own."""
    servicer = OperationsServicer(service, store, kinds)
    add_operations = operations_pb2_grpc.add_OperationsServicer_to_server
    add_jobs = jobs_pb2_grpc.add_JobServiceServicer_to_server
    return [
        Service(
            "google.longrunning.Operations", add_operations, servicer, drain=servicer.drain, metrics=store.in_progress
        ),
        Service("tellurion.jobs.v1.JobService", add_jobs, servicer),
    ]


def operation_name(job: Job) -> str:
    """The name under which a job is known: what a submission answers."""
    return f"{job.service}/operations/{job.id}"


def operation(job: Job) -> operations_pb2.Operation:
    """A job as an operation."""
    wire = operations_pb2.Operation(name=operation_name(job), done=job.state.ended)
    wire.metadata.Pack(metadata(job))
    if job.state is State.SUCCEEDED:
        wire.response.MergeFromString(job.result)
    elif job.state is State.CANCELLED:
        wire.error.code, wire.error.message = code_pb2.CANCELLED, "cancelled"
    elif job.state.ended:
        wire.error.MergeFromString(job.error)
    return wire


def metadata(job: Job) -> jobs_pb2.JobMetadata:
    """What is told of a job while it runs, and after."""
    told = jobs_pb2.JobMetadata(
        kind=job.kind,
        state=jobs_pb2.State.Value(f"STATE_{job.state.name}"),
        progress=progress_pb2.Progress(fraction=job.fraction, message=job.message),
        attempt=job.attempt,
        request_id=job.request_id,
    )
    for moment in ("created", "started", "finished"):
        seconds = getattr(job, moment)
        if seconds is not None:
            getattr(told, moment).FromMicroseconds(round(seconds * 1e6))
    return told


def _end_of_call() -> float:
    """The moment on `time.monotonic` by which the call must be answered."""
    return answering().deadline - ANSWER_SECONDS


def _seconds(timeout: duration_pb2.Duration) -> float:
    seconds = timeout.seconds + timeout.nanos / 1e9
    if seconds < 0:
        raise InvalidInput.of("timeout", received=f"{seconds:g} s", accepted="0 s or more")
    return seconds
