"""Stored files: one for the same bytes, whole or not at all, and only for their tenant."""

from __future__ import annotations

import errno
import fcntl
import hashlib
import subprocess
import sys
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from tellurion_core import artifacts
from tellurion_core.artifacts import Artifact, ArtifactStore
from tellurion_core.errors import InvalidInput, NotFound, ResourceExhausted

HOUR = timedelta(hours=1)


@pytest.fixture
def store(tmp_path: Path) -> ArtifactStore:
    return ArtifactStore(tmp_path / "artifacts", max_bytes=1000)


def put(store: ArtifactStore, data: bytes = b"abc", tenant: str = "navy", keep: timedelta | None = HOUR) -> Artifact:
    return store.put(tenant, [data[:1], data[1:]], media_type="text/plain", name="a.txt", keep=keep)


def files(store: ArtifactStore) -> list[Path]:
    return [path for path in store._root.rglob("*") if path.is_file() and path.name != ".lock"]


def content(store: ArtifactStore, artifact: Artifact, tenant: str = "navy") -> bytes:
    with store.open(tenant, artifact.id) as file:
        return file.read()


def test_the_id_is_the_sha_256_of_the_bytes(store: ArtifactStore) -> None:
    artifact = put(store)
    assert artifact.id == hashlib.sha256(b"abc").hexdigest()
    assert (artifact.size, artifact.media_type, artifact.name) == (3, "text/plain", "a.txt")
    assert artifact.expires - artifact.created == HOUR
    assert store.get("navy", artifact.id) == artifact
    assert content(store, artifact) == b"abc"


def test_the_same_bytes_are_one_file(store: ArtifactStore) -> None:
    first, second = put(store), put(store)
    assert (first.id, first.created) == (second.id, second.created)
    assert len(files(store)) == 2  # the bytes and their description
    assert [artifact.id for artifact in store.list("navy")] == [first.id]


@pytest.mark.parametrize(("first", "second"), [(HOUR, 2 * HOUR), (2 * HOUR, HOUR), (None, HOUR), (HOUR, None)])
def test_storing_again_never_shortens_the_time(
    store: ArtifactStore, first: timedelta | None, second: timedelta | None
) -> None:
    put(store, keep=first)
    kept = put(store, keep=second).expires
    if first is None or second is None:
        assert kept is None
    else:
        assert kept - datetime.now(UTC) > 1.9 * HOUR


def test_tenants_do_not_see_each_other(store: ArtifactStore) -> None:
    artifact = put(store)
    for ask in (store.get, store.open, store.delete):
        with pytest.raises(NotFound):
            ask("army", artifact.id)
    assert list(store.list("army")) == []
    put(store, tenant="army")
    store.delete("army", artifact.id)
    assert content(store, artifact) == b"abc"


def test_what_has_expired_is_not_there(store: ArtifactStore) -> None:
    artifact = put(store, keep=timedelta(0))
    for ask in (store.get, store.open, store.delete):
        with pytest.raises(NotFound):
            ask("navy", artifact.id)
    assert list(store.list("navy")) == []


def test_sweeping_removes_what_has_expired_and_nothing_else(store: ArtifactStore) -> None:
    kept = [put(store, b"stays"), put(store, b"for ever", tenant="army", keep=None)]
    put(store, b"goes", keep=timedelta(0))
    put(store, b"goes too", tenant="army", keep=timedelta(0))
    assert [store.sweep(), store.sweep()] == [2, 0]
    assert len(files(store)) == 4
    assert content(store, kept[0]) == b"stays"
    assert content(store, kept[1], "army") == b"for ever"


def test_sweeping_waits_for_nobody_where_nothing_has_expired(store: ArtifactStore, tmp_path: Path) -> None:
    put(store, b"stays")
    (lock,) = tmp_path.rglob(".lock")
    with lock.open("a") as held, ThreadPoolExecutor(1) as threads:
        fcntl.flock(held, fcntl.LOCK_EX)
        sweeping = threads.submit(store.sweep)
        try:
            assert sweeping.result(timeout=5) == 0
        finally:
            fcntl.flock(held, fcntl.LOCK_UN)


