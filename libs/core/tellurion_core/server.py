"""The one gRPC server of every service: interceptor, health, reflection, TLS, and an orderly stop on SIGTERM."""

from __future__ import annotations

import asyncio
import gc
import json
import signal
import ssl
import sys
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import grpc
import structlog
from grpc_health.v1 import health, health_pb2, health_pb2_grpc
from grpc_reflection.v1alpha import reflection
from prometheus_client import CollectorRegistry
from prometheus_client.registry import Collector

from tellurion_core.errors import InvalidInput, TellurionError
from tellurion_core.identity.authenticator import TokenAuthenticator
from tellurion_core.identity.tokens import read_verifier
from tellurion_core.interceptor import Authenticator, CallInterceptor, embedded_identity
from tellurion_core.renewed import Renewed
from tellurion_core.settings import ServerSettings, TelemetrySettings, load
from tellurion_core.telemetry import RpcMetrics, Tracing, configure_logs, serve_metrics, tracer_provider
from tellurion_core.tensors import MAX_MESSAGE_BYTES

log = structlog.get_logger()


@dataclass(frozen=True)
class Service:
    """One gRPC service that a process serves."""

    name: str
    """Full name in its proto: ``tellurion.ocean.v1.OceanService``."""
    register: Callable[[Any, Any], None] | None = None
    """The stub module's ``add_…Servicer_to_server``; None for work that nobody calls, whose health is asked for."""
    servicer: Any = None
    """The implementation, of asynchronous methods."""
    start: Callable[[], Awaitable[None]] | None = None
    """Awaited before the service reports SERVING: loading models, for example."""
    drain: Callable[[], Awaitable[None]] | None = None
    """Awaited before the server stops: ends calls that would last, streams of news for example."""
    stop: Callable[[], Awaitable[None]] | None = None
    """Awaited after the last call has ended."""
    metrics: Collector | None = None
    """What the service tells Prometheus beside its calls."""


class Server:
    """A gRPC server under the harness; start it, then wait for it or stop it."""

    def __init__(
        self,
        services: Sequence[Service],
        settings: ServerSettings,
        *,
        authenticate: Authenticator = embedded_identity,
        registry: CollectorRegistry | None = None,
        tracing: Tracing | None = None,
        max_message_bytes: int = MAX_MESSAGE_BYTES,
    ) -> None:
        self._settings = settings
        self.metrics = RpcMetrics(registry or CollectorRegistry())
        interceptor = CallInterceptor(
            authenticate=authenticate,
            metrics=self.metrics,
            tracing=tracing or Tracing(None),
            max_call_seconds=settings.max_call_seconds,
        )
        self._server = grpc.aio.server(
            interceptors=[interceptor],
            maximum_concurrent_rpcs=settings.max_concurrent_calls,
            options=[
                ("grpc.max_receive_message_length", max_message_bytes),
                ("grpc.max_metadata_size", 16 << 10),
                # Two servers on one port would share its calls at random: refuse instead.
                ("grpc.so_reuseport", 0),
                # Clients look their names up again, and so find pods that came later. Calls in progress go on.
                ("grpc.max_connection_age_ms", int(settings.connection_seconds * 1000)),
            ],
        )
        self._services = services
        for service in services:
            if service.register is not None:
                service.register(service.servicer, self._server)
            if service.metrics is not None:
                self.metrics.registry.register(service.metrics)
        self._names = ["", *(service.name for service in services)]
        self._health = health.aio.HealthServicer()
        health_pb2_grpc.add_HealthServicer_to_server(self._health, self._server)
        names = [service.name for service in services if service.register is not None]
        reflection.enable_server_reflection([*names, health.SERVICE_NAME, reflection.SERVICE_NAME], self._server)
        self.address = ""
        """Where the server listens, once it has started: `host:port` or `unix:/path`."""

    async def start(self) -> None:
        """Listens, starts the services, and reports SERVING.

        Raises:
            InvalidInput: the address cannot be bound, or a TLS file is not what it should be.
        """
        listen = self._settings.listen
        credentials = _credentials(self._settings)
        try:
            if credentials is None:
                port = self._server.add_insecure_port(listen)
            else:
                port = self._server.add_secure_port(listen, credentials)
        except RuntimeError:
            raise InvalidInput.of("TELLURION_LISTEN", received=listen, accepted="an address that is free") from None
        self.address = listen if listen.startswith("unix:") else f"{listen.rpartition(':')[0]}:{port}"
        for service in self._services:
            if service.start is not None:
                await service.start()
        await self._server.start()
        for name in self._names:
            await self._health.set(name, health_pb2.HealthCheckResponse.SERVING)

    async def stop(self) -> None:
        """Reports NOT_SERVING, goes on answering for `drain_seconds`, then lets calls end for `stop_seconds`."""
        await self._health.enter_graceful_shutdown()
        await asyncio.sleep(self._settings.drain_seconds)
        for service in self._services:
            if service.drain is not None:
                await service.drain()
        await self._server.stop(self._settings.stop_seconds)
        for service in self._services:
            if service.stop is not None:
                await service.stop()

    async def wait(self) -> None:
        """Waits until the server has stopped."""
        await self._server.wait_for_termination()


