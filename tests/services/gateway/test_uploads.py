"""/v1/uploads: tus 1.0 by a client of its own, and by hand what that client never does."""

from __future__ import annotations

import fcntl
import hashlib
import io
import os
import signal
import socket
import ssl
import threading
import time
from base64 import b64encode
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import httpx
import pytest
from tusclient.client import TusClient

TUS = {"Tus-Resumable": "1.0.0"}
BYTES = {**TUS, "Content-Type": "application/offset+octet-stream"}
MIB = 1 << 20


def encoded(text: str) -> str:
    """A value of `Upload-Metadata`."""
    return b64encode(text.encode()).decode()


def begun(client: httpx.Client, length: int, **metadata: str) -> str:
    """Where the bytes of a new upload go."""
    declared = ",".join(f"{key} {encoded(value)}" for key, value in metadata.items())
    headers = {**TUS, "Upload-Length": str(length), "Upload-Metadata": declared}
    answer = client.post("/v1/uploads", headers=headers)
    assert answer.status_code == 201, answer.text
    location: str = answer.headers["Location"]
    return location


def sent(client: httpx.Client, url: str, offset: int, content: Any, **headers: str) -> httpx.Response:
    """The answer to some bytes."""
    return client.patch(url, content=content, headers={**BYTES, "Upload-Offset": str(offset), **headers})


def stands(client: httpx.Client, url: str) -> int:
    """How many bytes have arrived."""
    return int(client.head(url, headers=TUS).headers["Upload-Offset"])


def violation(answer: httpx.Response, status: int) -> str:
    """The field that a refusal names."""
    assert answer.status_code == status, answer.text
    assert answer.headers["Content-Type"] == "application/problem+json"
    assert answer.headers["Tus-Resumable"] == "1.0.0"
    errors = answer.json().get("errors", [])
    return errors[0]["field"] if errors else answer.json()["type"].rpartition(":")[2]


@pytest.fixture
def tus(gateway: Any, certificate: tuple[Path, Path], monkeypatch: pytest.MonkeyPatch) -> TusClient:
    """The client of another project."""
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(certificate[0]))
    return TusClient(f"{gateway.address}/v1/uploads")


def test_what_tuspy_uploads_in_parts_becomes_an_artifact(tus: TusClient, client: httpx.Client) -> None:
    content = os.urandom(5 * MIB + 7)
    metadata = {"filename": "sst.nc", "filetype": "application/x-netcdf", "relativePath": "a/b"}
    uploader = tus.uploader(file_stream=io.BytesIO(content), chunk_size=MIB, metadata=metadata, upload_checksum=True)
    uploader.upload()
    described = client.get(uploader.url).json()
    assert described["offset"] == described["length"] == len(content)
    artifact = described["artifact"]
    assert artifact["id"] == hashlib.sha256(content).hexdigest()
    assert (artifact["name"], artifact["media_type"]) == ("sst.nc", "application/x-netcdf")
    assert client.get(artifact["href"]).content == content


def test_tuspy_goes_on_where_it_stopped(tus: TusClient, client: httpx.Client) -> None:
    content = os.urandom(3 * MIB)
    first = tus.uploader(file_stream=io.BytesIO(content), chunk_size=MIB)
    first.upload(stop_at=MIB)
    second = tus.uploader(file_stream=io.BytesIO(content), url=first.url)
    assert second.offset == MIB
    second.upload()
    assert client.get(first.url).json()["artifact"]["id"] == hashlib.sha256(content).hexdigest()


def test_an_upload_goes_on_after_the_gateway_was_killed(start_gateway: Callable[..., Any], served_ocean: Any) -> None:
    content = os.urandom(2 * MIB + 1)
    first = start_gateway(ocean_address=served_ocean.address)
    url = begun(first.client, len(content))
    assert sent(first.client, url, 0, content[:MIB]).status_code == 204
    first.process.send_signal(signal.SIGKILL)
    first.process.wait()
    second = start_gateway(ocean_address=served_ocean.address, state=first.temporary.parent)
    assert stands(second.client, url) == MIB
    answer = sent(second.client, url, MIB, content[MIB:])
    assert answer.headers["Tellurion-Artifact"] == hashlib.sha256(content).hexdigest()


