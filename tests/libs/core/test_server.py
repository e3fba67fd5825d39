"""The server's life: health, reflection, limits, settings that cannot be used, and an orderly end."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import grpc
import pytest
from grpc_health.v1 import health_pb2, health_pb2_grpc
from grpc_reflection.v1alpha import reflection_pb2, reflection_pb2_grpc

from tellurion.common.v1.progress_pb2 import Progress
from tellurion.ocean.v1 import ocean_pb2, ocean_pb2_grpc
from tellurion_core.errors import InvalidInput, ResourceExhausted
from tellurion_core.status import rpc_errors

PROBE = "tellurion.test.v1.ProbeService"
OCEAN = "tellurion.ocean.v1.OceanService"
PROGRAM = Path(__file__).with_name("served.py")


async def echo(request: Progress, context: Any) -> Progress:
    return request


async def health(channel: grpc.aio.Channel, service: str = "") -> str:
    answer = await health_pb2_grpc.HealthStub(channel).Check(health_pb2.HealthCheckRequest(service=service))
    return health_pb2.HealthCheckResponse.ServingStatus.Name(answer.status)


@pytest.fixture
def launch(socket_folder: Path) -> Iterator[Callable[..., subprocess.Popen[str]]]:
    """Starts the real process of a service with settings from its environment."""
    processes = []

    def launched(**settings: str) -> subprocess.Popen[str]:
        inherited = {name: value for name, value in os.environ.items() if not name.startswith("TELLURION_")}
        own = {f"TELLURION_{name}": value for name, value in settings.items()}
        process = subprocess.Popen(
            [sys.executable, str(PROGRAM)],
            env={**inherited, "TELLURION_LISTEN": f"unix:{socket_folder}/s", **own},
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        processes.append(process)
        return process

    yield launched
    for process in processes:
        process.kill()
        process.communicate()


async def test_health_is_answered_for_the_server_and_for_each_service(start, bare_channel) -> None:
    server = await start(echo)
    channel = bare_channel(server.address)
    assert [await health(channel, name) for name in ("", PROBE)] == ["SERVING", "SERVING"]
    with pytest.raises(grpc.aio.AioRpcError) as caught:
        await health(channel, "tellurion.none.v1.None")
    assert caught.value.code() is grpc.StatusCode.NOT_FOUND


async def test_reflection_lists_the_services(start, bare_channel) -> None:
    server = await start(echo)
    stub = reflection_pb2_grpc.ServerReflectionStub(bare_channel(server.address))
    asked = [reflection_pb2.ServerReflectionRequest(list_services="")]
    [answer] = [answer async for answer in stub.ServerReflectionInfo(iter(asked))]
    assert {PROBE, "grpc.health.v1.Health"} <= {service.name for service in answer.list_services_response.service}


async def test_calls_beyond_the_limit_are_refused(start, bare_channel, ask) -> None:
    free, began = asyncio.Event(), asyncio.Event()

    async def answer(request: Progress, context: Any) -> Progress:
        began.set()
        await free.wait()
        return request

    server = await start(answer, max_concurrent_calls=1)
    channel = bare_channel(server.address)
    first = asyncio.create_task(ask(channel, "unary", "first"))
    await asyncio.wait_for(began.wait(), 5)
    with pytest.raises(ResourceExhausted), rpc_errors():
        await ask(channel, "unary", "second")
    free.set()
    assert await first == "first"
    async with asyncio.timeout(5):  # the place is free a moment after the answer
        while True:
            with suppress(ResourceExhausted), rpc_errors():
                assert await ask(channel, "unary", "third") == "third"
                break
            await asyncio.sleep(0.01)


async def test_a_free_port_is_chosen_and_told(start, bare_channel, ask) -> None:
    server = await start(echo, listen="127.0.0.1:0")
    assert int(server.address.removeprefix("127.0.0.1:")) > 0
    assert await ask(bare_channel(server.address), "unary", "here") == "here"


async def test_a_connection_that_is_old_takes_no_new_calls_and_ends_none(start, bare_channel, ask) -> None:
    """So that clients look their name up again, and find servers that came later."""

    async def answer(request: Progress, context: Any) -> Progress:
        await asyncio.sleep(2 * request.fraction)
        return Progress(message=context.peer())

    server = await start(answer, listen="127.0.0.1:0", connection_seconds=1)
    channel = bare_channel(server.address)
    first = await ask(channel, "unary")
    assert await ask(channel, "unary", fraction=1.0) == first  # begun in time, and older than the connection may become
    assert await ask(channel, "unary") != first


async def test_an_address_in_use_is_refused(start) -> None:
    server = await start(echo, listen="127.0.0.1:0")
    with pytest.raises(InvalidInput) as caught:
        await start(echo, listen=server.address)
    assert caught.value.violations[0].field == "TELLURION_LISTEN"


async def test_on_sigterm_the_server_says_so_first_and_ends_the_call_in_progress(launch, bare_channel) -> None:
    process = launch(DRAIN_SECONDS="0.5")
    ready = json.loads(await asyncio.to_thread(process.stdout.readline))
    assert ready["ready"] == "probe"
    channel = bare_channel(ready["address"])
    assert [await health(channel), await health(channel, OCEAN)] == ["SERVING", "SERVING"]
    call = ocean_pb2_grpc.OceanServiceStub(channel).ListMethods(ocean_pb2.ListMethodsRequest())
    await asyncio.sleep(0.1)
    process.send_signal(signal.SIGTERM)
    async with asyncio.timeout(5):
        while await health(channel) == "SERVING":
            pass
    assert await health(channel, OCEAN) == "NOT_SERVING"
    assert not call.done()
    assert (await call).methods[0].name == "patience"
    _, errors = await asyncio.to_thread(process.communicate, timeout=10)
    assert process.returncode == 0, errors


async def test_calls_that_outlast_the_grace_are_cut_off(launch, bare_channel) -> None:
    process = launch(STOP_SECONDS="0.1")
    channel = bare_channel(json.loads(await asyncio.to_thread(process.stdout.readline))["address"])
    call = ocean_pb2_grpc.OceanServiceStub(channel).ListMethods(ocean_pb2.ListMethodsRequest())
    await asyncio.sleep(0.1)
    process.send_signal(signal.SIGTERM)
    with pytest.raises(grpc.aio.AioRpcError):
        await call
    assert await asyncio.to_thread(process.wait, 10) == 0


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("LISTEN", "nonsense"),
        ("LISTEN", "unix:/no/such/folder/s"),
        ("MAX_CONCURRENT_CALLS", "many"),
        ("LOG_LEVEL", "LOUD"),
        ("TLS_CERTIFICATE", "/no/such/file.pem"),
    ],
)
def test_settings_that_cannot_be_used_end_the_process_with_one_line(launch, name: str, value: str) -> None:
    process = launch(**{name: value})
    output, errors = process.communicate(timeout=20)
    assert (process.returncode, output) == (2, "")
    assert [name in line for line in errors.splitlines()] == [True]


def test_logs_are_json_lines_with_the_call_they_belong_to(launch) -> None:
    process = launch()
    address = json.loads(process.stdout.readline())["address"]
    with grpc.insecure_channel(address) as channel:
        stub = ocean_pb2_grpc.OceanServiceStub(channel)
        stub.ListMethods(ocean_pb2.ListMethodsRequest(), metadata=[("x-request-id", "r-8")])
    process.send_signal(signal.SIGTERM)
    _, errors = process.communicate(timeout=10)
    lines = [json.loads(line) for line in errors.splitlines()]
    events = {line["event"]: line for line in lines}
    assert {"serving", "began", "call", "stopping", "stopped"} <= events.keys()
    assert all({"service", "level", "timestamp"} <= line.keys() for line in lines)
    assert (events["began"]["request_id"], events["began"]["tenant"]) == ("r-8", "local")
    assert (events["call"]["code"], events["call"]["request_id"]) == ("OK", "r-8")
