"""What HTTP itself asks for: methods, media types, ids, headers, limits; every error is a problem document."""

from __future__ import annotations

import json
import socket
import ssl
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

URL = "/v1/ocean:reconstruct"
NETCDF = {"Content-Type": "application/x-netcdf"}
MIB = 1 << 20


def problem(answer: httpx.Response, status: int) -> dict[str, Any]:
    """The problem document of an answer."""
    assert answer.status_code == status, answer.text
    assert answer.headers["Content-Type"] == "application/problem+json"
    document = answer.json()
    assert document["status"] == status
    return document


def test_a_path_that_is_none(client: httpx.Client) -> None:
    assert "/v1/nothing" in problem(client.get("/v1/nothing"), 404)["detail"]


def test_nobody_is_sent_to_where_the_request_says_that_it_went(client: httpx.Client) -> None:
    answer = client.post("/v1/uploads/", headers={"Host": "evil.example", "Tus-Resumable": "1.0.0"})
    assert "evil" not in json.dumps(problem(answer, 404)) + str(answer.headers)


def test_under_tls_a_browser_asks_without_it_no_more(client: httpx.Client) -> None:
    assert client.get("/healthz").headers["Strict-Transport-Security"] == "max-age=31536000"


def test_a_method_that_is_not_offered(client: httpx.Client) -> None:
    answer = client.get(URL)
    assert answer.headers["Allow"] == "POST"
    assert problem(answer, 405)["errors"] == [{"field": "method", "received": "GET", "accepted": "POST"}]


@pytest.mark.parametrize("content_type", ["text/plain", "application/json2", "", "image/png"])
def test_a_content_type_that_is_not_read(client: httpx.Client, content_type: str) -> None:
    document = problem(client.post(URL, content=b"x", headers={"Content-Type": content_type}), 415)
    assert document["errors"][0]["field"] == "Content-Type"
    assert "application/x-netcdf" in document["errors"][0]["accepted"]


def test_a_compressed_body(client: httpx.Client) -> None:
    answer = client.post(URL, content=b"x", headers={**NETCDF, "Content-Encoding": "gzip"})
    assert problem(answer, 415)["errors"][0]["field"] == "Content-Encoding"


@pytest.mark.parametrize("accept", ["image/gif", "application/json;q=0", "text/*;q=0, application/*;q=0"])
def test_an_answer_in_no_form_that_is_offered(client: httpx.Client, accept: str) -> None:
    assert problem(client.post(URL, content=b"", headers={**NETCDF, "Accept": accept}), 406)["errors"]


@pytest.mark.parametrize(
    ("accept", "expected"),
    [
        ("*/*", "application/json"),
        ("text/*", "text/event-stream"),
        ("application/json;q=0.1, application/x-netcdf", "application/x-netcdf"),
        ("application/netcdf", "application/netcdf"),
        ("application/*;q=0.5, application/json;q=0", "application/x-netcdf"),
        ("text/html, application/xhtml+xml, */*;q=0.8", "application/json"),
    ],
)
def test_the_answers_form_is_the_one_that_is_weighed_most(
    client: httpx.Client, observations: dict[str, Any], accept: str, expected: str
) -> None:
    body = {"method": "echo", "month": 2, "observations": observations}
    answer = client.post(URL, json=body, headers={"Accept": accept})
    assert answer.headers["Content-Type"].partition(";")[0] == expected


def test_a_request_id_is_taken_answered_and_passed_on(
    client: httpx.Client, gateway: Any, ocean: Any, observations: dict[str, Any]
) -> None:
    body = {"method": "echo", "month": 2, "observations": observations}
    answer = client.post(URL, json=body, headers={"X-Request-Id": "cruise-42"})
    assert answer.headers["X-Request-Id"] == "cruise-42"
    assert ocean.calls[-1][0].request_id == "cruise-42"
    line = gateway.logged("cruise-42")
    assert {
        "event": "request",
        "method": "POST",
        "route": URL,
        "status": 200,
        "tenant": "local",
    }.items() <= line.items()


@pytest.mark.parametrize("received", ["x" * 65, "a b", "{}", None])
def test_a_request_id_that_is_not_safe_to_log_is_replaced(client: httpx.Client, received: str | None) -> None:
    answer = client.get("/healthz", headers={"X-Request-Id": received} if received else {})
    assert len(answer.headers["X-Request-Id"]) == 32


def test_answers_carry_safe_headers(client: httpx.Client) -> None:
    for answer in (client.get("/healthz"), client.get("/nothing"), client.get("/openapi.json")):
        assert answer.headers["X-Content-Type-Options"] == "nosniff"
        assert answer.headers["Cache-Control"] == "no-store"
        assert "default-src 'none'" in answer.headers["Content-Security-Policy"]
        assert "Server" not in answer.headers


@pytest.mark.parametrize("path", ["/docs", "/redoc"])
def test_no_page_that_would_load_scripts_from_elsewhere(client: httpx.Client, path: str) -> None:
    problem(client.get(path), 404)


@pytest.mark.parametrize(
    ("method", "status"),
    [("failing", 503), ("damaged", 503), ("broken", 500)],
)
def test_nothing_internal_is_told_of_a_service_that_fails(
    client: httpx.Client, observations: dict[str, Any], method: str, status: int
) -> None:
    answer = client.post(URL, json={"method": method, "month": 2, "observations": observations})
    document = problem(answer, status)
    assert document["request_id"] == answer.headers["X-Request-Id"]
    assert "10.0.0.7" not in answer.text
    assert "hunter2" not in answer.text
    assert (answer.headers.get("Retry-After") is not None) == (status == 503)
    if status == 500:
        assert answer.headers["X-Request-Id"] in document["detail"]


