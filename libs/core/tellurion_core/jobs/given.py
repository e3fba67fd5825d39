"""What a worker gives to the process of an attempt: a line of JSON in a file, and the job's body after it."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from json import dumps, loads
from typing import IO


@dataclass(frozen=True, kw_only=True)
class Given:
    """What is to be done, and with what."""

    id: str
    """The job, and so on: as in `RunningJob`."""
    tenant: str
    subject: str
    kind: str
    request_id: str
    attempt: int
    folder: str
    """Folder of all attempts of the job."""
    artifacts: str
    """Root of the artifact store."""
    since: float
    """Moment on `time.monotonic` from which the lease counts; the child is on the same machine."""
    silence_seconds: float
    """A worker is gone that has renewed nothing for so long."""

    def write(self, file: IO[bytes], body: bytes) -> None:
        """Writes it, and the job's body."""
        file.write(dumps(asdict(self)).encode() + b"\n" + body)

    @classmethod
    def read(cls, file: IO[bytes]) -> tuple[Given, bytes]:
        """What was written, and the body."""
        return cls(**loads(file.readline())), file.read()
