"""HTTP/1.1 by llhttp, and stricter: nothing that a proxy in front could read otherwise (RFC 9112, section 11.2)."""

from __future__ import annotations

from collections.abc import Iterator

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

MAX_HEAD_BYTES = 32 << 10
"""Of a request's line and headers."""
VERSIONS = ("1.0", "1.1")


class StrictHttp(HttpToolsProtocol):
    """What is refused here is answered with 400, and ends the connection."""

    _in_head = False
    _head_bytes = 0
    _unread = 0
    """Bytes that came since the last that led to anything: of a head, or of what may come between parts of a body."""

    def data_received(self, data: bytes) -> None:
        """Takes bytes."""
        self._unread += len(data)
        super().data_received(data)
        if self._unread > MAX_HEAD_BYTES and not self.transport.is_closing():
            self.send_400_response("Invalid HTTP request received.")

    def send_400_response(self, msg: str) -> None:
        """Refuses; an answer that has begun is broken off, as nothing truthful can be added to it."""
        if self.cycle is not None and self.cycle.response_started and not self.cycle.response_complete:
            self.transport.close()
        else:
            super().send_400_response(msg)

    def on_message_begin(self) -> None:
        """Begins a request."""
        super().on_message_begin()
        self._in_head, self._head_bytes = True, 0

    def on_url(self, url: bytes) -> None:
        """Takes a piece of the target."""
        self._count(url)
        super().on_url(url)

    def on_header(self, name: bytes, value: bytes) -> None:
        """Takes a header; one that comes after the body is none that anybody asked for."""
        if self._in_head:
            self._count(name, value)
            super().on_header(name, value)

    def on_headers_complete(self) -> None:
        """Takes the head.

        Raises:
            ValueError: it is none of HTTP/1, or a proxy might see another host or another body in it.
        """
        version = self.parser.get_http_version()
        hosts = len([*self._values(b"host")])
        if version not in VERSIONS or hosts > 1 or (hosts == 0 and version == "1.1"):
            raise ValueError
        if any(coding.lower() != b"chunked" for coding in self._values(b"transfer-encoding")):
            raise ValueError
        self._in_head, self._unread = False, 0
        super().on_headers_complete()

    def on_body(self, body: bytes) -> None:
        """Takes a piece of a body."""
        self._unread = 0
        super().on_body(body)

    def on_message_complete(self) -> None:
        """Ends a request."""
        self._unread = 0
        super().on_message_complete()

    def _values(self, name: bytes) -> Iterator[bytes]:
        return (value for header, value in self.headers if header == name)

    def _count(self, *parts: bytes) -> None:
        self._head_bytes += sum(map(len, parts))
        if self._head_bytes > MAX_HEAD_BYTES:
            raise ValueError
