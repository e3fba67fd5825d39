"""Files come in and go out by gRPC whole, or not at all."""

from __future__ import annotations

import asyncio
import hashlib
import sys
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import grpc
import pytest

from tellurion.artifacts.v1 import artifacts_pb2, artifacts_pb2_grpc
from tellurion_core import artifact_service
from tellurion_core.artifact_service import service
from tellurion_core.artifacts import ArtifactStore
from tellurion_core.call import Identity
from tellurion_core.errors import DataCorrupted, DeadlineExceeded, InvalidInput, NotFound, ResourceExhausted
from tellurion_core.server import Server
from tellurion_core.settings import ServerSettings
from tellurion_core.status import rpc_errors

DATA = bytes(range(256)) * 8192  # 2 MiB
KEEP = timedelta(days=2)
MAX_BYTES = 4 << 20

Stub = artifacts_pb2_grpc.ArtifactServiceStub
Request = artifacts_pb2.UploadArtifactRequest


def by_metadata(metadata: dict[str, str], context: Any) -> Identity:
    return Identity(metadata.get("x-tenant", "navy"), "ferdinand")


@pytest.fixture
def root(tmp_path: Path) -> Path:
    return tmp_path / "artifacts"


@pytest.fixture
async def stub(root: Path, socket_folder: Path, bare_channel: Callable[[str], grpc.aio.Channel]) -> AsyncIterator[Stub]:
    settings = ServerSettings(listen=f"unix:{socket_folder}/a", stop_seconds=0)
    artifacts = service(ArtifactStore(root, max_bytes=MAX_BYTES), keep=KEEP)
    server = Server([artifacts], settings, authenticate=by_metadata)
    await server.start()
    yield Stub(bare_channel(server.address))
    await server.stop()


@pytest.fixture
def left(root: Path) -> Callable[[], list[str]]:
    """The files that lie in the store, their descriptions apart."""

    def names() -> list[str]:
        found = (path.name for path in root.rglob("*") if path.is_file())
        return sorted(name for name in found if name != ".lock" and not name.endswith(".json"))

    return names


