"""What is done to a connection: slow heads, slow readers, other people's headers, other origins."""

from __future__ import annotations

import json
import resource
import socket
import time
from base64 import b64encode
from collections.abc import Callable
from typing import Any

import httpx
import pytest

from tellurion_core.errors import InvalidInput
from tellurion_core.settings import load
from tellurion_gateway.server import _raise_open_files
from tellurion_gateway.settings import GatewaySettings

from .raw import GET, Raw


@pytest.fixture(scope="session")
def impatient(start_gateway: Callable[..., Any], served_ocean: Any) -> Any:
    """A gateway that waits for nothing, and takes four connections."""
    return start_gateway(
        ocean_address=served_ocean.address, head_seconds=0.4, stall_seconds=0.5, max_connections=4, tenant_burst=100
    )


def test_a_connection_that_says_nothing_is_closed(impatient: Any, connect: Callable[[Any], Raw]) -> None:
    assert connect(impatient).closed_within(5)


def test_a_handshake_that_does_not_begin_is_cut_off(impatient: Any) -> None:
    host, port = impatient.address.removeprefix("https://").split(":")
    with socket.create_connection((host, int(port)), 5) as raw:
        assert raw.recv(1) == b""


def test_a_head_that_trickles_in_is_cut_off_however_steadily(impatient: Any, connect: Callable[[Any], Raw]) -> None:
    raw = connect(impatient)
    started = time.monotonic()
    raw.trickle(GET * 100)
    assert time.monotonic() - started < 3


def test_a_body_that_goes_on_after_the_answer_is_cut_off(impatient: Any, connect: Callable[[Any], Raw]) -> None:
    raw = connect(impatient)
    raw.send(b"POST /v1/nothing HTTP/1.1\r\nHost: gateway\r\nContent-Length: 1000000\r\n\r\n")
    started = time.monotonic()
    raw.trickle(b"x" * 1000)
    assert time.monotonic() - started < 5


def test_a_request_in_time_is_answered_on_a_connection_that_was_used_before(
    impatient: Any, connect: Callable[[Any], Raw]
) -> None:
    raw = connect(impatient)
    raw.send(GET + b"\r\n")
    time.sleep(0.6)  # longer than a head may take, and nothing has begun
    raw.send(GET + b"Connection: close\r\n\r\n")
    assert raw.answer().count(b"HTTP/1.1 200") == 2


def test_an_upload_that_stalls_keeps_what_it_brought(impatient: Any, connect: Callable[[Any], Raw]) -> None:
    tus = {"Tus-Resumable": "1.0.0"}
    url = impatient.client.post("/v1/uploads", headers={**tus, "Upload-Length": "9"}).headers["Location"]
    raw = connect(impatient)
    raw.send(
        f"PATCH {url} HTTP/1.1\r\nHost: gateway\r\nConnection: close\r\nTus-Resumable: 1.0.0\r\nUpload-Offset: 0\r\n"
        "Content-Length: 9\r\nContent-Type: application/offset+octet-stream\r\n\r\nabc".encode()
    )
    assert raw.answer().startswith(b"HTTP/1.1 408")
    assert impatient.client.head(url, headers=tus).headers["Upload-Offset"] == "3"


def test_a_client_that_takes_nothing_of_its_answer_is_cut_off(impatient: Any, connect: Callable[[Any], Raw]) -> None:
    tus = {"Tus-Resumable": "1.0.0"}
    size = 32 << 20
    url = impatient.client.post("/v1/uploads", headers={**tus, "Upload-Length": str(size)}).headers["Location"]
    headers = {**tus, "Upload-Offset": "0", "Content-Type": "application/offset+octet-stream"}
    artifact = impatient.client.patch(url, content=bytes(size), headers=headers).headers["Tellurion-Artifact"]
    raw = connect(impatient)
    raw.send(f"GET /v1/artifacts/{artifact}/content HTTP/1.1\r\nHost: gateway\r\n\r\n".encode())
    time.sleep(1.5)
    assert len(raw.answer()) < size


def test_as_many_files_may_be_open_as_connections_take() -> None:
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    few, wanted = min(512, soft), 4 * 500 + 1024
    try:
        resource.setrlimit(resource.RLIMIT_NOFILE, (few, hard))
        _raise_open_files(500)
        allowed = wanted if hard == resource.RLIM_INFINITY else min(wanted, hard)
        assert resource.getrlimit(resource.RLIMIT_NOFILE) == (allowed, hard)
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))


def test_many_idle_connections_keep_nobody_out(impatient: Any, connect: Callable[[Any], Raw]) -> None:
    idle = [connect(impatient) for _ in range(12)]
    assert impatient.client.get("/healthz").status_code == 200
    assert idle[0].closed_within(0.2)