def test_what_arrived_before_the_client_went_away_counts(
    gateway: Any, client: httpx.Client, certificate: tuple[Path, Path]
) -> None:
    url = begun(client, 3 * MIB)
    host, port = gateway.address.removeprefix("https://").split(":")
    context = ssl.create_default_context(cafile=str(certificate[0]))
    headers = {**BYTES, "Host": host, "Upload-Offset": "0", "Content-Length": str(3 * MIB)}
    head = "".join(f"{line}\r\n" for line in (f"PATCH {url} HTTP/1.1", *map(": ".join, headers.items()), ""))

    def until(size: int) -> None:
        deadline = time.monotonic() + 10
        while stands(client, url) < size:
            assert time.monotonic() < deadline
            time.sleep(0.02)

    with (
        socket.create_connection((host, int(port)), 5) as raw,
        context.wrap_socket(raw, server_hostname=host) as connection,
    ):
        connection.sendall(head.encode() + bytes(MIB + 5))
        until(MIB)
    until(MIB + 5)
    rest = sent(client, url, MIB + 5, bytes(2 * MIB - 5))
    assert rest.headers["Tellurion-Artifact"] == hashlib.sha256(bytes(3 * MIB)).hexdigest()


def test_what_is_offered_is_told(client: httpx.Client) -> None:
    answer = client.options("/v1/uploads")
    assert answer.status_code == 204
    assert answer.headers["Tus-Version"] == answer.headers["Tus-Resumable"] == "1.0.0"
    assert answer.headers["Tus-Extension"] == "creation,termination,checksum,expiration"
    assert answer.headers["Tus-Max-Size"] == str(20 << 30)
    assert answer.headers["Tus-Checksum-Algorithm"].startswith("sha256")


@pytest.mark.parametrize("version", [None, "0.2.2", "1.0.0, 1.0.0"])
def test_another_version_of_the_protocol_is_refused(client: httpx.Client, version: str | None) -> None:
    headers = {"Upload-Length": "1"} | ({"Tus-Resumable": version} if version else {})
    answer = client.post("/v1/uploads", headers=headers)
    assert violation(answer, 412) == "Tus-Resumable"
    assert answer.headers["Tus-Version"] == "1.0.0"


def test_an_empty_file_is_whole_at_once(client: httpx.Client) -> None:
    described = client.get(begun(client, 0)).json()
    assert described["artifact"]["id"] == hashlib.sha256(b"").hexdigest()


@pytest.mark.parametrize(
    ("headers", "status", "field"),
    [
        ({}, 400, "Upload-Length"),
        ({"Upload-Length": "-1"}, 400, "Upload-Length"),
        ({"Upload-Length": "1e9"}, 400, "Upload-Length"),
        ({"Upload-Length": "٣".encode().decode("latin-1")}, 400, "Upload-Length"),
        ({"Upload-Length": "9" * 18}, 413, "Upload-Length"),
        ({"Upload-Length": "9" * 4000}, 400, "Upload-Length"),
        ({"Upload-Length": "1", "Upload-Metadata": "filename !"}, 422, "Upload-Metadata"),
        ({"Upload-Length": "1", "Upload-Metadata": "filename YQ==,filename YQ=="}, 422, "Upload-Metadata"),
        ({"Upload-Length": "1", "Upload-Metadata": "x" * 5000}, 422, "Upload-Metadata"),
        ({"Upload-Length": "1", "Upload-Metadata": f"filename {encoded('../passwd')}"}, 422, "filename"),
        ({"Upload-Length": "1", "Upload-Metadata": f"filename {encoded('a' + chr(13) + chr(10))}"}, 422, "filename"),
        ({"Upload-Length": "1", "Upload-Metadata": f"filetype {encoded('text/html, evil')}"}, 422, "filetype"),
        ({"Upload-Length": "1", "Upload-Metadata": f"sha256 {encoded('abc')}"}, 422, "sha256"),
    ],
)
def test_an_upload_that_cannot_begin(client: httpx.Client, headers: dict[str, str], status: int, field: str) -> None:
    raw = {name: value.encode("latin-1") for name, value in (TUS | headers).items()}
    assert violation(client.post("/v1/uploads", headers=raw), status) == field