def test_sweeping_ends_early_where_it_is_to_stop(store: ArtifactStore) -> None:
    put(store, b"goes", keep=timedelta(0))
    assert store.sweep(stopping=lambda: True) == 0
    assert store.sweep() == 1


def test_deleting_leaves_no_file(store: ArtifactStore) -> None:
    artifact = put(store)
    store.delete("navy", artifact.id)
    assert files(store) == []
    with pytest.raises(NotFound):
        store.delete("navy", artifact.id)


def test_too_many_bytes_leave_nothing(store: ArtifactStore) -> None:
    with pytest.raises(ResourceExhausted, match="1000 bytes"):
        store.put("navy", iter([bytes(600)] * 2), media_type="a/b", name="x", keep=None)
    assert files(store) == []
    assert put(store, bytes(1000)).size == 1000


def test_a_stream_that_breaks_leaves_nothing(store: ArtifactStore) -> None:
    def broken() -> Iterator[bytes]:
        yield b"half"
        raise ValueError("the sender went away")

    with pytest.raises(ValueError, match="went away"):
        store.put("navy", broken(), media_type="a/b", name="x", keep=None)
    assert files(store) == []


@pytest.mark.parametrize(
    "tenant", ["", "..", "../navy", "a/b", "/etc", "Navy", "navy\n", "-a", ".put", "x" * 64, "a\0"]
)
def test_a_hostile_tenant_is_refused(store: ArtifactStore, tenant: str) -> None:
    for ask in (lambda: put(store, tenant=tenant), lambda: list(store.list(tenant))):
        with pytest.raises(InvalidInput):
            ask()
    assert not store._root.exists()


@pytest.mark.parametrize("artifact_id", ["", "..", "../../etc/passwd", "A" * 64, "a" * 63, "a" * 64 + "\n", "*", "\0"])
def test_a_hostile_id_is_no_artifact(store: ArtifactStore, artifact_id: str) -> None:
    put(store)
    for ask in (store.get, store.open, store.delete):
        with pytest.raises(NotFound):
            ask("navy", artifact_id)
    assert len(files(store)) == 2


def test_many_may_store_the_same_bytes_at_once(store: ArtifactStore) -> None:
    data = bytes(range(200))
    with ThreadPoolExecutor(8) as threads:
        stored = list(threads.map(lambda _: put(store, data), range(64)))
    assert {artifact.id for artifact in stored} == {hashlib.sha256(data).hexdigest()}
    assert content(store, stored[0]) == data
    assert len(files(store)) == 2


def test_a_fetched_file_has_the_bytes_and_outlives_its_artifact(store: ArtifactStore, tmp_path: Path) -> None:
    artifact = put(store)
    store.fetch("navy", artifact.id, tmp_path / "fetched")
    store.delete("navy", artifact.id)
    assert (tmp_path / "fetched").read_bytes() == b"abc"


def test_a_file_is_fetched_once(store: ArtifactStore, tmp_path: Path) -> None:
    artifact, path = put(store), tmp_path / "fetched"
    store.fetch("navy", artifact.id, path)
    before = path.stat().st_ino
    store.fetch("navy", artifact.id, path)
    assert path.stat().st_ino == before
    assert content(store, artifact) == b"abc"


