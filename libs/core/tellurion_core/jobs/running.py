"""What does the work of a job, and what it is given.

A service names its functions in the entry-point group `tellurion.jobs`, by the kind of job that each does:

    [project.entry-points."tellurion.jobs"]
    "benchmark.evaluation" = "tellurion_benchmark.evaluation:evaluate"
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from importlib.metadata import entry_points
from pathlib import Path

from google.protobuf import any_pb2
from google.protobuf.message import Message
from google.rpc import status_pb2

from tellurion_core.artifacts import ArtifactStore
from tellurion_core.errors import TellurionError
from tellurion_core.progress import Progress
from tellurion_core.status import to_status

GROUP = "tellurion.jobs"
"""Entry-point group in which a service's distribution names its job functions."""
MAX_RESULT_BYTES = 2 << 20
"""Largest result of a job: an operation travels in one message. What is larger is an artifact, which a result names."""
MAX_ERROR_MESSAGE = 10_000
"""Characters that are kept of an error's message where the error is larger than a result may be."""


@dataclass(frozen=True, kw_only=True)
class RunningJob:
    """The job that a function does, for the length of one attempt."""

    id: str
    """32 hexadecimal digits."""
    tenant: str
    """Whose it is: what it reads and stores is this tenant's."""
    subject: str
    """Who submitted it, inside the tenant."""
    request_id: str
    """The id that it was submitted under."""
    attempt: int
    """1 for the first attempt, and so on."""
    folder: Path
    """For what later attempts can use; all attempts have the same folder, and it goes when the job is forgotten."""
    artifacts: ArtifactStore
    """Files that came with the job, and that go out of it."""
    cancelled: Callable[[], bool]
    """Whether to stop now, by raising Cancelled; asked often, it costs nothing. Who does not stop is killed."""
    progress: Progress
    """Tells the part of the work that is done, 0 to 1, and what is being done now; called often, it costs nothing."""


JobFunction = Callable[[any_pb2.Any, RunningJob], Message]
"""Does a job: its body, and what is known of it; answers the result.

An error of our tree that it raises ends the job as FAILED with that error; Unavailable has it tried again first. Any
other error, and the death of the process, counts as an attempt, and the job is DEAD after the last. A function may be
killed at any moment and begun again: what it keeps in `folder` it writes so that a later attempt can go on from it.
"""


def job_kinds() -> list[str]:
    """The kinds of job that the distributions installed here can do."""
    return sorted({entry.name for entry in entry_points(group=GROUP)})


def job_function(kind: str) -> JobFunction:
    """The function that does jobs of this kind."""
    function: JobFunction = entry_points(group=GROUP)[kind].load()
    return function


def error_status(error: TellurionError) -> status_pb2.Status:
    """The error of a job, as a status no larger than a result may be."""
    status = to_status(error)
    if status.ByteSize() > MAX_RESULT_BYTES:
        status.message = status.message[:MAX_ERROR_MESSAGE]
        del status.details[1:]  # the first is the reason
    return status
