"""Uploads on disk, as several processes find them: nothing that was sent is lost, and nothing is left."""

from __future__ import annotations

import asyncio
import hashlib
import threading
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from types import SimpleNamespace
from typing import cast

import pytest

from tellurion_core.artifacts import ArtifactStore
from tellurion_core.errors import NotFound, ResourceExhausted
from tellurion_gateway.app import _sweep
from tellurion_gateway.gateway import Gateway
from tellurion_gateway.uploads import store as stores
from tellurion_gateway.uploads.declared import Metadata
from tellurion_gateway.uploads.store import Upload, UploadStore

SHA256 = hashlib.sha256(b"abc").hexdigest()
DAY = timedelta(days=1)


class Killed(BaseException):
    """As good as the end of the process: nothing of ours runs after it."""


@pytest.fixture
def artifacts(tmp_path: Path) -> ArtifactStore:
    return ArtifactStore(tmp_path / "artifacts", tenant_bytes=10)


@pytest.fixture
def open_store(tmp_path: Path, artifacts: ArtifactStore) -> Callable[..., UploadStore]:
    """Opens the store, as another process would."""

    def opened(keep: timedelta = DAY) -> UploadStore:
        return UploadStore(tmp_path / "uploads", artifacts, tenant_bytes=10, keep=keep, keep_artifacts=DAY)

    return opened


def begun(store: UploadStore, length: int = 3) -> Upload:
    return store.create("navy", length, "", Metadata())


def left(tmp_path: Path) -> list[Path]:
    return [path for path in (tmp_path / "uploads").rglob("*") if path.is_file() and path.name != ".lock"]


@pytest.mark.parametrize("by", ["whoever asks", "the sweep"])
def test_what_was_whole_when_the_process_was_killed_becomes_an_artifact(
    open_store: Callable[..., UploadStore], artifacts: ArtifactStore, monkeypatch: pytest.MonkeyPatch, by: str
) -> None:
    first = open_store()
    upload = begun(first)

    def killed(*_: object, **__: object) -> None:
        raise Killed

    with monkeypatch.context() as patch:
        patch.setattr(artifacts, "take", killed)
        with pytest.raises(Killed):
            first.add("navy", upload.id, 0, None, [b"abc"])
    second = open_store()
    if by == "the sweep":
        second.sweep()
    else:
        assert second.get("navy", upload.id).artifact == SHA256
    with artifacts.open("navy", SHA256) as file:
        assert file.read() == b"abc"
    assert begun(second, 7)  # it counts once


def test_a_disk_without_room_loses_no_upload(
    open_store: Callable[..., UploadStore], artifacts: ArtifactStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    store = open_store()
    upload = begun(store)

    def full(*_: object, **__: object) -> None:
        raise ResourceExhausted("full")

    with monkeypatch.context() as patch:
        patch.setattr(artifacts, "take", full)
        for attempt in (lambda: store.add("navy", upload.id, 0, None, [b"abc"]), lambda: store.get("navy", upload.id)):
            with pytest.raises(ResourceExhausted):
                attempt()
    assert store.get("navy", upload.id).artifact == SHA256
    assert artifacts.get("navy", SHA256).size == 3


def test_what_an_upload_was_promised_nobody_takes_from_it(
    open_store: Callable[..., UploadStore], artifacts: ArtifactStore
) -> None:
    store = open_store()
    upload = begun(store, 10)
    artifacts.put("navy", [b"other"], media_type="text/plain", name="a", keep=DAY)
    assert store.add("navy", upload.id, 0, None, [b"0123456789"]).artifact is not None
    with pytest.raises(ResourceExhausted):
        begun(store, 1)


def test_bytes_of_no_upload_are_swept(open_store: Callable[..., UploadStore], tmp_path: Path) -> None:
    store = open_store()
    upload, other = begun(store), begun(store)
    (tmp_path / "uploads/navy" / f"{upload.id}.json").unlink()
    (tmp_path / "uploads/navy" / f"{upload.id}.checked").write_text("0")
    store.sweep()
    assert {path.stem for path in left(tmp_path)} == {other.id}


def test_another_process_may_sweep_at_the_same_time(
    open_store: Callable[..., UploadStore], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    store = open_store(keep=-DAY)
    with pytest.raises(NotFound):
        begun(store)
    exists = Path.exists

    def raced(path: Path) -> bool:
        there = exists(path)
        path.unlink(missing_ok=True)
        return there

    with monkeypatch.context() as patch:
        patch.setattr(Path, "exists", raced)
        assert store.sweep() == 0
    store.sweep()
    assert not left(tmp_path)


def test_so_many_uploads_are_underway_and_so_many_known(
    open_store: Callable[..., UploadStore], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(stores, "MAX_UPLOADS", 2)
    monkeypatch.setattr(stores, "MAX_KNOWN", 4)
    store = open_store()
    for length in (0, 0, 3, 3):
        begun(store, length)
    with pytest.raises(ResourceExhausted):
        begun(store)


def test_one_more_upload_reads_none_of_those_that_are_known(
    open_store: Callable[..., UploadStore], monkeypatch: pytest.MonkeyPatch
) -> None:
    store = open_store()
    for _ in range(4):
        begun(store, 1)
    begun(store, 1)
    read: list[str] = []
    reading = store._read
    monkeypatch.setattr(
        store, "_read", lambda tenant, upload_id: (read.append(upload_id), reading(tenant, upload_id))[1]
    )
    latest = begun(store, 1)
    assert len(set(read) - {latest.id}) <= 1


async def test_a_sweep_that_fails_is_followed_by_the_next() -> None:
    swept = threading.Semaphore(0)

    def sweep() -> int:
        swept.release()
        raise RuntimeError("a fault of ours")

    store = SimpleNamespace(sweep=sweep)
    gateway = SimpleNamespace(artifacts=store, uploads=store, settings=SimpleNamespace(sweep_seconds=0.01))
    sweeping = asyncio.create_task(_sweep(cast("Gateway", gateway)))
    for _ in range(3):
        assert await asyncio.to_thread(swept.acquire, timeout=5)
    assert not sweeping.done()
    sweeping.cancel()
