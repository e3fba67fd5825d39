"""Files are sent once, and come back whole or not at all."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from tellurion.artifacts.v1 import artifacts_pb2_grpc
from tellurion_client import ArtifactsClient, DataCorrupted, InvalidInput, NotFound, ResourceExhausted
from tellurion_core.artifact_service import ArtifactServicer
from tellurion_core.artifacts import ArtifactStore
from tellurion_core.server import Service

DATA = bytes(range(256)) * 8192  # 2 MiB
MAX_BYTES = 4 << 20


def sha256(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


class Counting(ArtifactServicer):
    """The service, which remembers how often it was sent a file."""

    uploads = 0

    async def UploadArtifact(self, requests: Any, context: Any) -> Any:  # noqa: N802
        self.uploads += 1
        return await super().UploadArtifact(requests, context)


@pytest.fixture
def store(tmp_path: Path) -> ArtifactStore:
    return ArtifactStore(tmp_path / "stored", max_bytes=MAX_BYTES)


@pytest.fixture
def served(store: ArtifactStore, serve: Callable[..., Any]) -> Callable[..., tuple[ArtifactsClient, Counting]]:
    """A client of the service, which keeps files for so long, and the service."""

    def start(
        keep: timedelta = timedelta(days=30), kind: type[Counting] = Counting
    ) -> tuple[ArtifactsClient, Counting]:
        servicer = kind(store, keep=keep)
        register = artifacts_pb2_grpc.add_ArtifactServiceServicer_to_server
        name = "tellurion.artifacts.v1.ArtifactService"
        served = serve(lambda: [Service(name, register, servicer, stop=servicer.close)])
        return ArtifactsClient(served.client, "any"), servicer

    return start


@pytest.fixture
def files(tmp_path: Path) -> list[Path]:
    """Files of 2 MiB, 3 bytes, nothing, and 3 bytes again."""
    paths = [tmp_path / name for name in ("big.png", "a.json", "empty", "again.txt")]
    for path, data in zip(paths, (DATA, b"abc", b"", b"abc"), strict=True):
        path.write_bytes(data)
    return paths


def test_files_are_sent_once_and_read_back(served: Callable[..., Any], files: list[Path], tmp_path: Path) -> None:
    artifacts, service = served()
    told: list[tuple[float, str]] = []
    ids = artifacts.upload(files, progress=lambda fraction, message: told.append((fraction, message)))
    assert ids == {path: sha256(path.read_bytes()) for path in files}
    assert service.uploads == 3  # two of the four are the same bytes
    assert told[-1] == (1.0, "3 of 3 files")
    assert artifacts.upload(files) == ids
    assert service.uploads == 3
    for path in files:
        artifacts.download(ids[path], tmp_path / "back")
        assert (tmp_path / "back").read_bytes() == path.read_bytes()


def test_what_is_kept_for_a_few_days_only_is_sent_again(served: Callable[..., Any], files: list[Path]) -> None:
    artifacts, service = served(keep=timedelta(days=6))
    artifacts.upload(files[1:2])
    artifacts.upload(files[1:2])
    assert service.uploads == 2


def test_what_a_file_is_stands_beside_it(served: Callable[..., Any], files: list[Path], store: ArtifactStore) -> None:
    artifacts, _ = served()
    ids = artifacts.upload(files[:3])
    stored = [store.get("local", ids[path]) for path in files[:3]]
    assert [artifact.name for artifact in stored] == ["big.png", "a.json", "empty"]
    assert [artifact.media_type for artifact in stored] == ["image/png", "application/json", "application/octet-stream"]


def test_bytes_are_a_file_too(served: Callable[..., Any], tmp_path: Path) -> None:
    artifacts, service = served()
    assert artifacts.upload_bytes(b"abc", name="media.jsonl") == sha256(b"abc")
    assert artifacts.upload_bytes(b"abc", name="other.jsonl") == sha256(b"abc")
    assert service.uploads == 1
    artifacts.download(sha256(b"abc"), tmp_path / "back")
    assert (tmp_path / "back").read_bytes() == b"abc"


def test_any_file_name_can_be_sent(served: Callable[..., Any], tmp_path: Path, store: ArtifactStore) -> None:
    artifacts, _ = served()
    names = [b"x" * 250, b"two\nlines", b"latin-\xe9", "Grüße, 世界".encode()]
    paths = [Path(os.fsdecode(os.fsencode(tmp_path) + b"/" + name)) for name in names]
    for index, path in enumerate(paths):
        path.write_bytes(bytes([index]))
    ids = artifacts.upload(paths)
    stored = [store.get("local", ids[path]).name for path in paths]
    assert stored == ["x" * 79 + "…", "two·lines", "latin-·", "Grüße, 世界"]


def test_no_files_are_no_calls(served: Callable[..., Any]) -> None:
    artifacts, service = served()
    assert artifacts.upload([]) == {}
    assert service.uploads == 0


@pytest.mark.parametrize("name", ["none.png", "."])
def test_a_file_that_cannot_be_read_is_named(served: Callable[..., Any], tmp_path: Path, name: str) -> None:
    artifacts, service = served()
    with pytest.raises(InvalidInput, match=r"^file: received (No such file|Is a directory)"):
        artifacts.upload([tmp_path / name])
    assert service.uploads == 0


def test_where_one_file_fails_those_behind_it_are_not_sent(served: Callable[..., Any], tmp_path: Path) -> None:
    artifacts, service = served()
    large = tmp_path / "large"
    large.write_bytes(bytes(MAX_BYTES + 1))
    others = [tmp_path / str(index) for index in range(200)]
    for index, path in enumerate(others):
        path.write_text(str(index))
    with pytest.raises(ResourceExhausted, match="at most"):
        artifacts.upload([large, *others])
    assert service.uploads < 100


def test_a_download_replaces_the_file_in_one_step(served: Callable[..., Any], tmp_path: Path) -> None:
    artifacts, _ = served()
    target = tmp_path / "report.json"
    target.write_text("old")
    with target.open() as old:
        artifacts.download(artifacts.upload_bytes(b"new", name="r"), target)
        assert (old.read(), target.read_text()) == ("old", "new")
    assert target.stat().st_mode & 0o777 == 0o666 & ~_umask()


def _umask() -> int:
    mask = os.umask(0)
    os.umask(mask)
    return mask


class Liar(Counting):
    """Changes the last byte of what it gives out."""

    async def DownloadArtifact(self, request: Any, context: Any) -> Any:  # noqa: N802
        async for part in super().DownloadArtifact(request, context):
            if part.WhichOneof("part") == "chunk":
                part.chunk = part.chunk[:-1] + b"?"
            yield part


def test_other_bytes_than_asked_for_leave_nothing(served: Callable[..., Any], tmp_path: Path) -> None:
    artifacts, _ = served(kind=Liar)
    (tmp_path / "out").mkdir()
    sent = artifacts.upload_bytes(DATA, name="d")
    with pytest.raises(DataCorrupted, match=f"arrived for {sent}"):
        artifacts.download(sent, tmp_path / "out" / "d")
    with pytest.raises(NotFound):
        artifacts.download(sha256(b"none"), tmp_path / "out" / "d")
    assert list((tmp_path / "out").iterdir()) == []


def test_a_place_that_cannot_be_written_is_named(served: Callable[..., Any], tmp_path: Path) -> None:
    artifacts, _ = served()
    sent = artifacts.upload_bytes(b"abc", name="d")
    with pytest.raises(InvalidInput, match=r"^path: received No such file"):
        artifacts.download(sent, tmp_path / "none" / "d")
    with pytest.raises(InvalidInput, match=r"^path: received .*[Dd]irectory: "):
        artifacts.download(sent, tmp_path)
    with pytest.raises(InvalidInput, match=r"^id: "):
        artifacts.download("../../etc/passwd", tmp_path / "d")
