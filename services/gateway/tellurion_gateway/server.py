"""The process: listens with or without TLS, says when it is ready, and stops in order on SIGTERM."""

from __future__ import annotations

import asyncio
import gc
import math
import resource
import signal
import socket
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from typing import Any, cast

import structlog
import uvicorn
import uvloop

from tellurion_core.errors import InvalidInput
from tellurion_core.server import announce
from tellurion_core.settings import TelemetrySettings
from tellurion_core.telemetry import configure_logs, serve_metrics
from tellurion_gateway.app import create_app
from tellurion_gateway.files import confined
from tellurion_gateway.gateway import Gateway
from tellurion_gateway.limits.connections import Connection
from tellurion_gateway.settings import GatewaySettings
from tellurion_gateway.tls import server_context

KEEP_ALIVE_SECONDS = 15
"""How long a connection may be idle between two requests."""
CLOSE_SECONDS = 1.0
"""How long, at the end, a client may take to answer that its connection is closed."""

FILES_OF_A_CONNECTION = 4

log = structlog.get_logger()


class GatewayLoop(uvloop.Loop):
    """An event loop whose TLS handshakes have to get on; uvicorn leaves them asyncio's minute."""

    def __init__(self, handshake_seconds: float) -> None:
        super().__init__()
        self._handshake_seconds = handshake_seconds

    async def create_server(self, *arguments: Any, **options: Any) -> asyncio.Server:  # type: ignore[override]
        """See asyncio."""
        if options.get("ssl") is not None:
            options["ssl_handshake_timeout"] = self._handshake_seconds
        return await super().create_server(*arguments, **options)


class _Server(uvicorn.Server):
    """Uvicorn, which leaves signals to us and tells when it listens."""

    def __init__(self, config: uvicorn.Config, listening: Callable[[], None]) -> None:
        super().__init__(config)
        self._listening = listening

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Starts, and tells."""
        await super().startup(sockets)
        self._listening()

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """Stops; a client that does not answer the end of its TLS session holds nobody up (asyncio waits for 30 s)."""
        dropping = asyncio.create_task(self._drop_closed())
        try:
            await super().shutdown(sockets)
        finally:
            dropping.cancel()

    async def _drop_closed(self) -> None:
        while True:
            closed = {c for c in self.server_state.connections if c.transport.is_closing()}
            await asyncio.sleep(CLOSE_SECONDS)
            for connection in closed & self.server_state.connections:
                connection.transport.abort()

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Uvicorn would stop taking requests at once, and end with the signal's exit code."""
        yield


async def serve(settings: GatewaySettings, telemetry: TelemetrySettings) -> None:
    """Runs the gateway until SIGTERM or SIGINT.

    Raises:
        InvalidInput: the address cannot be bound, or a TLS file is not what it should be.
    """
    configure_logs(telemetry.log_level, "gateway")
    app = create_app(settings)
    gateway: Gateway = app.state.gateway
    config = uvicorn.Config(
        app,
        http=cast("type[asyncio.Protocol]", partial(Connection, settings=settings)),
        ws="none",
        lifespan="on",
        log_config=None,
        access_log=False,
        server_header=False,
        proxy_headers=False,
        ssl_context_factory=None if settings.tls_certificate is None else lambda *_: server_context(settings),
        timeout_keep_alive=KEEP_ALIVE_SECONDS,
        timeout_graceful_shutdown=math.ceil(settings.stop_seconds),
    )
    config.load()
    _raise_open_files(settings.max_connections)
    listener = _listener(settings.listen)
    serve_metrics(telemetry, gateway.registry)
    scheme = "http" if settings.tls_certificate is None else "https"
    address = f"{scheme}://{settings.listen.rpartition(':')[0]}:{listener.getsockname()[1]}"

    def listening() -> None:
        # What is there from now on stays: to look through it again and again would hold requests up.
        gc.collect()
        gc.freeze()
        log.info("serving", address=address)
        if not confined():
            log.warning("files of callers are opened with all that this process may read: Landlock needs Linux 6.2")
        for exposed in exposures(settings):
            log.warning(exposed)
        announce("gateway", address)

    server = _Server(config, listening)
    stopping = asyncio.create_task(_stop_on_signal(server, gateway))
    try:
        await server.serve([listener])
    finally:
        stopping.cancel()
    log.info("stopped")


def _raise_open_files(connections: int) -> None:
    """To what so many connections take, with what they ask of services and files, and as many in their handshake."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = max(soft, FILES_OF_A_CONNECTION * connections + 1024)
    resource.setrlimit(resource.RLIMIT_NOFILE, (wanted if hard == resource.RLIM_INFINITY else min(wanted, hard), hard))


def exposures(settings: GatewaySettings) -> Sequence[str]:
    """What its keeper should know of a gateway that others than those on its machine can reach."""
    if settings.on_loopback:
        return ()
    nobody_asked = "whoever reaches this address is served; TELLURION_API_KEY_PEPPER would ask for a key"
    in_the_clear = "keys and answers travel in the clear; TELLURION_TLS_CERTIFICATE would hide them"
    return (
        *((nobody_asked,) if settings.api_key_pepper is None else ()),
        *((in_the_clear,) if settings.tls_certificate is None else ()),
    )


async def _stop_on_signal(server: uvicorn.Server, gateway: Gateway) -> None:
    asked = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, asked.set)
    await asked.wait()
    log.info("stopping")
    gateway.stopping = True
    await asyncio.sleep(gateway.settings.drain_seconds)
    server.should_exit = True


def _listener(listen: str) -> socket.socket:
    host, _, port = listen.rpartition(":")
    family = socket.AF_INET6 if host.startswith("[") else socket.AF_INET
    try:
        listener = socket.create_server((host.strip("[]"), int(port)), family=family, backlog=512)
    except (OSError, OverflowError):
        raise InvalidInput.of("TELLURION_LISTEN", received=listen, accepted="an address that is free") from None
    # Connections inherit it. asyncio does not set it for sockets that were made elsewhere, and without it an answer's
    # body waits for the acknowledgement of its headers: 40 ms a request.
    listener.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    return listener
