"""What the gateway adds to a call of 1 KiB there and 1 KiB back.

    python tests/bench/gateway_latency.py

Calls come in an open loop: each is due at its moment, whatever became of those before it, and its latency counts from
then. Half go to the service by gRPC, half through the gateway by gRPC-Web over TLS, in turn, each over 32 connections.
The gateway asks for an API key and the service for a token, as where they face the world.
"""

from __future__ import annotations

import asyncio
import json
import ssl
import sys
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import grpc
import numpy as np
import uvloop
from gateway_site import Keys, certificate, keys, running_gateway, running_service
from targets import Target, at_most, exit_code, markdown

from tellurion.ocean.v1 import ocean_pb2, ocean_pb2_grpc
from tellurion_core.grpc_web import MEDIA_TYPE, frame
from tellurion_core.identity.authenticator import TokenAuthenticator
from tellurion_core.identity.tokens import read_verifier
from tellurion_core.server import Server, Service
from tellurion_core.settings import ServerSettings, load
from tellurion_core.telemetry import configure_logs

CONNECTIONS = 32
RATE = 100.0
"""Calls a second of either kind."""
SECONDS = 60.0
WARM = 200
SERVICE = "tellurion.ocean.v1.OceanService"
METHOD = f"/{SERVICE}/ListMethods"
# Field 15 of no rule and no meaning, 1 KiB in all: a service keeps it with the message.
REQUEST = b"\x7a\xfd\x07" + bytes(1021)
ANSWER = ocean_pb2.ListMethodsResponse(methods=[ocean_pb2.Method(name="echo", description="x" * 1010)])
Call = Callable[[], Awaitable[None]]


class Answering(ocean_pb2_grpc.OceanServiceServicer):
    """Answers ListMethods with 1 KiB."""

    async def ListMethods(self, request, context):  # noqa: N802
        return ANSWER


async def serve(address: str) -> None:
    """Runs the service, under our harness."""
    configure_logs("INFO", "bench")
    service = Service(SERVICE, ocean_pb2_grpc.add_OceanServiceServicer_to_server, Answering())
    settings = load(ServerSettings).model_copy(update={"listen": address})
    assert settings.token_public_keys is not None
    verify = TokenAuthenticator(read_verifier(settings.token_public_keys))
    server = Server([service], settings, authenticate=verify)
    await server.start()
    print("ready", flush=True)
    await server.wait()


def table() -> dict[str, Any]:
    """Milliseconds of p50 and p99 of either way."""
    with TemporaryDirectory(prefix="tellurion-bench-") as name:
        folder = Path(name)
        certificate(folder)
        made = keys(folder)
        with (
            running_service(folder, Path(__file__), "serve", **made.settings) as service,
            running_gateway(folder, service, tls=True, **made.settings) as gateway,
        ):
            return uvloop.run(_measured(service, gateway.address, folder / "server.pem", made))


def targets(rows: Mapping[str, Any]) -> Iterator[Target]:
    """What the gateway is held to."""
    for quantile, limit in (("p50", 2.0), ("p99", 5.0)):
        added = rows["gateway"][quantile] - rows["direct"][quantile]
        yield at_most(f"latency that the gateway adds to a 1-KiB call, {quantile}, ms", added, limit)


def report(rows: Mapping[str, Any]) -> str:
    """Latencies."""
    lines = ([way, *(f"{rows[way][q]:.2f}" for q in ("p50", "p99"))] for way in ("direct", "gateway"))
    return "## A call of 1 KiB through the gateway\n\n" + markdown(["", "p50 ms", "p99 ms"], lines)


async def _measured(service: str, gateway: str, authority: Path, made: Keys) -> dict[str, Any]:
    trust = ssl.create_default_context(cafile=str(authority))
    async with AsyncExitStack() as stack:
        direct = [await stack.enter_async_context(_direct(service, made.token)) for _ in range(CONNECTIONS)]
        through = [await stack.enter_async_context(_through(gateway, trust, made.key)) for _ in range(CONNECTIONS)]
        for call in (*direct, *through) * (WARM // CONNECTIONS):
            await call()
        started = time.perf_counter() + 0.1
        count = int(SECONDS * RATE)
        ways = {"direct": (direct, started), "gateway": (through, started + 0.5 / RATE)}
        seconds = await asyncio.gather(*(_open_loop(calls, start, count) for calls, start in ways.values()))
    return {way: _quantiles(found) for way, found in zip(ways, seconds, strict=True)}


async def _open_loop(calls: list[Call], start: float, count: int) -> list[float]:
    """Seconds from when each call was due; the connections take turns, and one that is busy makes the next wait."""
    turns = [asyncio.Lock() for _ in calls]

    async def one(number: int) -> float:
        due = start + number / RATE
        await asyncio.sleep(due - time.perf_counter())
        async with turns[number % len(calls)]:
            await calls[number % len(calls)]()
        return time.perf_counter() - due

    return await asyncio.gather(*map(one, range(count)))


@asynccontextmanager
async def _direct(address: str, token: str) -> AsyncIterator[Call]:
    """A call by gRPC, on a connection of its own."""
    options = [("grpc.use_local_subchannel_pool", 1)]
    async with grpc.aio.insecure_channel(address, options) as channel:
        method = channel.unary_unary(METHOD)
        metadata = (("authorization", f"Bearer {token}"),)

        async def call() -> None:
            assert len(await method(REQUEST, timeout=10, metadata=metadata)) > 1000

        yield call


@asynccontextmanager
async def _through(address: str, trust: ssl.SSLContext, key: str) -> AsyncIterator[Call]:
    """A call by gRPC-Web over TLS, on a connection of its own."""
    host, port = address.removeprefix("https://").split(":")
    reader, writer = await asyncio.open_connection(host, int(port), ssl=trust)
    body = frame(REQUEST)
    path = f"/v1/grpc/ocean{METHOD}"
    head = f"POST {path} HTTP/1.1\r\nHost: {host}\r\nAuthorization: Bearer {key}\r\n"
    head += f"Content-Type: {MEDIA_TYPE}\r\nContent-Length: {len(body)}\r\n\r\n"
    request = head.encode() + body

    async def call() -> None:
        writer.write(request)
        answered = await reader.readuntil(b"\r\n\r\n")
        assert answered.startswith(b"HTTP/1.1 200"), answered
        content = bytearray()
        while size := int(await reader.readline(), 16):
            content += (await reader.readexactly(size + 2))[:-2]
        await reader.readline()
        assert b"grpc-status:0" in content.replace(b" ", b""), content[-200:]
        assert len(content) > 1000

    try:
        yield call
    finally:
        writer.close()


def _quantiles(seconds: list[float]) -> dict[str, float]:
    return {name: 1e3 * float(np.quantile(seconds, q)) for name, q in (("p50", 0.5), ("p99", 0.99))}


if __name__ == "__main__":
    if len(sys.argv) == 3:
        asyncio.run(serve(sys.argv[2]))
    else:
        measured = table()
        print(report(measured))
        print(json.dumps(measured))
        sys.exit(exit_code(targets(measured)))