@pytest.mark.parametrize("id", ["0" * 32, "..", "%2e%2e%2f%2e%2e", "0" * 31 + "\u0660", "0" * 32 + ".json"])
@pytest.mark.parametrize("method", ["GET", "HEAD", "PATCH", "DELETE"])
def test_an_upload_that_is_none(client: httpx.Client, method: str, id: str) -> None:
    headers = {**BYTES, "Upload-Offset": "0"}
    assert client.request(method, f"/v1/uploads/{id}", headers=headers).status_code == 404


def test_bytes_go_where_the_upload_stands_and_nowhere_else(client: httpx.Client) -> None:
    url = begun(client, 4)
    assert violation(sent(client, url, 1, b"b"), 409) == "upload-offset"
    assert sent(client, url, 0, b"ab").headers["Upload-Offset"] == "2"
    assert violation(sent(client, url, 0, b"ab"), 409) == "upload-offset"
    assert violation(sent(client, url, 2, b"cde"), 422) == "body"
    assert violation(client.patch(url, content=b"c", headers=BYTES), 400) == "Upload-Offset"
    assert violation(sent(client, url, 2, b"c", **{"Content-Type": "text/plain"}), 415) == "Content-Type"
    assert stands(client, url) == 2
    assert sent(client, url, 2, b"cd").headers["Tellurion-Artifact"] == hashlib.sha256(b"abcd").hexdigest()
    assert violation(sent(client, url, 4, b""), 409) == "upload-offset"


def test_one_request_at_a_time_adds_bytes(client: httpx.Client, gateway: Any) -> None:
    url = begun(client, 2 * MIB)
    released, halfway = threading.Event(), threading.Event()

    def slowly() -> Iterator[bytes]:
        yield bytes(MIB)
        halfway.set()
        released.wait(10)
        yield bytes(MIB)

    answers: list[httpx.Response] = []
    thread = threading.Thread(target=lambda: answers.append(sent(client, url, 0, slowly())))
    thread.start()
    halfway.wait(10)
    deadline = time.monotonic() + 10
    while (stood := stands(client, url)) < MIB:
        assert time.monotonic() < deadline
    assert violation(sent(client, url, stood, b"x"), 409) == "upload-busy"
    assert violation(client.delete(url, headers=TUS), 409) == "upload-busy"
    released.set()
    thread.join()
    assert answers[0].headers["Tellurion-Artifact"] == hashlib.sha256(bytes(2 * MIB)).hexdigest()


@pytest.mark.parametrize("algorithm", ["sha256", "sha1"])
def test_bytes_that_do_not_have_their_checksum_do_not_count(client: httpx.Client, algorithm: str) -> None:
    def checked(content: bytes) -> dict[str, str]:
        digest = hashlib.new(algorithm, content).digest()
        return {"Upload-Checksum": f"{algorithm} {b64encode(digest).decode()}"}

    url = begun(client, 6)
    assert sent(client, url, 0, b"abc", **checked(b"abc")).status_code == 204
    assert violation(sent(client, url, 3, b"dxf", **checked(b"def")), 460) == "data-corrupted"
    assert stands(client, url) == 3
    answer = sent(client, url, 3, b"def", **checked(b"def"))
    assert answer.headers["Tellurion-Artifact"] == hashlib.sha256(b"abcdef").hexdigest()


@pytest.mark.parametrize("header", ["md5 AAAA", "sha256", "sha256 !", f"sha256 {b64encode(b'short').decode()}"])
def test_a_checksum_that_cannot_be_used(client: httpx.Client, header: str) -> None:
    url = begun(client, 1)
    assert violation(sent(client, url, 0, b"a", **{"Upload-Checksum": header}), 400) == "Upload-Checksum"


