"""What a call passes on of the call that it is made for, and what is tried again."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from google.longrunning import operations_pb2

from tellurion.common.v1.progress_pb2 import Progress
from tellurion_core.call import Call, Identity, current_call
from tellurion_core.client import DEADLINE_MARGIN, Channels, service_config
from tellurion_core.errors import DeadlineExceeded, Unavailable
from tellurion_core.status import rpc_errors


@pytest.fixture
async def channels(probe_descriptor) -> AsyncIterator[Channels]:
    opened = Channels([probe_descriptor])
    yield opened
    await opened.close()


ROUNDING = 1.02
"""gRPC rounds timeouts up on the wire, by at most two in a hundred."""


@contextmanager
def answering(seconds: float) -> Iterator[None]:
    """As in the middle of a call that has so many seconds left."""
    token = current_call.set(Call("/m", "front-1", Identity("local", "local"), time.monotonic() + seconds))
    try:
        yield
    finally:
        current_call.reset(token)


async def tell_call(request: Progress, context: Any) -> Progress:
    call = current_call.get()
    return Progress(message=f"{call.time_remaining():.3f} {call.request_id}")


async def echo(request: Progress, context: Any) -> Progress:
    return request


@pytest.mark.parametrize(
    ("own", "left", "expected"), [(None, 8, 8 - DEADLINE_MARGIN), (20, 8, 8 - DEADLINE_MARGIN), (3, 8, 3)]
)
async def test_a_call_gets_the_smaller_of_its_own_and_the_callers_time(
    kind, own, left, expected, start, channels, ask
) -> None:
    server = await start(tell_call)
    with answering(left):
        told = await ask(channels.to(server.address), kind, timeout=own)
    assert expected - 1 < float(told.split()[0]) <= expected * ROUNDING


@pytest.mark.parametrize("seconds", [0.5, 2.0, 9.999, 101.3, 3500.0])
async def test_a_deadline_never_grows_from_hop_to_hop(seconds, start, channels, ask) -> None:
    server = await start(tell_call)
    for left in (1.02 * seconds, seconds):  # gRPC would send the first one again, which is near enough for it
        with answering(left):
            told = await ask(channels.to(server.address), "unary")
        assert float(told.split()[0]) <= left - DEADLINE_MARGIN


async def test_outside_of_a_call_the_own_time_alone_counts(kind, start, channels, ask) -> None:
    server = await start(tell_call)
    told = await ask(channels.to(server.address), kind, timeout=30)
    assert 29 < float(told.split()[0]) <= 30 * ROUNDING


async def test_a_call_whose_caller_has_no_time_left_is_not_made(kind, start, channels, ask) -> None:
    reached = []

    async def answer(request: Progress, context: Any) -> Progress:
        reached.append(request)
        return request

    server = await start(answer)
    with answering(DEADLINE_MARGIN / 2), pytest.raises(DeadlineExceeded), rpc_errors():
        await ask(channels.to(server.address), kind)
    assert reached == []


async def test_the_request_id_is_passed_on_through_two_servers(kind, start, channels, ask, bare_channel) -> None:
    back = await start(tell_call)

    async def forward(request: Progress, context: Any) -> Progress:
        return Progress(message=await ask(channels.to(back.address), kind))

    front = await start(forward)
    told = await ask(bare_channel(front.address), "unary", metadata=[("x-request-id", "r-3")], timeout=10)
    seconds, request_id = told.split()
    assert request_id == "r-3"
    assert 8 < float(seconds) <= 10 * ROUNDING


async def test_what_is_safe_to_repeat_is_tried_again_while_unavailable(start, channels, ask) -> None:
    attempts = []

    async def answer(request: Progress, context: Any) -> Progress:
        attempts.append(request)
        if len(attempts) <= 2:
            raise Unavailable("a moment")
        return request

    server = await start(answer)
    assert await ask(channels.to(server.address), "unary", "third") == "third"
    assert len(attempts) == 3


async def test_what_is_not_known_to_be_safe_is_never_repeated(start, channels, ask) -> None:
    attempts = []

    async def answer(request: Progress, context: Any) -> Progress:
        attempts.append(request)
        raise Unavailable("a moment")

    server = await start(answer)
    with pytest.raises(Unavailable), rpc_errors():
        await ask(channels.to(server.address), "write")
    assert len(attempts) == 1


async def test_other_failures_are_not_repeated(start, channels, ask) -> None:
    attempts = []

    async def answer(request: Progress, context: Any) -> Progress:
        attempts.append(request)
        raise DeadlineExceeded("too late")

    server = await start(answer)
    with pytest.raises(DeadlineExceeded), rpc_errors():
        await ask(channels.to(server.address), "unary")
    assert len(attempts) == 1


def test_the_policy_names_exactly_the_safe_methods(probe_descriptor) -> None:
    [policy] = json.loads(service_config([probe_descriptor]))["methodConfig"]
    assert {name["method"] for name in policy["name"]} == {"Unary", "Down", "Up", "Both"}
    assert policy["retryPolicy"]["retryableStatusCodes"] == ["UNAVAILABLE"]
    assert json.loads(service_config([]))["methodConfig"] == []


def test_what_is_asked_of_operations_is_safe_although_their_protos_do_not_say_so() -> None:
    operations = operations_pb2.DESCRIPTOR.services_by_name["Operations"]
    [policy] = json.loads(service_config([operations]))["methodConfig"]
    expected = {"ListOperations", "GetOperation", "DeleteOperation", "CancelOperation", "WaitOperation"}
    assert {name["method"] for name in policy["name"]} == expected


async def test_one_channel_is_kept_for_each_address(start, channels, ask) -> None:
    peers = []

    async def answer(request: Progress, context: Any) -> Progress:
        peers.append(context.peer())
        return request

    servers = [await start(answer, listen="127.0.0.1:0") for _ in range(2)]
    first, again, other = (channels.to(servers[index].address) for index in (0, 0, 1))
    assert first is again is not other
    for channel in (first, again):
        await ask(channel, "unary")
    assert peers[0] == peers[1]  # the same connection


async def test_calls_are_spread_over_all_addresses_of_a_name(start, channels, ask) -> None:
    answered = []

    def answering_as(number: int) -> Any:
        async def answer(request: Progress, context: Any) -> Progress:
            answered.append(number)
            return request

        return answer

    servers = [await start(answering_as(number), listen="127.0.0.1:0") for number in range(2)]
    both = channels.to("ipv4:" + ",".join(server.address for server in servers))
    async with asyncio.timeout(5):  # the second connection is made a moment after the first
        while set(answered[-2:]) != {0, 1}:
            await ask(both, "unary")
    answered.clear()
    for _ in range(10):
        await ask(both, "unary")
    assert sorted(answered) == [0] * 5 + [1] * 5


async def test_a_channel_is_opened_anew_after_all_were_closed(start, channels, ask) -> None:
    server = await start(echo)
    old = channels.to(server.address)
    await channels.close()
    assert channels.to(server.address) is not old
    assert await ask(channels.to(server.address), "unary", "again") == "again"
