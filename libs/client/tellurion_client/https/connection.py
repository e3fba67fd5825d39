"""HTTP/1.1 connections to one gateway, kept between requests, whose answers are read while requests are sent."""

from __future__ import annotations

import asyncio
import ssl
import time
from collections.abc import Sequence
from urllib.parse import urlsplit

import h11

IDLE_SECONDS = 10.0
"""How long a connection is kept; the gateway closes those that are idle for longer than 15 s."""
READ_BYTES = 256 << 10

Headers = Sequence[tuple[str, str]]


class Connection:
    """One connection; used by one request at a time."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader = reader
        self._writer = writer
        self._http = h11.Connection(h11.CLIENT)
        self.idle_since = 0.0

    async def begin(self, target: str, headers: Headers, body: bytes | None) -> None:
        """Sends a request: all of it, or its head where `body` is None."""
        length = ("Transfer-Encoding", "chunked") if body is None else ("Content-Length", str(len(body)))
        request = h11.Request(method="POST", target=target, headers=[*headers, length])
        events: list[h11.Event] = [request]
        if body is not None:
            events += [h11.Data(data=body), h11.EndOfMessage()]
        await self._send(*events)

    async def send(self, data: bytes) -> None:
        """Sends the next part of the body, as fast as it is taken."""
        await self._send(h11.Data(data=data))

    async def end(self) -> None:
        """Ends the body."""
        await self._send(h11.EndOfMessage())

    async def receive(self) -> h11.Event:
        """The next event of the answer.

        Raises:
            h11.RemoteProtocolError: what arrives is not HTTP, or breaks off.
        """
        while not isinstance(event := self._http.next_event(), h11.Event):
            if event is h11.PAUSED:
                raise h11.RemoteProtocolError("an answer after the answer")
            self._http.receive_data(await self._reader.read(READ_BYTES))
        return event

    def reusable(self) -> bool:
        """Makes ready for the next request; False where there can be none."""
        if self._http.our_state is not h11.DONE or self._http.their_state is not h11.DONE:
            return False
        self._http.start_next_cycle()
        self.idle_since = time.monotonic()
        return True

    @property
    def fresh(self) -> bool:
        """Whether the gateway is still likely to listen."""
        return time.monotonic() - self.idle_since < IDLE_SECONDS and not self._reader.at_eof()

    def close(self) -> None:
        """Closes it at once: whoever reads or writes is told of its end."""
        self._writer.transport.abort()

    async def _send(self, *events: h11.Event) -> None:
        self._writer.write(b"".join(self._http.send(event) or b"" for event in events))
        await self._writer.drain()


class Connections:
    """The connections to a gateway; all of it runs in one event loop."""

    def __init__(self, url: str, context: ssl.SSLContext | None) -> None:
        """`context` is None for a gateway without TLS."""
        parts = urlsplit(url)
        self._host, self.authority, self._context = parts.hostname or "", parts.netloc, context
        self._port = parts.port or (80 if context is None else 443)
        self._idle: list[Connection] = []

    async def take(self) -> Connection:
        """A connection that is used by nobody else.

        Raises:
            OSError: nobody answers there, or nobody who is trusted.
        """
        while self._idle:
            if (connection := self._idle.pop()).fresh:
                return connection
            connection.close()
        return Connection(*await asyncio.open_connection(self._host, self._port, ssl=self._context, limit=READ_BYTES))

    def give_back(self, connection: Connection) -> None:
        """Keeps a connection for others, or closes it where its request has not ended."""
        if connection.reusable():
            self._idle.append(connection)
        else:
            connection.close()

    def close(self) -> None:
        """Closes those that are not in use."""
        while self._idle:
            self._idle.pop().close()