@pytest.mark.parametrize(
    "path", ["/v1/a%0d%0aSet-Cookie:%20a=b", "/v1/%00", "/v1/\u202e", "/v1/%ff%fe", "/%2e%2e/%2e%2e/etc"]
)
def test_a_path_cannot_leave_its_line(gateway: Any, client: httpx.Client, path: str) -> None:
    answer = client.get(path, headers={"X-Request-Id": "path-injection"})
    assert answer.status_code == 404
    assert "Set-Cookie" not in answer.headers
    assert all(character.isprintable() for character in answer.json()["instance"] + answer.json()["detail"])
    assert all(map(json.loads, gateway.log_path.read_text().splitlines()))


def test_the_name_of_a_download_cannot_leave_its_header(client: httpx.Client) -> None:
    name = '"; filename="evil.exe; ünï.nc'
    tus = {"Tus-Resumable": "1.0.0", "Upload-Length": "0"}
    tus["Upload-Metadata"] = f"filename {b64encode(name.encode()).decode()}"
    href = client.get(client.post("/v1/uploads", headers=tus).headers["Location"]).json()["artifact"]["href"]
    disposition = client.get(href).headers["Content-Disposition"]
    assert disposition == (
        'attachment; filename="__ filename__evil.exe_ _n_.nc"; '
        "filename*=UTF-8''%22%3B%20filename%3D%22evil.exe%3B%20%C3%BCn%C3%AF.nc"
    )


def test_what_a_proxy_might_say_of_the_caller_is_not_believed(client: httpx.Client, gateway: Any) -> None:
    told = {
        "X-Forwarded-For": "203.0.113.9",
        "X-Forwarded-Host": "evil.example",
        "X-Forwarded-Proto": "http",
        "X-Forwarded-Prefix": "/evil",
        "Forwarded": "for=203.0.113.9;host=evil.example",
        "X-Original-URL": "/metrics",
        "X-Rewrite-URL": "/metrics",
        "X-HTTP-Method-Override": "DELETE",
        "Host": "evil.example",
        "Tus-Resumable": "1.0.0",
        "Upload-Length": "1",
    }
    answer = client.post("/v1/uploads", headers=told)
    assert answer.status_code == 201
    assert answer.headers["Location"].startswith("/v1/uploads/")
    assert "evil" not in str(answer.headers)
    assert "evil" not in gateway.log_path.read_text()


def test_pages_of_other_origins_may_do_nothing(client: httpx.Client) -> None:
    asked = {"Origin": "https://evil.example", "Access-Control-Request-Method": "POST"}
    answer = client.options("/v1/ocean/methods", headers=asked)
    assert not [name for name in answer.headers if name.lower().startswith("access-control")]
    assert "Access-Control-Allow-Origin" not in client.get("/v1/ocean/methods", headers=asked).headers


def test_pages_of_allowed_origins_may_call(start_gateway: Callable[..., Any], served_ocean: Any) -> None:
    client = start_gateway(ocean_address=served_ocean.address, cors_origins='["https://portal.example"]').client
    asked = {
        "Origin": "https://portal.example",
        "Access-Control-Request-Method": "PATCH",
        "Access-Control-Request-Headers": "authorization, upload-offset",
    }
    preflight = client.options("/v1/uploads", headers=asked)
    assert preflight.status_code == 200
    assert preflight.headers["Access-Control-Allow-Origin"] == "https://portal.example"
    assert "Access-Control-Allow-Credentials" not in preflight.headers
    answer = client.get("/v1/ocean/methods", headers=asked)
    assert answer.headers["Access-Control-Allow-Origin"] == "https://portal.example"
    assert "Upload-Offset" in answer.headers["Access-Control-Expose-Headers"]
    evil = client.options("/v1/uploads", headers=asked | {"Origin": "https://portal.example.evil"})
    assert "Access-Control-Allow-Origin" not in evil.headers


@pytest.mark.parametrize("origins", ['["*"]', '["https://a.example/path"]', '["null"]'])
def test_every_origin_at_once_cannot_be_allowed(
    monkeypatch: pytest.MonkeyPatch, served_ocean: Any, origins: str
) -> None:
    monkeypatch.setenv("TELLURION_OCEAN_ADDRESS", served_ocean.address)
    monkeypatch.setenv("TELLURION_CORS_ORIGINS", origins)
    with pytest.raises(InvalidInput, match="TELLURION_CORS_ORIGINS"):
        load(GatewaySettings)


def test_the_password_of_redis_is_not_repeated(monkeypatch: pytest.MonkeyPatch, served_ocean: Any) -> None:
    monkeypatch.setenv("TELLURION_OCEAN_ADDRESS", served_ocean.address)
    monkeypatch.setenv("TELLURION_LIMITS_REDIS", "http://user:hunter2@redis/0")
    with pytest.raises(InvalidInput) as refused:
        load(GatewaySettings)
    assert "hunter2" not in refused.value.message
    monkeypatch.setenv("TELLURION_LIMITS_REDIS", "redis://user:hunter2@redis/0")
    assert "hunter2" not in repr(load(GatewaySettings))