def _credentials(settings: ServerSettings) -> grpc.ServerCredentials | None:
    """Of every new connection, by the files as they are then; connections that are there keep theirs."""
    if settings.tls_certificate is None or settings.tls_key is None:
        return None
    files = (settings.tls_certificate, settings.tls_key, settings.tls_client_ca)
    pair = Renewed([file for file in files if file is not None], lambda: _certificates(*files))
    asked = settings.tls_client_ca is not None
    renew: Any = pair.renew  # None, for no change, is missing from its type
    return grpc.dynamic_ssl_server_credentials(pair.latest, renew, require_client_authentication=asked)


def _certificates(certificate: Path, key: Path, client_ca: Path | None) -> grpc.ServerCertificateConfiguration:
    check = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)  # gRPC itself would say only that it could not listen
    try:
        check.load_cert_chain(certificate, key)
        if client_ca is not None:
            check.load_verify_locations(client_ca)
        pair = (key.read_bytes(), certificate.read_bytes())
        authorities = client_ca.read_bytes() if client_ca is not None else None
    except OSError as error:  # ssl.SSLError is one
        accepted = "PEM files that can be read: a certificate, the key that belongs to it, and authorities of clients"
        raise InvalidInput.of("TELLURION_TLS_CERTIFICATE", received=str(error), accepted=accepted) from None
    return grpc.ssl_server_certificate_configuration([pair], root_certificates=authorities)


def announce(service: str, address: str) -> None:
    """One line of JSON on stdout that tells whoever started this process where it listens."""
    print(json.dumps({"ready": service, "address": address}), flush=True)


async def serve(name: str, services: Sequence[Service], settings: ServerSettings, telemetry: TelemetrySettings) -> None:
    """Runs a service process until SIGTERM or SIGINT, and then stops it in order."""
    configure_logs(telemetry.log_level, name)
    provider = tracer_provider(telemetry, name)
    keys = settings.token_public_keys
    authenticate: Authenticator = embedded_identity
    if keys is not None:
        authenticate = TokenAuthenticator(read_verifier(keys), trust_socket=settings.trust_socket)
    server = Server(services, settings, authenticate=authenticate, tracing=Tracing(provider))
    serve_metrics(telemetry, server.metrics.registry)
    stopping = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stopping.set)
    await server.start()
    log.info("serving", address=server.address)
    local = settings.listen.startswith(("unix:", "127.", "localhost:", "[::1]:"))
    if keys is None and settings.tls_client_ca is None and not local:
        asked = "TELLURION_TOKEN_PUBLIC_KEYS would ask for a token, TELLURION_TLS_CLIENT_CA for a certificate"
        log.warning(f"whoever reaches this address is served; {asked}")
    announce(name, server.address)
    await stopping.wait()
    log.info("stopping")
    await server.stop()
    if provider is not None:
        provider.shutdown()  # type: ignore[attr-defined]
    log.info("stopped")


def run(name: str, services: Callable[[ServerSettings], Sequence[Service]]) -> None:
    """Entry of a service's `__main__`: settings from the environment, then `serve`.

    Exits 2 on bad settings, and 1 where something that the service cannot start without is not there.

    `services` makes all gRPC services of the process: its own and, where it has long work, those of operations and
    artifacts, which share a store with it.
    """
    try:
        settings, telemetry = load(ServerSettings), load(TelemetrySettings)
        asyncio.run(serve(name, services(settings), settings, telemetry))
    except TellurionError as error:
        print(error.message, file=sys.stderr)
        sys.exit(error.exit_code)
    finally:
        # The system takes back all memory at once; to search it for garbage first takes a second, two with PyTorch.
        gc.freeze()
