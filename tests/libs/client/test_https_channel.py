"""The channel to a gateway, where what answers there does not do as it should: scripted byte by byte."""

from __future__ import annotations

import json
import socket
import threading
import time
from collections.abc import Callable, Iterator

import grpc
import pytest

from tellurion.ocean.v1 import ocean_pb2, ocean_pb2_grpc
from tellurion_client.https.channel import HttpsChannel
from tellurion_core.client import service_config
from tellurion_core.errors import InvalidInput, NotFound, Unauthenticated, Unavailable
from tellurion_core.grpc_web import MEDIA_TYPE, frame, trailers
from tellurion_core.status import from_rpc_error, problem

METHODS = ocean_pb2.ListMethodsResponse(depth=[0, 100])


def answer(status: int, media_type: str, body: bytes, *headers: str) -> bytes:
    head = [f"HTTP/1.1 {status} X", f"Content-Type: {media_type}", f"Content-Length: {len(body)}", *headers, "", ""]
    return "\r\n".join(head).encode() + body


WHOLE = answer(200, MEDIA_TYPE, frame(METHODS.SerializeToString()) + trailers(None, "r"))


class Scripted:
    """A server that gives each request the next of its answers, and closes the connection after an empty one."""

    def __init__(self, *answers: bytes) -> None:
        self.requests: list[bytes] = []
        self.connections = 0
        self._answers = list(answers)
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.url = f"http://127.0.0.1:{self._listener.getsockname()[1]}/v1/grpc/ocean"
        threading.Thread(target=self._serve, daemon=True).start()

    def close(self) -> None:
        """Stops listening."""
        self._listener.close()

    def _serve(self) -> None:
        while self._answers:
            try:
                connection, _ = self._listener.accept()
            except OSError:  # closed
                return
            self.connections += 1
            with connection:
                while self._answers and (request := connection.recv(1 << 16)):
                    self.requests.append(request)
                    said = self._answers.pop(0)
                    connection.sendall(said)
                    if not said or b"close" in said:
                        break


@pytest.fixture
def scripted() -> Iterator[Callable[..., tuple[Scripted, ocean_pb2_grpc.OceanServiceStub]]]:
    opened = []

    def start(*answers: bytes, key: str | None = None) -> tuple[Scripted, ocean_pb2_grpc.OceanServiceStub]:
        server = Scripted(*answers)
        config = service_config(ocean_pb2.DESCRIPTOR.services_by_name.values())
        channel = HttpsChannel(server.url, None, api_key=key, service_config=config)
        opened.extend((channel, server))
        return server, ocean_pb2_grpc.OceanServiceStub(channel)

    yield start
    for each in opened:
        each.close()


Start = Callable[..., tuple[Scripted, ocean_pb2_grpc.OceanServiceStub]]


def listed(stub: ocean_pb2_grpc.OceanServiceStub, timeout: float = 20) -> ocean_pb2.ListMethodsResponse:
    return stub.ListMethods(ocean_pb2.ListMethodsRequest(), timeout=timeout)


def test_a_request_carries_the_key_the_deadline_and_one_message(scripted: Start) -> None:
    server, stub = scripted(WHOLE, key="tell_12345678_x")
    assert listed(stub, 2.5) == METHODS
    head, _, body = server.requests[0].partition(b"\r\n\r\n")
    first, *lines = head.decode().split("\r\n")
    headers = {name.lower(): value for name, _, value in (line.partition(": ") for line in lines)}
    assert first == "POST /v1/grpc/ocean/tellurion.ocean.v1.OceanService/ListMethods HTTP/1.1"
    assert headers["authorization"] == "Bearer tell_12345678_x"
    assert headers["grpc-timeout"] == "2500m"
    assert (headers["content-type"], body) == (MEDIA_TYPE, frame(b""))


def test_connections_are_used_again(scripted: Start) -> None:
    server, stub = scripted(WHOLE, WHOLE, WHOLE)
    for _ in range(3):
        assert listed(stub) == METHODS
    assert server.connections == 1


def test_what_is_safe_is_asked_again_where_a_connection_breaks_off(scripted: Start) -> None:
    server, stub = scripted(b"", b"", WHOLE)
    assert listed(stub) == METHODS
    assert len(server.requests) == 3


def test_and_where_the_gateway_says_that_it_is_not_there(scripted: Start) -> None:
    busy = problem(Unavailable("64 requests are being answered", reason="OVERLOADED"), instance="/", request_id="r")
    refused = answer(503, "application/problem+json", json.dumps(busy).encode(), "Connection: close")
    server, stub = scripted(refused, WHOLE)
    assert listed(stub) == METHODS
    assert len(server.requests) == 2


