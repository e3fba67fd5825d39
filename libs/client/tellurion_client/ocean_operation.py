"""A reconstruction that was submitted to the ocean service as long work."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

from tellurion.ocean.v1 import ocean_pb2
from tellurion_client.artifacts import ArtifactsClient
from tellurion_client.ocean_wire import Reconstruction, read_result
from tellurion_client.operations import Operation, OperationStatus
from tellurion_client.options import countdown
from tellurion_core.errors import InvalidInput

if TYPE_CHECKING:
    from tellurion_client.client import Client
    from tellurion_client.ocean import Progress

SERVICE = "ocean"


class ReconstructionOperation:
    """A reconstruction that goes on when the client is gone; its name finds it again."""

    def __init__(self, client: Client, name: str) -> None:
        if not name.startswith(f"{SERVICE}/"):
            raise InvalidInput.of("name", received=name or "nothing", accepted=f"{SERVICE}/operations/<id>")
        self.operation = Operation(client, name)
        """What is known of any long work: how it stands, waiting for it, deleting it."""
        self._client = client

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

    def result(self, *, progress: Progress | None = None, timeout: float | None = None) -> Reconstruction:
        """What `reconstruct` would have answered, once it has ended.

        Raises:
            TellurionError: what it FAILED of, in the kind that the service raised; Cancelled where it was.
            NotFound: there is no such operation, or its analysis is no longer kept.
            DeadlineExceeded: it has not ended, or its analysis not arrived, within `timeout` seconds; it goes on.
            DataCorrupted: the service answers another kind of result, or damaged bytes.
            Unavailable: the service cannot be reached or started.
        """
        left = countdown(timeout)
        answered = self.operation.result(ocean_pb2.ReconstructionResult, progress=progress, timeout=timeout)
        with TemporaryDirectory(prefix="tellurion-") as folder:
            file = Path(folder) / "analysis.nc"
            ArtifactsClient(self._client, SERVICE).download(answered.analysis, file, timeout=left())
            return read_result(file, answered.report)
