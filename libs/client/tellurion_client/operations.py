"""Long work that a service does: how it stands, what comes of it, and how it is cancelled."""

from __future__ import annotations

import math
import re
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, TypeVar

from google.longrunning import operations_pb2, operations_pb2_grpc
from google.protobuf.message import Message

from tellurion.jobs.v1 import jobs_pb2, jobs_pb2_grpc
from tellurion_client.options import check_timeout
from tellurion_core.call import call_metadata
from tellurion_core.errors import DataCorrupted, DeadlineExceeded, InvalidInput, TellurionError, Unavailable
from tellurion_core.status import from_status

if TYPE_CHECKING:
    from tellurion_client.client import Client
    from tellurion_client.ocean import Progress

SILENCE_SECONDS = 60.0
"""How long a service may be away while its work is watched: it is started again meanwhile."""
RETRY_SECONDS = 0.5
"""After how long it is asked again."""
LOOK_SECONDS = 5.0
"""After how long a watched platform is looked at: whether what does the work is there."""

CANCEL_SECONDS = 5.0
"""How long it may take to cancel work whose result nobody waits for any more."""

M = TypeVar("M", bound=Message)


@dataclass(frozen=True)
class OperationStatus:
    """How long work stands."""

    name: str
    """Its name: ``benchmark/operations/<id>``."""
    kind: str
    """What it is: ``benchmark.evaluation``."""
    state: str
    """QUEUED, RUNNING, SUCCEEDED, FAILED, CANCELLED or DEAD."""
    fraction: float
    """Part that is done, 0 to 1."""
    message: str
    """What is being done, in a few words."""
    attempt: int
    """How many times it was begun."""
    request_id: str
    """The id that it was submitted under."""
    created: datetime
    """When it was submitted, UTC."""
    started: datetime | None
    """When it was first begun, UTC."""
    finished: datetime | None
    """When it ended, UTC; None before."""
    error: TellurionError | None
    """Why it FAILED, was CANCELLED or is DEAD."""

    @classmethod
    def of(cls, operation: operations_pb2.Operation) -> OperationStatus:
        """What an operation says of itself."""
        metadata = jobs_pb2.JobMetadata()
        if not operation.metadata.Unpack(metadata):
            raise DataCorrupted(f"{operation.name} does not say how it stands")
        error = from_status(operation.error) if operation.HasField("error") else None
        return cls.told(operation.name, metadata, error)

    @classmethod
    def told(cls, name: str, metadata: jobs_pb2.JobMetadata, error: TellurionError | None = None) -> OperationStatus:
        """What the metadata of an operation say."""
        return cls(
            name=name,
            kind=metadata.kind,
            state=jobs_pb2.State.Name(metadata.state).removeprefix("STATE_"),
            fraction=metadata.progress.fraction,
            message=metadata.progress.message,
            attempt=metadata.attempt,
            request_id=metadata.request_id,
            created=metadata.created.ToDatetime(UTC),
            started=metadata.started.ToDatetime(UTC) if metadata.HasField("started") else None,
            finished=metadata.finished.ToDatetime(UTC) if metadata.HasField("finished") else None,
            error=error,
        )

    @property
    def done(self) -> bool:
        """Whether it has ended, well or not."""
        return self.finished is not None


