"""One evaluation of a model on a benchmark: waiting for its report, and its files."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any

from tellurion.benchmark.v1 import benchmark_pb2, benchmark_pb2_grpc
from tellurion_client.artifacts import ArtifactsClient
from tellurion_client.benchmark_results import Report
from tellurion_client.operations import Operation
from tellurion_client.options import check_timeout
from tellurion_core.call import call_metadata
from tellurion_core.errors import DataCorrupted, InvalidInput

if TYPE_CHECKING:
    from tellurion_client.client import Client
    from tellurion_client.ocean import Progress

SERVICE = "benchmark"
REPORT, ITEMS, DESIGN, PREDICTIONS = "report.json", "items.jsonl", "design.jsonl", "predictions.jsonl"
RUN = "run.json"
FILES = (PREDICTIONS, ITEMS, DESIGN, RUN, "report.html", REPORT)
"""What comes of an evaluation: what the model answered, what each item is worth and what comparisons know of it, what
differs between two runs, a page for a person, and the figures; these last, so that where they are all is there.
"""


class Evaluation:
    """An evaluation that was submitted; it goes on when the client is gone, and its name finds it again."""

    def __init__(self, client: Client, operation: Operation) -> None:
        self.operation = operation
        """What is known of any long work: how it stands, waiting for it, cancelling it."""
        self._client = client
        self._result: benchmark_pb2.EvaluationResult | None = None

    @property
    def name(self) -> str:
        """Name of its operation."""
        return self.operation.name

    def report(self, *, progress: Progress | None = None, timeout: float | None = None) -> Report:
        """Its figures, once it has ended.

        Raises:
            TellurionError: what it FAILED of, in the kind that the service raised; Cancelled where it was.
            NotFound, DeadlineExceeded, Unavailable: as for `Operation.watch`.
        """
        status = self.operation.wait(progress=progress, timeout=timeout)
        if status.error is not None:
            raise status.error
        return Report.of(self.result().report)

    def download(self, folder: Path, *, report: str = REPORT, timeout: float | None = None) -> tuple[Path, ...]:
        """Writes report.json, under another name where `report` is one, and the other FILES beside.

        All are written, in place of what was there, or none; predictions.jsonl only where a model was asked. The folder
        is made where it is not there. `timeout` is how many seconds each file may take.

        Raises:
            InvalidInput: the folder cannot be made or written.
            Conflict: the evaluation has not succeeded.
            NotFound: there is no such evaluation any more.
            DataCorrupted: there is no report among its files.
            DeadlineExceeded, Unavailable: as for `Operation.get`.
        """
        files = self.result(timeout=timeout).files
        if not {REPORT, ITEMS} <= set(files):
            raise DataCorrupted(f"{self.name} has the files {', '.join(sorted(files)) or 'none'}")
        artifacts = ArtifactsClient(self._client, SERVICE)
        targets = {name: folder / (report if name == REPORT else name) for name in FILES if name in files}
        with _staging(folder) as staged:
            for name in targets:
                artifacts.download(files[name], staged / name, timeout=timeout)
            return tuple((staged / name).replace(target) for name, target in targets.items())

    def result(self, *, timeout: float | None = None) -> benchmark_pb2.EvaluationResult:
        """What the service answers of it, once it has succeeded.

        Raises:
            Conflict, NotFound, DeadlineExceeded, Unavailable: as for `download`.
        """
        if self._result is None:
            request = benchmark_pb2.GetReportRequest(operation=self.name)
            self._result = asked(self._client, "GetReport", request, timeout).result
        return self._result


def asked(client: Client, method: str, request: Any, timeout: float | None) -> Any:
    """The answer of the benchmark service."""
    check_timeout(timeout)
    with client.calling(SERVICE):
        stub = benchmark_pb2_grpc.BenchmarkServiceStub(client.channel(SERVICE))
        return getattr(stub, method)(request, timeout=timeout, metadata=call_metadata())


@contextmanager
def _staging(folder: Path) -> Iterator[Path]:
    """A folder out of sight inside `folder`, which is made for it, and goes again where the block fails."""
    made = not folder.exists()
    try:
        if made:
            folder.mkdir()
        with TemporaryDirectory(prefix=".tellurion-", dir=folder) as staged:
            yield Path(staged)
    except OSError as error:
        received = f"{error.strerror}: {folder}"
        raise InvalidInput.of("output", received=received, accepted="a folder that can be written") from error
    finally:
        if made and folder.is_dir() and not any(folder.iterdir()):
            folder.rmdir()
