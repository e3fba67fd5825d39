"""Errors travel over a real server whole, and become problem documents for HTTP."""

from __future__ import annotations

from typing import Any

import grpc
import pytest
from google.rpc import error_details_pb2, status_pb2

from tellurion_core.errors import KINDS, FieldViolation, Internal, InvalidInput, TellurionError
from tellurion_core.status import DETAILS_KEY, problem, rpc_errors

VIOLATIONS = (
    FieldViolation("latitude[3]", "91.0", "-90 to 90 degrees_north"),
    FieldViolation("month", "13", "1 to 12"),
)


def made(kind: type[TellurionError]) -> TellurionError:
    return InvalidInput(*VIOLATIONS, reason="ODD") if kind is InvalidInput else kind("it is so", reason="ODD")


def failing(error: Exception) -> Any:
    async def answer(request: Any, context: Any) -> Any:
        raise error

    return answer


@pytest.mark.parametrize("raised", KINDS, ids=lambda kind: kind.__name__)
async def test_each_kind_arrives_as_it_was_raised(raised, start, bare_channel, ask) -> None:
    error = made(raised)
    server = await start(failing(error))
    with pytest.raises(raised) as caught, rpc_errors():
        await ask(bare_channel(server.address), "unary")
    assert type(caught.value) is raised
    assert (caught.value.message, caught.value.reason) == (error.message, "ODD")
    if raised is InvalidInput:
        assert caught.value.violations == VIOLATIONS


async def test_details_arrive_by_every_kind_of_call(kind, start, bare_channel, ask) -> None:
    server = await start(failing(InvalidInput(*VIOLATIONS)))
    with pytest.raises(InvalidInput) as caught, rpc_errors():
        await ask(bare_channel(server.address), kind)
    assert caught.value.violations == VIOLATIONS


async def test_the_details_are_those_that_any_grpc_client_reads(start, bare_channel, ask) -> None:
    server = await start(failing(InvalidInput(*VIOLATIONS)))
    with pytest.raises(grpc.aio.AioRpcError) as caught:
        await ask(bare_channel(server.address), "unary", metadata=[("x-request-id", "r-1")])
    metadata = dict(caught.value.trailing_metadata())
    status = status_pb2.Status.FromString(metadata[DETAILS_KEY])
    info, bad = error_details_pb2.ErrorInfo(), error_details_pb2.BadRequest()
    assert status.code == grpc.StatusCode.INVALID_ARGUMENT.value[0]
    assert status.details[0].Unpack(info)
    assert status.details[1].Unpack(bad)
    assert (info.reason, info.domain, dict(info.metadata)) == ("INVALID_INPUT", "tellurion", {"request_id": "r-1"})
    assert [violation.field for violation in bad.field_violations] == ["latitude[3]", "month"]


async def test_a_status_that_we_do_not_use_is_internal_to_its_caller(start, bare_channel, ask) -> None:
    async def answer(request: Any, context: Any) -> Any:
        await context.abort(grpc.StatusCode.FAILED_PRECONDITION, "not ours")

    server = await start(answer)
    with pytest.raises(Internal, match="not ours"), rpc_errors():
        await ask(bare_channel(server.address), "unary")


async def test_details_that_cannot_be_read_leave_the_status(start, bare_channel, ask) -> None:
    async def answer(request: Any, context: Any) -> Any:
        await context.abort(grpc.StatusCode.INVALID_ARGUMENT, "odd", ((DETAILS_KEY, b"\xff\xff\xff"),))

    server = await start(answer)
    with pytest.raises(InvalidInput, match="odd") as caught, rpc_errors():
        await ask(bare_channel(server.address), "unary")
    assert caught.value.violations == ()


@pytest.mark.parametrize("raised", KINDS, ids=lambda kind: kind.__name__)
def test_a_problem_document_says_status_reason_and_request(raised: type[TellurionError]) -> None:
    document = problem(made(raised), instance="/v1/x", request_id="r-1")
    assert document["status"] == raised.http_status
    assert document["type"] == "urn:tellurion:problem:odd"
    assert (document["instance"], document["request_id"]) == ("/v1/x", "r-1")
    assert document["detail"] == made(raised).message
    assert document["title"]
    if raised is InvalidInput:
        assert document["errors"][1] == {"field": "month", "received": "13", "accepted": "1 to 12"}
    else:
        assert "errors" not in document
