"""Requests that two servers could read as different ones, and heads that are none or too large."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

import pytest

from tellurion_gateway.limits.framing import MAX_HEAD_BYTES

from .raw import GET, Raw


@pytest.mark.parametrize(
    "lengths",
    [
        b"Content-Length: 4\r\nTransfer-Encoding: chunked\r\n",
        b"Transfer-Encoding: chunked\r\nContent-Length: 4\r\n",
        b"Content-Length: 4\r\nContent-Length: 5\r\n",
        b"Content-Length: +4\r\n",
        b"Content-Length: " + b"9" * 5000 + b"\r\n",
        b"Transfer-Encoding: xchunked\r\n",
        b"Transfer-Encoding: gzip, chunked\r\n",
        b"Transfer-Encoding : chunked\r\n",
        b"Transfer-Encoding:\x0bchunked\r\n",
    ],
)
def test_a_second_request_cannot_hide_in_the_first(gateway: Any, connect: Callable[[Any], Raw], lengths: bytes) -> None:
    hidden = b"DELETE /v1/hidden HTTP/1.1\r\nHost: gateway\r\n\r\n"
    raw = connect(gateway)
    raw.send(b"POST /v1/ocean:evaluate HTTP/1.1\r\nHost: gateway\r\n" + lengths + b"\r\n0\r\n\r\n" + hidden)
    answer = raw.answer()
    assert answer.startswith(b"HTTP/1.1 400")
    assert answer.count(b"HTTP/1.1 ") == 1
    assert "/v1/hidden" not in gateway.log_path.read_text()


@pytest.mark.parametrize(
    "chunks",
    [
        b"0x0\r\n\r\n",
        b"+0\r\n\r\n",
        b"-1\r\n\r\n",
        b"ffffffffffffffffff\r\n\r\n",
        b"1\r\nab\r\n0\r\n\r\n",
        b"1\nA\n0\n\n",
        b"0 \x0b\r\n\r\n",
    ],
)
def test_a_second_request_cannot_hide_behind_a_chunk(
    gateway: Any, connect: Callable[[Any], Raw], chunks: bytes
) -> None:
    hidden = b"DELETE /v1/hidden HTTP/1.1\r\nHost: gateway\r\n\r\n"
    raw = connect(gateway)
    head = b"POST /v1/ocean:evaluate HTTP/1.1\r\nHost: gateway\r\nTransfer-Encoding: chunked\r\n\r\n"
    raw.send(head + chunks + hidden)
    assert raw.answer().count(b"HTTP/1.1 ") <= 1
    assert "/v1/hidden" not in gateway.log_path.read_text()


def test_another_protocol_cannot_be_asked_for(gateway: Any, connect: Callable[[Any], Raw]) -> None:
    raw = connect(gateway)
    raw.send(GET + b"Connection: Upgrade, HTTP2-Settings, close\r\nUpgrade: h2c\r\nHTTP2-Settings: AAMAAABk\r\n\r\n")
    assert raw.answer().startswith(b"HTTP/1.1 200")
    tunnel = connect(gateway)
    tunnel.send(b"CONNECT 127.0.0.1:22 HTTP/1.1\r\nHost: 127.0.0.1:22\r\nConnection: close\r\n\r\n")
    assert tunnel.answer()[:12] in (b"HTTP/1.1 400", b"HTTP/1.1 404", b"HTTP/1.1 405")


@pytest.mark.parametrize(
    "head",
    [
        b"GET /healthz HTTP/1.1\r\n\r\n",  # no host
        b"GET /healthz HTTP/2.0\r\nHost: a\r\n\r\n",
        b"GET /healthz\r\n\r\n",
        b"GET /healthz HTTP/1.1\nHost: a\n\n",
        b"GET /healthz HTTP/1.1\r\nHost: a\r\n X: folded\r\n\r\n",
        b"GET /healthz HTTP/1.1\r\nHost: a\r\nX Y: b\r\n\r\n",
        b"GET /healthz HTTP/1.1\r\nHost: a\r\n: b\r\n\r\n",
        b"GET /healthz HTTP/1.1\r\nHost: a\r\nX: a\rY: b\r\n\r\n",
        b"GET /healthz HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n",
        b"GET /healthz\r\nX: y HTTP/1.1\r\nHost: a\r\n\r\n",
        b"GET /healthz HTTP/1.1\r\nHost: a\r\nX-Request-Id: a\x00b\r\n\r\n",
        b"GET /healthz HTTP/1.1\r\nHost: a\r\nX\xff: b\r\n\r\n",
    ],
)
def test_a_head_that_is_none_is_refused(gateway: Any, connect: Callable[[Any], Raw], head: bytes) -> None:
    raw = connect(gateway)
    raw.send(head)
    assert raw.answer().startswith(b"HTTP/1.1 400")


@pytest.mark.parametrize("pieces", [1, 40])
def test_a_head_has_a_limit_however_it_comes(gateway: Any, connect: Callable[[Any], Raw], pieces: int) -> None:
    raw = connect(gateway)
    piece = b"X-Padding: " + b"x" * (MAX_HEAD_BYTES // pieces) + b"\r\n"
    raw.send(b"GET /healthz HTTP/1.1\r\nHost: gateway\r\n")
    for _ in range(pieces):
        raw.send(piece)
    assert raw.answer().startswith(b"HTTP/1.1 400")


def test_a_head_just_below_the_limit_is_read(gateway: Any, connect: Callable[[Any], Raw]) -> None:
    raw = connect(gateway)
    padding = b"x" * (MAX_HEAD_BYTES - 200)
    raw.send(b"GET /healthz HTTP/1.1\r\nHost: gateway\r\nConnection: close\r\nX-Padding: " + padding + b"\r\n\r\n")
    assert raw.answer().startswith(b"HTTP/1.1 200")


def test_what_follows_a_body_is_no_head_and_has_a_limit(gateway: Any, connect: Callable[[Any], Raw]) -> None:
    body = b"POST /v1/nothing HTTP/1.1\r\nHost: gateway\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n"
    raw = connect(gateway)
    raw.send(body + b"X-Request-Id: trailed\r\n\r\nGET /healthz HTTP/1.1\r\nHost: gateway\r\nConnection: close\r\n\r\n")
    answer = raw.answer()
    assert answer.count(b"HTTP/1.1 ") == 2
    assert b"trailed" not in answer
    endless = connect(gateway)
    endless.send(body)
    time.sleep(0.2)  # what comes in one piece with the head is taken with it
    endless.send(b"X-Padding: ")
    for _ in range(5):
        endless.send(b"x" * (MAX_HEAD_BYTES // 4))
    assert b"HTTP/1.1 " in endless.answer()  # and then the connection ends
