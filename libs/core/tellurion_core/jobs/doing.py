"""Does a job in the process of its attempt, and tells its worker how it goes and how it ended."""

from __future__ import annotations

import threading
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import structlog
from google.protobuf import any_pb2

from tellurion_core.artifacts import ArtifactStore
from tellurion_core.errors import ResourceExhausted, TellurionError
from tellurion_core.jobs.frames import DIED, ERROR, PROGRESS, RESULT, progress_frame, write_frame
from tellurion_core.jobs.given import Given
from tellurion_core.jobs.running import MAX_RESULT_BYTES, RunningJob, error_status, job_function
from tellurion_core.progress import Progress
from tellurion_core.settings import TelemetrySettings, load
from tellurion_core.telemetry import configure_logs

NEWS_SECONDS = 0.1
"""Shortest time between two frames of progress."""


def do(given: Given, body: bytes, pipe: int, *, cancelled: Callable[[], bool]) -> None:
    """Does the job, and writes into the pipe: its progress, then one frame that says how it ended."""
    configure_logs(load(TelemetrySettings).log_level, "jobs")
    log = structlog.get_logger().bind(job=given.id, kind=given.kind, tenant=given.tenant, attempt=given.attempt)
    try:
        with _told(pipe) as progress:
            what, content = RESULT, _result(given, body, cancelled, progress)
    except TellurionError as error:
        what, content = ERROR, error_status(error).SerializeToString()
    except BaseException:  # SystemExit and the like among them
        # The traceback is for the log; the caller gets a number to ask by.
        error_id = uuid.uuid4().hex
        log.exception("the job raised an error that is not of our tree", error_id=error_id)
        what, content = DIED, error_id.encode()
    write_frame(pipe, what, content)


def _result(given: Given, body: bytes, cancelled: Callable[[], bool], progress: Progress) -> bytes:
    """What the function answers, a serialised `Any`."""
    job = RunningJob(
        id=given.id,
        tenant=given.tenant,
        subject=given.subject,
        request_id=given.request_id,
        attempt=given.attempt,
        folder=Path(given.folder),
        artifacts=ArtifactStore(Path(given.artifacts)),
        cancelled=cancelled,
        progress=progress,
    )
    message = job_function(given.kind)(any_pb2.Any.FromString(body), job)
    packed = any_pb2.Any()
    packed.Pack(message, deterministic=True)
    result = packed.SerializeToString()
    if len(result) > MAX_RESULT_BYTES:
        raise ResourceExhausted(f"the result has {len(result)} bytes; at most {MAX_RESULT_BYTES} can be answered")
    return result


@contextmanager
def _told(pipe: int) -> Iterator[Progress]:
    """Takes progress as often as it comes; a thread tells the newest of it, and has ended when the block ends."""
    newest: list[tuple[float, str]] = []
    news, ended = threading.Event(), threading.Event()

    def progress(fraction: float, message: str) -> None:
        newest[:] = [(float(fraction), str(message)[:1000])]
        news.set()

    def tell() -> None:
        while news.wait() and not ended.is_set():
            news.clear()
            if newest:
                write_frame(pipe, PROGRESS, progress_frame(*newest.pop()))
            ended.wait(NEWS_SECONDS)

    teller = threading.Thread(target=tell, name="progress", daemon=True)
    teller.start()
    try:
        yield progress
    finally:
        ended.set()
        news.set()
        teller.join()
