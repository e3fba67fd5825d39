"""Long work of the assimilation service, whose result is a report."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any, Generic, TypeVar

from google.protobuf.message import Message

from tellurion_client.operations import Operation, OperationStatus
from tellurion_core.errors import InvalidInput

if TYPE_CHECKING:
    from tellurion_client.client import Client
    from tellurion_client.ocean import Progress

SERVICE = "assimilation"
R = TypeVar("R")


class ReportOperation(Generic[R]):
    """Work that goes on when the client is gone; its name finds it again."""

    def __init__(self, client: Client, name: str, kind: type[Message], read: Callable[[Any], R]) -> None:
        if not name.startswith(f"{SERVICE}/"):
            raise InvalidInput.of("name", received=name or "nothing", accepted=f"{SERVICE}/operations/<id>")
        self.operation = Operation(client, name)
        """What is known of any long work: how it stands, waiting for it, deleting it."""
        self._kind = kind
        self._read = read

    @property
    def name(self) -> str:
        """Name of its operation."""
        return self.operation.name

    def watch(self, *, timeout: float | None = None) -> Iterator[OperationStatus]:
        """How it stands: see `Operation.watch`."""
        return self.operation.watch(timeout=timeout)

    def cancel(self, *, timeout: float | None = None) -> None:
        """Asks that it be cancelled: see `Operation.cancel`."""
        self.operation.cancel(timeout=timeout)

    def result(self, *, progress: Progress | None = None, timeout: float | None = None) -> R:
        """The report, once it has ended.

        Raises:
            TellurionError: what it FAILED of, in the kind that the service raised; Cancelled where it was.
            NotFound: there is no such operation.
            DeadlineExceeded: it has not ended within `timeout` seconds; it goes on.
            DataCorrupted: the service answers another kind of result.
            Unavailable: the service cannot be reached or started.
        """
        return self._read(self.operation.result(self._kind, progress=progress, timeout=timeout))
