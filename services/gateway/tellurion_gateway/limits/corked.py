"""Writes of one turn of the loop, sent together: an answer is then one packet, and its reader wakes up once."""

from __future__ import annotations

import asyncio
from typing import Any

LARGE_BYTES = 64 << 10
"""From which on nothing is gained by waiting."""


class Corked:
    """A transport that waits for the end of the loop's turn; in all else, the one that it was made from."""

    def __init__(self, transport: asyncio.Transport, loop: asyncio.AbstractEventLoop) -> None:
        self._transport = transport
        self._loop = loop
        self._waiting = bytearray()

    def __getattr__(self, name: str) -> Any:
        return getattr(self._transport, name)

    def write(self, data: bytes) -> None:
        """Sends, soon."""
        if len(data) >= LARGE_BYTES:
            self.flush()
            self._transport.write(data)
            return
        if not self._waiting:
            self._loop.call_soon(self.flush)
        self._waiting += data
        if len(self._waiting) >= LARGE_BYTES:
            self.flush()

    def close(self) -> None:
        """Closes, when all is sent."""
        self.flush()
        self._transport.close()

    def flush(self) -> None:
        """Sends, now."""
        if self._waiting:
            waiting, self._waiting = self._waiting, bytearray()
            self._transport.write(waiting)
