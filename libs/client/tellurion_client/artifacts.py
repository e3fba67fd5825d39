"""Files that go to a service and come from it: each is known by the SHA-256 of its bytes, and sent once."""

from __future__ import annotations

import hashlib
import io
import mimetypes
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO

from tellurion.artifacts.v1 import artifacts_pb2, artifacts_pb2_grpc
from tellurion_client.options import check_timeout
from tellurion_core.call import call_metadata
from tellurion_core.errors import DataCorrupted, InvalidInput, shown
from tellurion_core.tensors import CHUNK_BYTES
from tellurion_core.whole_files import placed

if TYPE_CHECKING:
    from tellurion_client.client import Client
    from tellurion_client.ocean import Progress

FOUND_AT_ONCE = 1000
"""Files that one call asks for; the service accepts no more."""
SENT_AT_ONCE = 4
"""Files that are sent at once: each is answered only after a round trip and the service's disk."""
KEPT_LONG_ENOUGH = timedelta(days=7)
"""A stored file that is deleted sooner than this is sent again, so that work that uses it does not lose it."""


class ArtifactsClient:
    """Sends files to one service, and takes files from it."""

    def __init__(self, client: Client, service: str) -> None:
        self._client = client
        self._service = service

    def upload(
        self, files: Iterable[Path], *, progress: Progress | None = None, timeout: float | None = None
    ) -> dict[Path, str]:
        """Sends files that the service does not have yet, and returns the SHA-256 of each.

        `timeout` is how many seconds one file may take.

        Raises:
            InvalidInput: a file cannot be read.
            DataCorrupted: a file changed while it was sent.
            ResourceExhausted: a file is larger than the service takes, or its disk is full.
            DeadlineExceeded: a file was not stored within `timeout` seconds.
            Unavailable: the service cannot be reached or started.
        """
        check_timeout(timeout)
        sources = {path: _Source.of_file(path) for path in files}
        self._send_new(sources.values(), progress, timeout)
        return {path: source.sha256 for path, source in sources.items()}

    def upload_bytes(self, data: bytes, *, name: str, timeout: float | None = None) -> str:
        """Sends bytes that the service does not have yet as a file of this name, and returns their SHA-256.

        Raises:
            ResourceExhausted, DeadlineExceeded, Unavailable: as for `upload`.
        """
        check_timeout(timeout)
        source = _Source.of_bytes(name, data)
        self._send_new([source], None, timeout)
        return source.sha256

    def download(self, sha256: str, path: Path, *, timeout: float | None = None) -> None:
        """Writes a file that the service has to `path`, whole and verified or not at all.

        Raises:
            InvalidInput: `sha256` is none, or `path` cannot be written.
            NotFound: the tenant has no such file.
            DataCorrupted: the bytes are not those of this SHA-256.
            DeadlineExceeded: not received within `timeout` seconds.
            Unavailable: the service cannot be reached or started.
        """
        check_timeout(timeout)
        with _writable(path), placed(path) as place:
            digest = hashlib.sha256()
            with place.open("wb") as file:
                for chunk in self._received(sha256, timeout):
                    digest.update(chunk)
                    file.write(chunk)
            if digest.hexdigest() != sha256:
                raise DataCorrupted(f"bytes of SHA-256 {digest.hexdigest()} arrived for {sha256}")

    def _send_new(self, sources: Iterable[_Source], progress: Progress | None, timeout: float | None) -> None:
        """Sends those that are not stored, or not for long; bytes that several have are sent once."""
        by_id = {source.sha256: source for source in sources}
        ids, done = list(by_id), 0
        for start in range(0, len(ids), FOUND_AT_ONCE):
            batch = ids[start : start + FOUND_AT_ONCE]
            stored = self._stored(batch, timeout)
            done += len(stored)
            for _ in self._sent([by_id[sha256] for sha256 in batch if sha256 not in stored], timeout):
                done += 1
                if progress is not None:
                    progress(done / len(ids), f"{done} of {len(ids)} files")

    def _stored(self, ids: Sequence[str], timeout: float | None) -> set[str]:
        """Those of the files that the service has, and keeps for long enough."""
        with self._client.calling(self._service):
            request = artifacts_pb2.FindArtifactsRequest(ids=ids)
            answer = self._stub().FindArtifacts(request, timeout=timeout, metadata=call_metadata())
        soon = datetime.now(UTC) + KEPT_LONG_ENOUGH
        return {
            artifact.id
            for artifact in answer.artifacts
            if not artifact.HasField("expires") or artifact.expires.ToDatetime(UTC) > soon
        }

    def _sent(self, sources: Sequence[_Source], timeout: float | None) -> Iterator[str]:
        """Sends files, some at once; yields the SHA-256 of each when it is stored."""

        def send(source: _Source) -> str:
            with self._client.calling(self._service):
                call = self._stub().UploadArtifact(source.requests(), timeout=timeout, metadata=call_metadata())
            return str(call.artifact.id)

        threads = ThreadPoolExecutor(SENT_AT_ONCE)
        try:
            yield from threads.map(send, sources)
        finally:
            threads.shutdown(cancel_futures=True)  # where a file failed, those behind it are not sent

    def _received(self, sha256: str, timeout: float | None) -> Iterator[bytes]:
        """The bytes of a stored file."""
        with self._client.calling(self._service):
            request = artifacts_pb2.DownloadArtifactRequest(id=sha256)
            call = self._stub().DownloadArtifact(request, timeout=timeout, metadata=call_metadata())
            try:
                for response in call:
                    yield response.chunk
            finally:
                call.cancel()

    def _stub(self) -> artifacts_pb2_grpc.ArtifactServiceStub:
        return artifacts_pb2_grpc.ArtifactServiceStub(self._client.channel(self._service))


@dataclass(frozen=True)
class _Source:
    """What is to be sent."""

    name: str
    sha256: str
    size: int
    open: Callable[[], BinaryIO]

    @classmethod
    def of_file(cls, path: Path) -> _Source:
        """A file, read once to know its SHA-256."""
        try:
            with path.open("rb") as file:
                return cls(
                    path.name, hashlib.file_digest(file, "sha256").hexdigest(), file.tell(), lambda: path.open("rb")
                )
        except OSError as error:
            received = f"{error.strerror}: {path}"
            raise InvalidInput.of("file", received=received, accepted="a file that can be read") from error

    @classmethod
    def of_bytes(cls, name: str, data: bytes) -> _Source:
        """Bytes in memory."""
        return cls(name, hashlib.sha256(data).hexdigest(), len(data), lambda: io.BytesIO(data))

    def requests(self) -> Iterator[artifacts_pb2.UploadArtifactRequest]:
        """The request stream that sends it."""
        description = artifacts_pb2.ArtifactDescription(
            id=self.sha256,
            size=self.size,
            media_type=mimetypes.guess_type(self.name)[0] or "application/octet-stream",
            name=shown(self.name),
        )
        yield artifacts_pb2.UploadArtifactRequest(description=description)
        with self.open() as file:
            while chunk := file.read(CHUNK_BYTES):
                yield artifacts_pb2.UploadArtifactRequest(chunk=chunk)


@contextmanager
def _writable(path: Path) -> Iterator[None]:
    """Says of what cannot be written which path it is."""
    try:
        yield
    except OSError as error:
        received = f"{error.strerror}: {path}"
        raise InvalidInput.of("path", received=received, accepted="a file in a folder that can be written") from error