def test_tls_before_1_2_is_refused(gateway: Any, certificate: tuple[Path, Path]) -> None:
    host, port = gateway.address.removeprefix("https://").split(":")
    context = ssl.create_default_context(cafile=str(certificate[0]))
    context.minimum_version = ssl.TLSVersion.MINIMUM_SUPPORTED
    context.set_ciphers("ALL:@SECLEVEL=0")
    context.maximum_version = ssl.TLSVersion.TLSv1_1
    with socket.create_connection((host, int(port)), 5) as raw, pytest.raises((ssl.SSLError, ConnectionError)):
        context.wrap_socket(raw, server_hostname=host)


def test_plain_http_is_not_served_on_the_tls_port(gateway: Any) -> None:
    with pytest.raises(httpx.HTTPError):
        httpx.get(gateway.address.replace("https", "http") + "/healthz", timeout=5)


def test_a_body_that_says_it_is_too_large_is_refused_unread(strict_gateway: Any) -> None:
    answer = strict_gateway.client.post(URL, content=bytes(2 * MIB), headers=NETCDF)
    assert problem(answer, 413)["errors"][0]["received"] == f"{2 * MIB} bytes"
    assert strict_gateway.client.get("/healthz").status_code == 200


@pytest.mark.parametrize("form", [False, True])
def test_a_body_that_turns_out_too_large_is_refused(strict_gateway: Any, form: bool) -> None:
    def pieces() -> Iterator[bytes]:
        if form:
            yield b'--b\r\nContent-Disposition: form-data; name="file"; filename="o.nc"\r\n\r\n'
        for _ in range(32):
            yield bytes(64 << 10)

    headers = {"Content-Type": "multipart/form-data; boundary=b"} if form else NETCDF
    answer = strict_gateway.client.post(URL, content=pieces(), headers=headers)
    assert problem(answer, 413)["errors"][0]["accepted"] == f"at most {MIB} bytes"


@pytest.mark.parametrize("path", [URL, "/v1/ocean:evaluate"])
def test_json_has_a_smaller_limit(strict_gateway: Any, path: str) -> None:
    answer = strict_gateway.client.post(path, json={"text": "x" * 5000})
    assert problem(answer, 413)["errors"][0]["accepted"] == "at most 4096 bytes"


def test_a_body_that_does_not_end_is_refused(strict_gateway: Any) -> None:
    released = threading.Event()

    def pieces() -> Iterator[bytes]:
        yield b"CDF"
        released.wait(1)

    answer = strict_gateway.client.post(URL, content=pieces(), headers=NETCDF)
    released.set()
    assert problem(answer, 408)["errors"][0]["received"] == "3 bytes"


def test_an_upload_does_not_grow_memory(
    start_gateway: Callable[..., Any], served_ocean: Any, observations: dict[str, Any]
) -> None:
    gateway = start_gateway(ocean_address=served_ocean.address)
    body = {"method": "echo", "month": 2, "observations": observations}
    assert gateway.client.post(URL, json=body).status_code == 200  # all that is imported late is imported now
    before = gateway.peak_memory()
    block = bytes(MIB)
    for wrap in (False, True):
        head = b'--b\r\nContent-Disposition: form-data; name="file"; filename="o.nc"\r\n\r\n' if wrap else b""
        headers = {"Content-Type": "multipart/form-data; boundary=b"} if wrap else NETCDF
        tail = b"\r\n--b--\r\n" if wrap else b""
        pieces = (part for part in (head, *(block for _ in range(64)), tail) if part)
        problem(gateway.client.post(URL, content=pieces, headers=headers), 422)
    assert gateway.peak_memory() - before < 32 * MIB
    assert gateway.close() == 0


def test_more_requests_than_are_taken_are_told_to_come_back(
    strict_gateway: Any, ocean: Any, observations: dict[str, Any]
) -> None:
    slow = {"method": "slow", "month": 2, "observations": observations}
    client = strict_gateway.client
    waiting = [threading.Thread(target=client.post, args=(URL,), kwargs={"json": slow}) for _ in range(2)]
    for thread in waiting:
        thread.start()
    while len(ocean.calls) < 2:
        assert any(thread.is_alive() for thread in waiting)
    answer = client.get("/v1/ocean/methods")
    assert problem(answer, 503)["type"] == "urn:tellurion:problem:overloaded"
    assert int(answer.headers["Retry-After"]) > 0
    assert client.get("/healthz").status_code == 200  # probes are not counted
    for thread in waiting:
        thread.join()
    assert client.get("/v1/ocean/methods").status_code == 200


def test_a_header_block_without_end_is_cut_off(gateway: Any, certificate: tuple[Path, Path]) -> None:
    host, port = gateway.address.removeprefix("https://").split(":")
    context = ssl.create_default_context(cafile=str(certificate[0]))
    with (
        socket.create_connection((host, int(port)), 5) as raw,
        context.wrap_socket(raw, server_hostname=host) as connection,
    ):
        connection.sendall(b"GET / HTTP/1.1\r\nX: " + b"x" * (64 << 10))
        assert connection.recv(64).startswith(b"HTTP/1.1 400")


def test_a_small_answer_is_not_held_back_for_an_acknowledgement(client: httpx.Client) -> None:
    seconds = []
    for _ in range(20):
        started = time.perf_counter()
        client.get("/healthz")
        seconds.append(time.perf_counter() - started)
    assert sorted(seconds)[10] < 0.03  # Nagle's algorithm and a delayed acknowledgement make 40 ms


def test_log_lines_are_json_and_hold_no_body(gateway: Any, client: httpx.Client) -> None:
    client.post(URL, content=json.dumps({"secret": "hunter3"}), headers={"Content-Type": "application/json"})
    lines = gateway.log()
    assert all(line["service"] == "gateway" for line in lines)
    assert "hunter3" not in json.dumps(lines)