class Operation:
    """Long work of a service; the name is all that must be kept to find it again."""

    def __init__(self, client: Client, name: str) -> None:
        if not re.fullmatch(r"[a-z][a-z0-9-]*/operations/[0-9a-f]{32}", name):
            accepted = "<service>/operations/<id>, as it was answered when the work was submitted"
            raise InvalidInput.of("name", received=name or "nothing", accepted=accepted)
        self.name = name
        self._client = client
        self._service = name.partition("/")[0]

    def get(self, *, timeout: float | None = None) -> OperationStatus:
        """How it stands.

        Raises:
            NotFound: the tenant has no such operation.
            DeadlineExceeded: no answer within `timeout` seconds.
            Unavailable: the service cannot be reached or started.
        """
        return OperationStatus.of(self._get(timeout))

    def watch(self, *, timeout: float | None = None) -> Iterator[OperationStatus]:
        """How it stands: now, then whenever that has changed, until it has ended.

        A service that is away for less than a minute, because it is started again, is not noticed; an embedded one
        must have answered before. Embedded, the work is done while it is watched.

        Raises:
            NotFound: the tenant has no such operation.
            DeadlineExceeded: it has not ended within `timeout` seconds; it goes on.
            Unavailable: the service cannot be reached or started.
        """
        for status, _ in self._followed(timeout):
            yield status

    def _waited(
        self, progress: Progress | None, timeout: float | None
    ) -> tuple[OperationStatus, operations_pb2.Operation]:
        """The last of the news."""
        for news in self._followed(timeout):
            if progress is not None:
                progress(news[0].fraction, news[0].message)
        return news

    def _followed(self, timeout: float | None) -> Iterator[tuple[OperationStatus, operations_pb2.Operation]]:
        """See `watch`; with the last of the news comes the operation as it ended, with those before an empty one."""
        check_timeout(timeout)
        self._client.channel(self._service)  # where the platform has no such service, there is nothing to wait for
        end = math.inf if timeout is None else time.monotonic() + timeout
        latest: OperationStatus | None = None
        # Embedded, this client starts the service: one that never answered is not being started again.
        silent_since = math.inf if self._client.lasting else -math.inf
        while latest is None or not latest.done:
            self._client.keep_working(self._service)
            began = time.monotonic()
            try:
                for status, operation in self._news(min(end, began + LOOK_SECONDS)):
                    silent_since = math.inf
                    if status != latest:
                        latest = status
                        yield status, operation
                    if status.done:
                        return
            except Unavailable:
                silent_since = min(silent_since, time.monotonic())
                if time.monotonic() - silent_since > SILENCE_SECONDS:
                    raise
            except DeadlineExceeded:
                pass  # ours is looked at below; another's says nothing of the work
            if time.monotonic() + RETRY_SECONDS > end:
                raise DeadlineExceeded(f"{self.name} has not ended within {timeout:g} s")
            time.sleep(max(began + RETRY_SECONDS - time.monotonic(), 0))

    def wait(self, *, progress: Progress | None = None, timeout: float | None = None) -> OperationStatus:
        """How it stands once it has ended, well or not.

        Raises:
            NotFound, DeadlineExceeded, Unavailable: as for `watch`.
        """
        return self._waited(progress, timeout)[0]

    def result(self, kind: type[M], *, progress: Progress | None = None, timeout: float | None = None) -> M:
        """What came of it, once it has ended.

        Raises:
            TellurionError: what it FAILED of, in the kind that the service raised; Cancelled where it was.
            DataCorrupted: what came of it is not of this kind.
            NotFound, DeadlineExceeded, Unavailable: as for `watch`.
        """
        _, operation = self._waited(progress, timeout)
        if operation.HasField("error"):
            raise from_status(operation.error)
        message = kind()
        if not operation.response.Unpack(message):
            received = operation.response.type_url.rpartition("/")[2] or "nothing"
            raise DataCorrupted(f"{self.name} answered {received}, not {kind.DESCRIPTOR.full_name}")
        return message

    def cancel(self, *, timeout: float | None = None) -> None:
        """Asks that it be cancelled: it ends within a second or so. One that has ended stays as it is.

        Raises:
            NotFound, DeadlineExceeded, Unavailable: as for `get`.
        """
        self._ask("CancelOperation", operations_pb2.CancelOperationRequest(name=self.name), timeout)

    def delete(self, *, timeout: float | None = None) -> None:
        """Forgets it, once it has ended; files that came of it are kept until they expire.

        Raises:
            Conflict: it has not ended.
            NotFound, DeadlineExceeded, Unavailable: as for `get`.
        """
        self._ask("DeleteOperation", operations_pb2.DeleteOperationRequest(name=self.name), timeout)

    def _get(self, timeout: float | None) -> operations_pb2.Operation:
        request = operations_pb2.GetOperationRequest(name=self.name)
        operation: operations_pb2.Operation = self._ask("GetOperation", request, timeout)
        return operation

    def _ask(self, method: str, request: Message, timeout: float | None) -> Any:
        check_timeout(timeout)
        return _asked(self._client, self._service, method, request, timeout)

    def _news(self, end: float) -> Iterator[tuple[OperationStatus, operations_pb2.Operation]]:
        """One stream of news; the service ends it when the work has ended, a little before `end`, or when it stops."""
        request = jobs_pb2.WatchJobRequest(name=self.name)
        timeout = None if end == math.inf else max(end - time.monotonic(), 0.001)
        with self._client.calling(self._service):
            stub = jobs_pb2_grpc.JobServiceStub(self._client.channel(self._service))
            call = stub.WatchJob(request, timeout=timeout, metadata=call_metadata())
            done = False
            try:
                for news in call:  # to its end: a call that is cancelled keeps its connection until it is collected
                    done = news.done
                    if not done:
                        yield OperationStatus.told(self.name, news.metadata), operations_pb2.Operation()
            finally:
                call.cancel()
            if done:
                operation = self._get(None)
                yield OperationStatus.of(operation), operation


class OperationsClient:
    """Finds long work again. Got from `Client.operations`."""

    def __init__(self, client: Client) -> None:
        self._client = client

    def named(self, name: str) -> Operation:
        """The operation of this name; nothing is asked yet.

        Raises:
            InvalidInput: no operation can have the name.
        """
        return Operation(self._client, name)

    def list(self, service: str, *, matching: str = "", timeout: float | None = None) -> Iterator[OperationStatus]:
        """The tenant's operations on a service, newest first, asked for page by page as they are taken.

        `matching` is a filter: `state = RUNNING`, `kind = benchmark.evaluation`, or both joined by AND.

        Raises:
            InvalidInput: a filter that cannot be used; what is accepted stands in the error.
            DeadlineExceeded: a page was not answered within `timeout` seconds.
            Unavailable: the service cannot be reached or started.
        """
        check_timeout(timeout)
        request = operations_pb2.ListOperationsRequest(name=service, filter=matching)
        while True:
            page = _asked(self._client, service, "ListOperations", request, timeout)
            yield from map(OperationStatus.of, page.operations)
            if not page.next_page_token:
                return
            request.page_token = page.next_page_token


@contextmanager
def cancelled_if_left(cancel: Callable[..., None]) -> Iterator[None]:
    """Waiting for work that nobody wants once the waiting has ended early, as by Ctrl-C: `cancel` is then called."""
    try:
        yield
    except BaseException:
        with suppress(TellurionError):
            cancel(timeout=CANCEL_SECONDS)
        raise


def _asked(client: Client, service: str, method: str, request: Any, timeout: float | None) -> Any:
    """The answer of a service's google.longrunning.Operations."""
    with client.calling(service):
        stub = operations_pb2_grpc.OperationsStub(client.channel(service))
        return getattr(stub, method)(request, timeout=timeout, metadata=call_metadata())
