"""What the harness does for every call before and after the service's own method."""

from __future__ import annotations

import asyncio
import time
from typing import Any

import grpc
import pytest
from prometheus_client import CollectorRegistry
from structlog.testing import capture_logs

from tellurion.common.v1.progress_pb2 import Progress
from tellurion_core.call import Identity, current_call
from tellurion_core.errors import DeadlineExceeded, Internal, InvalidInput, Unauthenticated
from tellurion_core.status import rpc_errors

UNARY = "/tellurion.test.v1.ProbeService/Unary"


async def echo(request: Progress, context: Any) -> Progress:
    return request


async def tell_call(request: Progress, context: Any) -> Progress:
    """The request id, identity and time left, as the servicer sees them."""
    call = current_call.get()
    who = call.identity
    return Progress(message=f"{call.request_id} {who.tenant} {who.subject} {call.time_remaining():.3f} {call.method}")


async def forever(request: Progress, context: Any) -> Progress:
    await asyncio.sleep(3600)
    return request


async def test_the_callers_request_id_is_kept(kind, start, bare_channel, ask) -> None:
    server = await start(tell_call)
    told = await ask(bare_channel(server.address), kind, metadata=[("x-request-id", "trace-7")])
    assert told.split()[0] == "trace-7"
    assert told.split()[4].endswith(kind.capitalize())


@pytest.mark.parametrize("received", ["two words", '{"a":1}', "x" * 65])
async def test_an_unsafe_request_id_is_replaced(received, start, bare_channel, ask) -> None:
    server = await start(tell_call)
    told = await ask(bare_channel(server.address), "unary", metadata=[("x-request-id", received)])
    assert received not in told
    assert len(told.split()[0]) == 32


async def test_the_request_id_comes_back_with_a_failure(start, bare_channel, ask) -> None:
    server = await start(echo)
    with pytest.raises(grpc.aio.AioRpcError) as caught:
        await ask(bare_channel(server.address), "unary", fraction=2, metadata=[("x-request-id", "r-9")])
    assert dict(caught.value.trailing_metadata())["x-request-id"] == "r-9"


async def test_without_an_authenticator_the_caller_is_local(kind, start, bare_channel, ask) -> None:
    server = await start(tell_call)
    assert (await ask(bare_channel(server.address), kind)).split()[1:3] == ["local", "local"]


async def test_the_authenticator_says_who_calls(start, bare_channel, ask) -> None:
    def authenticate(metadata: dict[str, str], context: Any) -> Identity:
        if "x-name" not in metadata:
            raise Unauthenticated("say who you are")
        return Identity("navy", metadata["x-name"])

    server = await start(tell_call, harness={"authenticate": authenticate})
    channel = bare_channel(server.address)
    assert (await ask(channel, "unary", metadata=[("x-name", "ferdinand")])).split()[1:3] == ["navy", "ferdinand"]
    with pytest.raises(Unauthenticated, match="say who"), rpc_errors():
        await ask(channel, "unary")


async def test_a_request_that_breaks_a_rule_never_reaches_the_service(kind, start, bare_channel, ask) -> None:
    reached = []

    async def answer(request: Progress, context: Any) -> Progress:
        reached.append(request)
        return request

    server = await start(answer)
    with pytest.raises(InvalidInput) as caught, rpc_errors():
        await ask(bare_channel(server.address), kind, fraction=1.5)
    assert [violation.field for violation in caught.value.violations] == ["fraction"]
    assert reached == []


async def test_the_smaller_of_the_callers_and_the_services_deadline_holds(start, bare_channel, ask) -> None:
    server = await start(tell_call, max_call_seconds=20)
    channel = bare_channel(server.address)
    for timeout, least, most in ((5, 4, 5), (60, 19, 20), (None, 19, 20)):
        told = await ask(channel, "unary", timeout=timeout)
        assert least < float(told.split()[3]) <= most * 1.02  # gRPC rounds timeouts up on the wire


@pytest.mark.parametrize(
    ("told", "most"),
    [("5000", 5.0), ("0005000", 5.0), ("9" * 12, 20.0), ("", 20.0), ("-1", 20.0), ("1e3", 20.0)],
)
async def test_a_caller_tells_its_time_exactly_and_nobody_gets_more_by_it(told, most, start, bare_channel, ask) -> None:
    server = await start(tell_call, max_call_seconds=20)
    answer = await ask(bare_channel(server.address), "unary", metadata=[("x-timeout-ms", told)], timeout=60)
    assert most - 1 < float(answer.split()[3]) <= most