def test_it_is_asked_again_no_sooner_than_it_says(scripted: Start) -> None:
    overloaded = json.dumps(problem(Unavailable("try again"), instance="/", request_id="r")).encode()
    server, stub = scripted(
        answer(503, "application/problem+json", overloaded, "Retry-After: 1", "Connection: close"), WHOLE
    )
    began = time.monotonic()
    assert listed(stub) == METHODS
    assert 1 <= time.monotonic() - began < 10
    server, stub = scripted(answer(503, "text/plain", b"", "Retry-After: 999999999", "Connection: close"), WHOLE)
    with pytest.raises(grpc.RpcError) as failed:
        listed(stub, 0.5)
    assert failed.value.code() is grpc.StatusCode.DEADLINE_EXCEEDED
    assert len(server.requests) == 1


def test_it_is_asked_four_times_and_no_more(scripted: Start) -> None:
    server, stub = scripted(*[b""] * 6)
    with pytest.raises(grpc.RpcError) as failed:
        listed(stub)
    assert failed.value.code() is grpc.StatusCode.UNAVAILABLE
    assert len(server.requests) == 4


def test_what_the_gateway_has_asked_for_in_vain_is_not_asked_again(scripted: Start) -> None:
    server, stub = scripted(answer(200, MEDIA_TYPE, trailers(Unavailable("the ocean service does not answer"), "r")))
    with pytest.raises(grpc.RpcError) as failed:
        listed(stub)
    assert isinstance(from_rpc_error(failed.value), Unavailable)
    assert len(server.requests) == 1


def test_what_has_begun_to_answer_is_not_asked_again(scripted: Start) -> None:
    begun = frame(ocean_pb2.EvaluateResponse().SerializeToString())
    broken = f"HTTP/1.1 200 X\r\nContent-Type: {MEDIA_TYPE}\r\nConnection: close\r\n\r\n".encode() + begun
    server, stub = scripted(broken, broken)
    with pytest.raises(grpc.RpcError) as failed:
        list(stub.Evaluate(ocean_pb2.EvaluateRequest()))
    assert failed.value.code() is grpc.StatusCode.UNAVAILABLE
    assert len(server.requests) == 1


@pytest.mark.parametrize(
    ("error", "status"),
    [
        (Unauthenticated("the key is not known"), 401),
        (NotFound("there is no such thing"), 404),
        (InvalidInput.of("month", received="13", accepted="1 to 12"), 422),
    ],
)
def test_a_problem_document_is_the_error_that_it_tells(scripted: Start, error: Exception, status: int) -> None:
    document = json.dumps(problem(error, instance="/", request_id="r")).encode()  # type: ignore[arg-type]
    _, stub = scripted(answer(status, "application/problem+json", document))
    with pytest.raises(grpc.RpcError) as failed:
        listed(stub)
    found = from_rpc_error(failed.value)
    assert (type(found), found.message) == (type(error), str(error))


@pytest.mark.parametrize(
    ("said", "code"),
    [
        (answer(302, "text/html", b"", "Location: http://169.254.169.254/"), grpc.StatusCode.INTERNAL),
        (answer(407, "text/html", b"<html>"), grpc.StatusCode.INVALID_ARGUMENT),
        (answer(200, "text/html", b"<html>sign in</html>"), grpc.StatusCode.INTERNAL),
        (answer(200, MEDIA_TYPE, b"\x00\xff\xff\xff\xff"), grpc.StatusCode.RESOURCE_EXHAUSTED),
        (answer(200, MEDIA_TYPE, frame(b"") + trailers(None, "")[:5]), grpc.StatusCode.UNAVAILABLE),
        (answer(200, MEDIA_TYPE, frame(b"")), grpc.StatusCode.UNAVAILABLE),
        (answer(200, MEDIA_TYPE, trailers(None, "")), grpc.StatusCode.INTERNAL),
        (b"SSH-2.0-OpenSSH_9.6\r\n\r\n", grpc.StatusCode.UNAVAILABLE),
    ],
)
def test_what_is_no_answer_of_a_gateway_is_a_failure(scripted: Start, said: bytes, code: grpc.StatusCode) -> None:
    _, stub = scripted(*[said] * 4)
    with pytest.raises(grpc.RpcError) as failed:
        listed(stub)
    assert failed.value.code() is code


def test_who_does_not_answer_is_not_waited_for(scripted: Start) -> None:
    _, stub = scripted(b"HTTP/1.1 200 X\r\n")
    with pytest.raises(grpc.RpcError) as failed:
        listed(stub, timeout=0.5)
    assert failed.value.code() is grpc.StatusCode.DEADLINE_EXCEEDED