def test_a_file_is_copied_to_another_disk(
    store: ArtifactStore, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def other_disk(path: Path, target: Path) -> None:
        raise OSError(errno.EXDEV, "Invalid cross-device link")

    monkeypatch.setattr(Path, "hardlink_to", other_disk)
    artifact = put(store)
    store.fetch("navy", artifact.id, tmp_path / "fetched")
    assert (tmp_path / "fetched").read_bytes() == b"abc"
    assert sorted(path.name for path in tmp_path.iterdir()) == ["artifacts", "fetched"]


def test_another_tenants_file_is_not_fetched(store: ArtifactStore, tmp_path: Path) -> None:
    artifact = put(store)
    with pytest.raises(NotFound):
        store.fetch("army", artifact.id, tmp_path / "fetched")
    assert not (tmp_path / "fetched").exists()


def test_a_file_is_taken_by_moving_it(store: ArtifactStore, tmp_path: Path) -> None:
    path = tmp_path / "whole"
    path.write_bytes(b"abc")
    sha256 = hashlib.sha256(b"abc").hexdigest()
    artifact = store.take("navy", path, sha256, media_type="text/plain", name="a.txt", keep=HOUR)
    assert (artifact.id, artifact.size) == (sha256, 3)
    assert content(store, artifact) == b"abc"
    assert not path.exists()


def test_a_tenant_has_so_many_bytes_and_no_more(tmp_path: Path) -> None:
    store = ArtifactStore(tmp_path / "artifacts", tenant_bytes=5)
    put(store)
    with pytest.raises(ResourceExhausted, match="5 bytes"):
        put(store, b"def")
    assert store.used("navy") == 3
    assert len(files(store)) == 2
    put(store)  # what is there already takes no more
    put(store, b"def", tenant="army")
    put(store, b"de")
    assert store.used("navy") == 5


def test_what_is_used_is_known_whoever_stores_and_deletes(
    store: ArtifactStore, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(artifacts, "SETTLED_NS", 50_000_000)
    other = ArtifactStore(tmp_path / "artifacts")
    kept = [put(other, bytes([number, number])) for number in range(100)]
    assert store.used("navy") == 200
    time.sleep(0.1)
    assert store.used("navy") == 200
    other.delete("navy", kept[0].id)
    put(other, b"abc")
    assert store.used("navy") == 201
    looked_at: list[Path] = []
    iterdir = Path.iterdir
    monkeypatch.setattr(Path, "iterdir", lambda self: (looked_at.append(self), iterdir(self))[1])
    time.sleep(0.1)
    assert store.used("navy") == 201
    assert len(looked_at) <= 2  # where something was deleted, and stored


def test_a_full_disk_leaves_what_was_to_be_taken_where_it_was(
    store: ArtifactStore, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "whole"
    path.write_bytes(b"abc")

    def full(*_: object) -> None:
        raise OSError(errno.ENOSPC, "full")

    monkeypatch.setattr(Path, "write_text", full)
    with pytest.raises(ResourceExhausted):
        store.take("navy", path, hashlib.sha256(b"abc").hexdigest(), media_type="text/plain", name="a", keep=HOUR)
    assert path.read_bytes() == b"abc"
    assert not files(store)


@pytest.mark.parametrize("size", [5_000, 50_000], ids=["as it is closed", "as it is written"])
def test_a_file_that_finds_no_room_is_told_and_nothing_is_left(tmp_path: Path, size: int) -> None:
    """In a process that may write no file of more than 4 kB, which the system refuses as it does on a full disk."""
    program = f"""
import resource, pathlib
from tellurion_core.artifacts import ArtifactStore
from tellurion_core.errors import ResourceExhausted
resource.setrlimit(resource.RLIMIT_FSIZE, (4000, 4000))
try:
    ArtifactStore(pathlib.Path({str(tmp_path)!r})).put("navy", [bytes({size})], media_type="a/b", name="a", keep=None)
except ResourceExhausted as told:
    print(told)
"""
    told = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True).stdout
    assert told == "the artifact could not be stored: the disk is full\n"
    assert not [path for path in tmp_path.rglob("*") if path.is_file()]


def test_bytes_that_nobody_described_go_after_a_day(store: ArtifactStore, monkeypatch: pytest.MonkeyPatch) -> None:
    artifact = put(store)
    store._description("navy", artifact.id).unlink()
    store.sweep()
    assert len(files(store)) == 1
    monkeypatch.setattr(artifacts, "UNFINISHED_SECONDS", -1)
    store.sweep()
    assert not files(store)