async def test_a_call_is_stopped_at_the_services_deadline(kind, start, bare_channel, ask) -> None:
    server = await start(forever, max_call_seconds=0.1)
    began = time.monotonic()
    with pytest.raises(DeadlineExceeded, match=r"not done within 0\.1 s"), rpc_errors():
        await ask(bare_channel(server.address), kind, timeout=30)
    assert time.monotonic() - began < 5


async def test_the_callers_deadline_stops_the_service_too(kind, start, bare_channel, ask) -> None:
    stopped = asyncio.Event()

    async def answer(request: Progress, context: Any) -> Progress:
        try:
            return await forever(request, context)
        finally:
            stopped.set()

    server = await start(answer)
    with pytest.raises(DeadlineExceeded), rpc_errors():
        await ask(bare_channel(server.address), kind, timeout=0.1)
    await asyncio.wait_for(stopped.wait(), 5)


async def test_a_cancelled_call_is_cancelled_in_the_service(kind, start, bare_channel, ask) -> None:
    began, stopped = asyncio.Event(), asyncio.Event()

    async def answer(request: Progress, context: Any) -> Progress:
        began.set()
        try:
            return await forever(request, context)
        except asyncio.CancelledError:
            stopped.set()
            raise

    registry = CollectorRegistry()
    server = await start(answer, harness={"registry": registry})
    asked = asyncio.create_task(ask(bare_channel(server.address), kind))
    await asyncio.wait_for(began.wait(), 5)
    asked.cancel()
    await asyncio.wait_for(stopped.wait(), 5)
    method = UNARY.replace("Unary", kind.capitalize())
    await server.stop()  # waits until the harness has written the call down
    assert registry.get_sample_value("tellurion_rpc_total", {"method": method, "code": "CANCELLED"}) == 1
    assert registry.get_sample_value("tellurion_rpc_active", {"method": method}) == 0


async def test_a_fault_is_logged_and_its_message_stays_inside(kind, start, bare_channel, ask) -> None:
    async def answer(request: Progress, context: Any) -> Progress:
        raise ValueError("the password is swordfish")

    server = await start(answer)
    with capture_logs() as lines, pytest.raises(Internal) as caught, rpc_errors():
        await ask(bare_channel(server.address), kind, metadata=[("x-request-id", "r-5")])
    assert "swordfish" not in caught.value.message
    assert "r-5" in caught.value.message
    [line] = [line for line in lines if line["event"] == "call failed"]
    assert (line["request_id"], line["exc_info"], line["log_level"]) == ("r-5", True, "error")


async def test_each_call_leaves_one_line_with_its_status(start, bare_channel, ask) -> None:
    server = await start(echo)
    with capture_logs() as lines:
        await ask(bare_channel(server.address), "unary", metadata=[("x-request-id", "r-6")])
    [line] = [line for line in lines if line["event"] == "call"]
    assert (line["method"], line["code"], line["request_id"]) == (UNARY, "OK", "r-6")
    assert line["seconds"] >= 0


async def test_calls_are_counted_and_timed_by_method_and_status(start, bare_channel, ask) -> None:
    registry = CollectorRegistry()
    server = await start(echo, harness={"registry": registry})
    channel = bare_channel(server.address)
    for _ in range(3):
        await ask(channel, "unary")
    with pytest.raises(grpc.aio.AioRpcError):
        await ask(channel, "unary", fraction=2)

    def counted(name: str, **labels: str) -> float | None:
        return registry.get_sample_value(name, {"method": UNARY, **labels})

    assert counted("tellurion_rpc_total", code="OK") == 3
    assert counted("tellurion_rpc_total", code="INVALID_ARGUMENT") == 1
    assert counted("tellurion_rpc_seconds_count") == 4
    assert counted("tellurion_rpc_active") == 0


async def test_a_method_that_does_not_exist_is_unimplemented(start, bare_channel) -> None:
    server = await start(echo)
    with pytest.raises(grpc.aio.AioRpcError) as caught:
        await bare_channel(server.address).unary_unary("/tellurion.test.v1.ProbeService/None")(b"")
    assert caught.value.code() is grpc.StatusCode.UNIMPLEMENTED
