"""Connections by hand."""

from __future__ import annotations

import socket
import ssl
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

GET = b"GET /v1/ocean/methods HTTP/1.1\r\nHost: gateway\r\n"


class Raw:
    """A TLS connection by hand."""

    def __init__(self, gateway: Any, certificate: tuple[Path, Path]) -> None:
        host, port = gateway.address.removeprefix("https://").split(":")
        context = ssl.create_default_context(cafile=str(certificate[0]))
        self._raw = socket.create_connection((host, int(port)), 20)
        self._connection = context.wrap_socket(self._raw, server_hostname=host)

    def send(self, data: bytes) -> None:
        """Sends."""
        self._connection.sendall(data)

    def trickle(self, data: bytes) -> None:
        """Sends twenty bytes a second, until the other side has closed."""
        try:
            for byte in data:
                self.send(bytes([byte]))
                time.sleep(0.05)
        except (ConnectionError, ssl.SSLError):
            return

    def answer(self) -> bytes:
        """All that comes until the other side closes."""
        received = b""
        try:
            while block := self._connection.recv(65536):
                received += block
        except (ConnectionError, ssl.SSLError):
            pass
        return received

    def closed_within(self, seconds: float) -> bool:
        """Whether the other side closes, having said nothing."""
        self._connection.settimeout(seconds)
        try:
            return self._connection.recv(1) == b""
        except TimeoutError:
            return False
        except (ConnectionError, ssl.SSLError):
            return True

    def close(self) -> None:
        """Ends."""
        self._connection.close()


@pytest.fixture
def connect(certificate: tuple[Path, Path]) -> Iterator[Callable[[Any], Raw]]:
    """Opens a connection to a gateway; all are closed in the end."""
    opened: list[Raw] = []

    def connect(gateway: Any) -> Raw:
        opened.append(Raw(gateway, certificate))
        return opened[-1]

    yield connect
    for raw in opened:
        raw.close()