def sha256(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


def described(data: bytes = DATA, **changed: Any) -> Request:
    fields = {"id": sha256(data), "size": len(data), "media_type": "image/png", "name": "a.png"} | changed
    return Request(description=artifacts_pb2.ArtifactDescription(**fields))


def chunked(data: bytes = DATA, size: int = 1 << 20) -> list[Request]:
    return [Request(chunk=data[start : start + size]) for start in range(0, len(data), size)]


async def upload(stub: Stub, requests: Iterable[Request], tenant: str = "navy") -> artifacts_pb2.Artifact:
    with rpc_errors():
        return (await stub.UploadArtifact(iter(requests), metadata=[("x-tenant", tenant)])).artifact


async def download(stub: Stub, artifact_id: str, tenant: str = "navy") -> tuple[artifacts_pb2.Artifact, bytes]:
    request = artifacts_pb2.DownloadArtifactRequest(id=artifact_id)
    with rpc_errors():
        answer = [part async for part in stub.DownloadArtifact(request, metadata=[("x-tenant", tenant)])]
    assert [part.WhichOneof("part") for part in answer] == ["artifact"] + ["chunk"] * (len(answer) - 1)
    return answer[0].artifact, b"".join(part.chunk for part in answer)


async def find(stub: Stub, ids: Iterable[str], tenant: str = "navy") -> list[str]:
    request = artifacts_pb2.FindArtifactsRequest(ids=ids)
    with rpc_errors():
        answer = await stub.FindArtifacts(request, metadata=[("x-tenant", tenant)])
    return sorted(artifact.id for artifact in answer.artifacts)


@pytest.mark.parametrize("data", [DATA, b"abc", b""], ids=["2 MiB", "3 B", "empty"])
async def test_what_is_uploaded_is_downloaded(stub: Stub, data: bytes) -> None:
    stored = await upload(stub, [described(data), *chunked(data)])
    assert (stored.id, stored.size) == (sha256(data), len(data))
    assert (stored.media_type, stored.name) == ("image/png", "a.png")
    assert abs(stored.expires.ToDatetime(UTC) - datetime.now(UTC) - KEEP) < timedelta(minutes=1)
    assert await download(stub, stored.id) == (stored, data)


async def test_find_tells_which_of_the_files_are_stored(stub: Stub) -> None:
    for data in (b"one", b"two"):
        await upload(stub, [described(data), *chunked(data)])
    ids = [sha256(data) for data in (b"one", b"two", b"three", b"one")]
    assert await find(stub, ids) == sorted(ids[:2])
    assert await find(stub, []) == []


async def test_another_tenants_files_look_like_none(stub: Stub) -> None:
    stored = await upload(stub, [described(), *chunked()])
    assert await find(stub, [stored.id], tenant="army") == []
    with pytest.raises(NotFound):
        await download(stub, stored.id, tenant="army")


@pytest.mark.parametrize(
    ("requests", "message"),
    [
        ([described(), *chunked()[:1]], "1048576 bytes arrived of the 2097152 that were described"),
        ([described(), *chunked(), *chunked(b"more")], "more bytes arrived than the 2097152 that were described"),
        ([described(), *chunked(DATA[::-1])], f"bytes of SHA-256 {sha256(DATA[::-1])} arrived"),
        ([described(size=0)], "was described"),
    ],
    ids=["too few", "too many", "others", "none"],
)
async def test_bytes_that_are_not_those_described_are_not_stored(
    stub: Stub, left: Callable[[], list[str]], requests: list[Request], message: str
) -> None:
    with pytest.raises(DataCorrupted, match=message):
        await upload(stub, requests)
    assert left() == []


@pytest.mark.parametrize(
    ("requests", "field"),
    [
        ([], "part"),
        (chunked(b"abc"), "part"),
        ([Request()], "part"),
        ([described(), described()], "part"),
        ([described(), Request()], "part"),
        ([described(), Request(chunk=bytes((1 << 20) + 1))], "chunk"),
        ([described(id="A" * 64)], "description.id"),
        ([described(media_type="png")], "description.media_type"),
        ([described(name="../a.png")], "description.name"),
        ([described(name="")], "description.name"),
    ],
)
async def test_a_request_that_is_none_names_the_field(
    stub: Stub, left: Callable[[], list[str]], requests: list[Request], field: str
) -> None:
    with pytest.raises(InvalidInput) as caught:
        await upload(stub, requests)
    assert [violation.field for violation in caught.value.violations] == [field]
    assert left() == []


@pytest.mark.parametrize("artifact_id", ["", "..", "A" * 64])
async def test_a_hostile_id_is_refused(stub: Stub, artifact_id: str) -> None:
    with pytest.raises(InvalidInput, match=r"^id: "):
        await download(stub, artifact_id)
    if artifact_id:
        with pytest.raises(InvalidInput, match=r"^ids\[1\]: "):
            await find(stub, [sha256(b""), artifact_id])


async def test_a_file_larger_than_the_store_takes_leaves_nothing(stub: Stub, left: Callable[[], list[str]]) -> None:
    data = bytes(MAX_BYTES + 1)
    with pytest.raises(ResourceExhausted, match=f"at most {MAX_BYTES} bytes"):
        await upload(stub, [described(data), *chunked(data)])
    assert left() == []


async def test_a_sender_that_goes_away_leaves_nothing(
    stub: Stub, left: Callable[[], list[str]], until: Callable[[Callable[[], bool]], Awaitable[None]]
) -> None:
    call = stub.UploadArtifact()
    for request in (described(), chunked()[0]):
        await call.write(request)
    await until(lambda: len(left()) == 1)
    call.cancel()
    await until(lambda: left() == [])


async def test_a_sender_that_stalls_loses_its_place(
    stub: Stub, left: Callable[[], list[str]], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(artifact_service, "STALL_SECONDS", 0.5)

    async def stalled() -> AsyncIterator[Request]:
        yield described()
        yield chunked()[0]
        await asyncio.sleep(5)

    with pytest.raises(DeadlineExceeded, match=r"less than 1048576 bytes in 0\.5 s"), rpc_errors():
        await stub.UploadArtifact(stalled())
    assert left() == []


async def test_a_sender_that_drips_loses_its_place(
    stub: Stub, left: Callable[[], list[str]], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(artifact_service, "STALL_SECONDS", 0.5)

    async def dripping() -> AsyncIterator[Request]:
        yield described()
        for chunk in chunked(size=1 << 10):  # 2048 of them
            yield chunk
            await asyncio.sleep(0.05)

    with pytest.raises(DeadlineExceeded, match="less than"), rpc_errors():
        await stub.UploadArtifact(dripping())
    assert left() == []


async def test_a_sender_that_is_slow_but_steady_keeps_its_place(stub: Stub, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(artifact_service, "STALL_SECONDS", 2.0)
    data = DATA * 2

    async def steady() -> AsyncIterator[Request]:
        yield described(data)
        for chunk in chunked(data):  # four, in longer than a stall
            await asyncio.sleep(0.7)
            yield chunk

    with rpc_errors():
        assert (await stub.UploadArtifact(steady())).artifact.size == len(data)


async def test_a_tenants_slow_senders_do_not_hold_up_another_tenant(
    stub: Stub, until: Callable[[Callable[[], bool]], Awaitable[None]], left: Callable[[], list[str]]
) -> None:
    slow = [stub.UploadArtifact(metadata=[("x-tenant", "army")]) for _ in range(artifact_service.UPLOADS_AT_ONCE)]
    for call in slow:
        await call.write(described())
    await until(lambda: len(left()) == artifact_service.UPLOADS_OF_A_TENANT)
    async with asyncio.timeout(5):
        assert (await upload(stub, [described(b"xyz"), *chunked(b"xyz")])).id == sha256(b"xyz")
    for call in slow:
        call.cancel()
    await until(lambda: len(left()) == 1)


async def test_slow_senders_do_not_keep_others_from_reading(
    stub: Stub, until: Callable[[Callable[[], bool]], Awaitable[None]], left: Callable[[], list[str]]
) -> None:
    stored = await upload(stub, [described(b"abc"), *chunked(b"abc")])
    slow = [stub.UploadArtifact() for _ in range(artifact_service.UPLOADS_OF_A_TENANT)]
    for call in slow:
        await call.write(described())
    await until(lambda: len(left()) == 1 + len(slow))
    async with asyncio.timeout(5):
        assert (await download(stub, stored.id))[1] == b"abc"
        assert await find(stub, [stored.id]) == [stored.id]
        waiting = asyncio.ensure_future(upload(stub, [described(b"xyz"), *chunked(b"xyz")]))
        slow.pop().cancel()
        assert (await waiting).id == sha256(b"xyz")
    for call in slow:
        call.cancel()
    await until(lambda: len(left()) == 2)


async def test_the_same_bytes_sent_many_times_at_once_are_one_file(stub: Stub, left: Callable[[], list[str]]) -> None:
    stored = await asyncio.gather(*(upload(stub, [described(), *chunked()]) for _ in range(16)))
    assert {artifact.id for artifact in stored} == {sha256(DATA)}
    assert left() == [sha256(DATA)]


def forget_peak() -> None:
    """Begins the peak of memory anew, whatever earlier tests took."""
    Path("/proc/self/clear_refs").write_text("5")


def peak_mib() -> float:
    """Most memory that this process had at a time, in MiB, since that was set back."""
    (line,) = [line for line in Path("/proc/self/status").read_text().splitlines() if line.startswith("VmHWM")]
    return int(line.split()[1]) / 1024


@pytest.mark.skipif(sys.platform != "linux", reason="needs /proc")
async def test_memory_does_not_grow_with_a_file(
    root: Path, socket_folder: Path, bare_channel: Callable[[str], grpc.aio.Channel]
) -> None:
    """128 MiB pass through this process in both directions; its peak from then on grows by far less."""
    block, times = bytes(1 << 20), 128
    digest = hashlib.sha256()
    for _ in range(times):
        digest.update(block)
    server = Server([service(ArtifactStore(root), keep=None)], ServerSettings(listen=f"unix:{socket_folder}/m"))
    await server.start()
    stub = Stub(bare_channel(server.address))

    async def requests() -> AsyncIterator[Request]:
        yield described(id=digest.hexdigest(), size=times * len(block))
        for _ in range(times):
            yield Request(chunk=block)

    forget_peak()
    before = peak_mib()
    assert (await stub.UploadArtifact(requests())).artifact.size == times * len(block)
    read = 0
    async for part in stub.DownloadArtifact(artifacts_pb2.DownloadArtifactRequest(id=digest.hexdigest())):
        read += len(part.chunk)
    grown = peak_mib() - before
    await server.stop()
    assert read == times * len(block)
    assert grown < 48, f"{grown:.0f} MiB"


@pytest.fixture
def until() -> Callable[[Callable[[], bool]], Awaitable[None]]:
    """Waits until something is true, and fails where it is not in time."""

    async def wait(what: Callable[[], bool]) -> None:
        async with asyncio.timeout(5):
            while True:
                if what():
                    return
                await asyncio.sleep(0.01)

    return wait
