"""Connections that have to get on: a request's head comes in time, an answer is taken, and there are only so many."""

from __future__ import annotations

import asyncio
from typing import Any, cast

from tellurion_gateway.limits.corked import Corked
from tellurion_gateway.limits.framing import StrictHttp
from tellurion_gateway.settings import GatewaySettings


class Connection(StrictHttp):
    """One HTTP/1.1 connection. Uvicorn itself waits for ever for the rest of a head, and for a client that reads."""

    def __init__(self, *args: Any, settings: GatewaySettings, **options: Any) -> None:
        super().__init__(*args, **options)
        self._settings = settings
        self._since = self.loop.time()
        self._head: asyncio.TimerHandle | None = None
        self._taking: asyncio.TimerHandle | None = None

    @property
    def idle_since(self) -> float | None:
        """Since when, on the loop's clock, no request is answered; None while one is."""
        return self._since if self.cycle is None or self.cycle.response_complete else None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Begins."""
        self._corked = Corked(transport, self.loop)
        super().connection_made(cast("asyncio.Transport", self._corked))
        self._head = self.loop.call_later(self._settings.head_seconds, transport.abort)
        if len(self.connections) > self._settings.max_connections:
            idle = [c for c in self.connections if isinstance(c, Connection) and c.idle_since is not None]
            min(idle, key=lambda connection: connection.idle_since or 0.0).transport.abort()

    def data_received(self, data: bytes) -> None:
        """Takes bytes."""
        super().data_received(data)
        if self.idle_since is None:
            self._head = _without(self._head)
        elif self._head is None:
            self._head = self.loop.call_later(self._settings.head_seconds, self.transport.abort)

    def on_response_complete(self) -> None:
        """Waits for the next request."""
        self._corked.flush()  # before the request is logged and counted
        self._since = self.loop.time()
        super().on_response_complete()

    def pause_writing(self) -> None:
        """Waits for the client to take what was sent."""
        super().pause_writing()
        self._taking = self.loop.call_later(self._settings.stall_seconds, self.transport.abort)

    def resume_writing(self) -> None:
        """Goes on."""
        self._taking = _without(self._taking)
        super().resume_writing()

    def connection_lost(self, exc: Exception | None) -> None:
        """Ends."""
        self._head, self._taking = _without(self._head), _without(self._taking)
        super().connection_lost(exc)


def _without(timer: asyncio.TimerHandle | None) -> asyncio.TimerHandle | None:
    if timer is not None:
        timer.cancel()
    return None
