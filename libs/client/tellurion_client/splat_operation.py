"""A fit that was submitted to the splat service as long work."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import nullcontext
from pathlib import Path
from typing import TYPE_CHECKING

from tellurion.splat.v1 import splat_pb2
from tellurion_client.artifacts import ArtifactsClient
from tellurion_client.operations import Operation, OperationStatus, cancelled_if_left
from tellurion_client.options import countdown
from tellurion_client.splat_results import FitReport
from tellurion_core.errors import InvalidInput

if TYPE_CHECKING:
    from tellurion_client.client import Client
    from tellurion_client.ocean import Progress

SERVICE = "splat"
_PREVIEW = re.compile(r", preview ([0-9a-f]{64})$")


class FitOperation:
    """A fit that goes on when the client is gone; its name finds it again."""

    def __init__(self, client: Client, name: str) -> None:
        if not name.startswith(f"{SERVICE}/"):
            raise InvalidInput.of("name", received=name or "nothing", accepted=f"{SERVICE}/operations/<id>")
        self.operation = Operation(client, name)
        """What is known of any long work: how it stands, waiting for it, deleting it."""
        self._artifacts = ArtifactsClient(client, SERVICE)

    @property
    def name(self) -> str:
        """Name of its operation."""
        return self.operation.name

    def watch(self, *, timeout: float | None = None) -> Iterator[OperationStatus]:
        """How it stands: see `Operation.watch`; the message may end with the SHA-256 of a preview."""
        return self.operation.watch(timeout=timeout)

    def previews(self, *, timeout: float | None = None) -> Iterator[tuple[float, str]]:
        """What there is to see while it goes on: the part that is done, and the SHA-256 of a PNG; until it has ended.

        Raises:
            NotFound, DeadlineExceeded, Unavailable: as for `Operation.watch`.
        """
        latest = ""
        for status in self.watch(timeout=timeout):
            if (found := _PREVIEW.search(status.message)) is not None and found[1] != latest:
                latest = found[1]
                yield status.fraction, latest

    def cancel(self, *, timeout: float | None = None) -> None:
        """Asks that it be cancelled: see `Operation.cancel`."""
        self.operation.cancel(timeout=timeout)

    def result(self, *, progress: Progress | None = None, timeout: float | None = None) -> FitReport:
        """The report, once it has ended.

        Raises:
            TellurionError: what it FAILED of, in the kind that the service raised; Cancelled where it was.
            NotFound: there is no such operation.
            DeadlineExceeded: it has not ended within `timeout` seconds; it goes on.
            DataCorrupted: the service answers another kind of result.
            Unavailable: the service cannot be reached or started.
        """

        def told(fraction: float, message: str) -> None:
            if progress is not None:
                progress(fraction, _PREVIEW.sub("", message))

        return FitReport.of(self.operation.result(splat_pb2.FitReport, progress=told, timeout=timeout))

    def awaited(
        self, output: Path, *, progress: Progress | None = None, timeout: float | None = None, cancels: bool = False
    ) -> FitReport:
        """The report, once it has ended and its model is written to `output`.

        With `cancels` the fit is cancelled where the waiting ends early, as by Ctrl-C.

        Raises:
            InvalidInput: `output` cannot be written.
            TellurionError, NotFound, DeadlineExceeded, DataCorrupted, Unavailable: as for `result`.
        """
        left = countdown(timeout)
        with cancelled_if_left(self.cancel) if cancels else nullcontext():
            report = self.result(progress=progress, timeout=timeout)
        self.download(report.model, output, timeout=left())
        return report

    def download(self, sha256: str, path: Path, *, timeout: float | None = None) -> None:
        """Writes its model or a preview: see `ArtifactsClient.download`."""
        self._artifacts.download(sha256, path, timeout=timeout)
