"""A small gRPC service of all four kinds of call, served by the real harness on a Unix socket."""

from __future__ import annotations

import tempfile
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from pathlib import Path
from typing import Any

import grpc
import pytest
from google.protobuf import descriptor_pb2, descriptor_pool
from google.protobuf.descriptor import ServiceDescriptor

from tellurion.common.v1.progress_pb2 import Progress
from tellurion_core.server import Server, Service
from tellurion_core.settings import ServerSettings

NAME = "tellurion.test.v1.ProbeService"
KINDS = ("unary", "down", "up", "both")
METHODS = {"Unary": (False, False), "Write": (False, False), "Down": (False, True), "Up": (True, False)}
METHODS["Both"] = (True, True)
"""Whether the request and the response are streams."""

Answer = Callable[[Progress, Any], Awaitable[Progress]]


class Probe:
    """Answers each request message with what one function makes of it."""

    def __init__(self, answer: Answer) -> None:
        self._answer = answer

    async def one(self, request: Progress, context: Any) -> Progress:
        return await self._answer(request, context)

    async def down(self, request: Progress, context: Any) -> AsyncIterator[Progress]:
        yield await self._answer(request, context)

    async def up(self, requests: AsyncIterator[Progress], context: Any) -> Progress:
        return [await self._answer(request, context) async for request in requests][-1]

    async def both(self, requests: AsyncIterator[Progress], context: Any) -> AsyncIterator[Progress]:
        async for request in requests:
            yield await self._answer(request, context)


def register(probe: Probe, server: Any) -> None:
    codec = (Progress.FromString, Progress.SerializeToString)
    handlers = {
        "Unary": grpc.unary_unary_rpc_method_handler(probe.one, *codec),
        "Write": grpc.unary_unary_rpc_method_handler(probe.one, *codec),
        "Down": grpc.unary_stream_rpc_method_handler(probe.down, *codec),
        "Up": grpc.stream_unary_rpc_method_handler(probe.up, *codec),
        "Both": grpc.stream_stream_rpc_method_handler(probe.both, *codec),
    }
    server.add_generic_rpc_handlers((grpc.method_handlers_generic_handler(NAME, handlers),))


@pytest.fixture(scope="session")
def probe_descriptor() -> ServiceDescriptor:
    """The service's descriptor; every method but Write is free of side effects."""
    file = descriptor_pb2.FileDescriptorProto(
        name="tellurion/test/v1/probe.proto",
        package="tellurion.test.v1",
        syntax="proto3",
        dependency=["tellurion/common/v1/progress.proto"],
    )
    service = file.service.add(name="ProbeService")
    for name, (client_streaming, server_streaming) in METHODS.items():
        method = service.method.add(name=name, client_streaming=client_streaming, server_streaming=server_streaming)
        method.input_type = method.output_type = ".tellurion.common.v1.Progress"
        if name != "Write":
            method.options.idempotency_level = descriptor_pb2.MethodOptions.NO_SIDE_EFFECTS
    pool = descriptor_pool.Default()
    pool.AddSerializedFile(file.SerializeToString())
    return pool.FindServiceByName(NAME)


@pytest.fixture
def socket_folder() -> Iterator[Path]:
    """A folder whose path is short enough for a Unix socket."""
    with tempfile.TemporaryDirectory(prefix="probe-") as folder:
        yield Path(folder)


@pytest.fixture
async def start(socket_folder: Path) -> AsyncIterator[Callable[..., Awaitable[Server]]]:
    """Starts servers of the probe, each with an answer and with settings of its own."""
    servers: list[Server] = []

    async def started(answer: Answer, *, harness: dict[str, Any] | None = None, **settings: Any) -> Server:
        settings = {"listen": f"unix:{socket_folder}/{len(servers)}", "stop_seconds": 0} | settings
        server = Server([Service(NAME, register, Probe(answer))], ServerSettings(**settings), **(harness or {}))
        await server.start()
        servers.append(server)
        return server

    yield started
    for server in servers:
        await server.stop()


@pytest.fixture
async def bare_channel() -> AsyncIterator[Callable[[str], grpc.aio.Channel]]:
    """Channels without anything of ours in them."""
    channels: list[grpc.aio.Channel] = []

    def opened(address: str) -> grpc.aio.Channel:
        channels.append(grpc.aio.insecure_channel(address))
        return channels[-1]

    yield opened
    for channel in channels:
        await channel.close()


@pytest.fixture
def ask() -> Callable[..., Awaitable[str]]:
    """Calls the probe by any kind of call and returns the last message of the answer."""

    async def asked(channel: grpc.aio.Channel, kind: str, *messages: str, fraction: float = 0.0, **options: Any) -> str:
        requests = [Progress(message=message, fraction=fraction) for message in messages or ("",)]
        codec = {"request_serializer": Progress.SerializeToString, "response_deserializer": Progress.FromString}
        path = f"/{NAME}/{kind.capitalize()}"
        match kind:
            case "unary" | "write":
                return (await channel.unary_unary(path, **codec)(requests[0], **options)).message
            case "down":
                return [r async for r in channel.unary_stream(path, **codec)(requests[0], **options)][-1].message
            case "up":
                return (await channel.stream_unary(path, **codec)(iter(requests), **options)).message
        return [r async for r in channel.stream_stream(path, **codec)(iter(requests), **options)][-1].message

    return asked


@pytest.fixture(params=KINDS)
def kind(request: pytest.FixtureRequest) -> str:
    """Each of the four kinds of call."""
    return request.param