def test_a_whole_that_has_not_the_sha_256_that_was_told_is_gone(client: httpx.Client) -> None:
    good = begun(client, 3, sha256=hashlib.sha256(b"abc").hexdigest())
    assert sent(client, good, 0, b"abc").status_code == 204
    bad = begun(client, 3, sha256=hashlib.sha256(b"abc").hexdigest())
    assert violation(sent(client, bad, 0, b"abd"), 460) == "data-corrupted"
    assert client.head(bad, headers=TUS).status_code == 404


def test_an_upload_that_is_given_up_is_gone(client: httpx.Client, gateway: Any) -> None:
    url = begun(client, 2)
    sent(client, url, 0, b"a")
    assert client.delete(url, headers=TUS).status_code == 204
    assert client.head(url, headers=TUS).status_code == 404
    assert not list((gateway.temporary.parent / "uploads").rglob(f"{url.rpartition('/')[2]}*"))


def test_an_upload_expires(start_gateway: Callable[..., Any], served_ocean: Any) -> None:
    gateway = start_gateway(ocean_address=served_ocean.address, upload_hours=1 / 3600, sweep_seconds=0.2)
    headers = {**TUS, "Upload-Length": "2"}
    answer = gateway.client.post("/v1/uploads", headers=headers)
    assert answer.headers["Upload-Expires"].endswith("GMT")
    folder = gateway.temporary.parent / "uploads" / "local"
    assert [path for path in folder.iterdir() if path.name != ".lock"]
    deadline = time.monotonic() + 10
    while [path for path in folder.iterdir() if path.name != ".lock"]:
        assert time.monotonic() < deadline
        time.sleep(0.05)
    assert gateway.client.head(answer.headers["Location"], headers=TUS).status_code == 404


def test_open_uploads_count_as_stored(start_gateway: Callable[..., Any], served_ocean: Any) -> None:
    client = start_gateway(ocean_address=served_ocean.address, tenant_bytes=2 * MIB).client
    first = begun(client, MIB)
    begun(client, MIB)
    refused = client.post("/v1/uploads", headers={**TUS, "Upload-Length": "1"})
    assert violation(refused, 429) == "resource-exhausted"
    sent(client, first, 0, bytes(MIB))  # an artifact from now on
    assert client.post("/v1/uploads", headers={**TUS, "Upload-Length": "1"}).status_code == 429


def test_uploads_that_wait_hold_up_nobody_elses_download(client: httpx.Client, gateway: Any) -> None:
    url = begun(client, MIB)
    artifact = sent(client, url, 0, bytes(MIB)).headers["Tellurion-Artifact"]
    with (
        (gateway.temporary.parent / "uploads" / "local" / ".lock").open("a") as lock,
        ThreadPoolExecutor(24) as threads,
        gateway.open() as other,
    ):
        fcntl.flock(lock, fcntl.LOCK_EX)
        waiting = [threads.submit(begun, other, 1) for _ in range(24)]
        time.sleep(0.5)
        assert client.get(f"/v1/artifacts/{artifact}/content", timeout=5).content == bytes(MIB)
        assert not any(each.done() for each in waiting)
        fcntl.flock(lock, fcntl.LOCK_UN)
        assert all(each.result(20) for each in waiting)


def test_a_large_upload_does_not_grow_memory(start_gateway: Callable[..., Any], served_ocean: Any) -> None:
    gateway = start_gateway(ocean_address=served_ocean.address)
    warm = begun(gateway.client, 8 * MIB)
    assert sent(gateway.client, warm, 0, bytes(8 * MIB)).status_code == 204
    before = gateway.peak_memory()
    url = begun(gateway.client, 96 * MIB)
    assert sent(gateway.client, url, 0, (bytes(MIB) for _ in range(96))).status_code == 204
    href = gateway.client.get(url).json()["artifact"]["href"]
    with gateway.client.stream("GET", href) as answer:
        assert sum(map(len, answer.iter_bytes())) == 96 * MIB
    assert gateway.peak_memory() - before < 16 * MIB
