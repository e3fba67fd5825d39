"""Every RPC as gRPC-Web: what the services answer over gRPC, streamed both ways, and hostile bodies refused."""

from __future__ import annotations

import asyncio
import ssl
import struct
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import grpc
import httpx
import numpy as np
import pytest

from tellurion.common.v1 import tensor_pb2
from tellurion.ocean.v1 import ocean_pb2, ocean_pb2_grpc
from tellurion.pointcloud.v1 import pointcloud_pb2, pointcloud_pb2_grpc
from tellurion_client.https.channel import HttpsChannel
from tellurion_core.client import service_config
from tellurion_core.errors import InvalidInput
from tellurion_core.grpc_web import MEDIA_TYPE, FrameReader, frame, read_trailers
from tellurion_core.server import Service
from tellurion_core.status import from_rpc_error
from tellurion_core.tensors import encode

LIST = "/v1/grpc/ocean/tellurion.ocean.v1.OceanService/ListMethods"
HEADERS = {"Content-Type": MEDIA_TYPE}


class ScriptedClouds(pointcloud_pb2_grpc.PointCloudServiceServicer):
    """A service that answers each message at once, and one that never takes a second."""

    async def Encode(self, requests, context):  # noqa: N802
        async for request in requests:
            yield pointcloud_pb2.EncodeResponse(report=pointcloud_pb2.EncodeReport(points=request.spec.points))
            if request.spec.points == 99:
                await asyncio.sleep(60)

    async def Detect(self, requests, context):  # noqa: N802
        async for _ in requests:
            raise InvalidInput.of("request", received="a chunk", accepted="the specification first")


@pytest.fixture(scope="module")
def bridged(
    start_gateway: Callable[..., Any], request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Any]:
    """A gateway in front of both scripted services, and its ocean."""
    register = pointcloud_pb2_grpc.add_PointCloudServiceServicer_to_server
    clouds = Service("tellurion.pointcloud.v1.PointCloudService", register, ScriptedClouds())
    served = type(request.getfixturevalue("served_ocean"))(f"unix:{tmp_path_factory.mktemp('s')}/s", clouds)
    gateway = start_gateway(ocean_address=served.address, pointcloud_address=served.address)
    gateway.ocean, gateway.direct = served.ocean, served.address
    yield gateway
    served.stop()


@pytest.fixture
def channel(bridged: Any, certificate: tuple[Path, Path]) -> Iterator[Callable[[str], HttpsChannel]]:
    """Opens channels to a service of it."""
    context, opened = ssl.create_default_context(cafile=certificate[0]), []
    config = service_config(ocean_pb2.DESCRIPTOR.services_by_name.values())

    def to(service: str) -> HttpsChannel:
        url = f"{bridged.address}/v1/grpc/{service}"
        opened.append(HttpsChannel(url, context, api_key=None, service_config=config))
        return opened[-1]

    yield to
    for each in opened:
        each.close()


def parts(method: str) -> Iterator[ocean_pb2.ReconstructRequest]:
    yield ocean_pb2.ReconstructRequest(spec=ocean_pb2.ReconstructSpec(method=method, month=2, members=1))
    for name in ("latitude", "longitude", "depth", "temperature", "uncertainty"):
        for part in encode(name, np.full(3, 11.0)):
            yield ocean_pb2.ReconstructRequest(tensor=part)


def cloud(points: int) -> pointcloud_pb2.EncodeRequest:
    return pointcloud_pb2.EncodeRequest(spec=pointcloud_pb2.EncodeSpec(model="mmpt", points=points))


def test_answers_are_those_of_grpc(bridged: Any, channel: Callable[[str], HttpsChannel]) -> None:
    evaluation = ocean_pb2.EvaluateRequest(month=2, observed=0.1, methods=["echo"], members=2)
    with grpc.insecure_channel(bridged.direct) as direct:
        for _ in range(2):  # the second time over the connection of the first
            ours, theirs = (ocean_pb2_grpc.OceanServiceStub(each) for each in (channel("ocean"), direct))
            nothing = ocean_pb2.ListMethodsRequest()
            assert ours.ListMethods(nothing) == theirs.ListMethods(nothing)
            # As bytes: a score that is not a number equals nothing.
            assert [each.SerializeToString() for each in ours.Evaluate(evaluation)] == [
                each.SerializeToString() for each in theirs.Evaluate(evaluation)
            ]
            assert list(ours.Reconstruct(parts("echo"))) == list(theirs.Reconstruct(parts("echo")))


def test_what_a_service_refuses_is_told_with_its_fields(channel: Callable[[str], HttpsChannel]) -> None:
    stub = ocean_pb2_grpc.OceanServiceStub(channel("ocean"))
    with pytest.raises(grpc.RpcError) as failed:
        list(stub.Reconstruct(parts("nonesuch"), metadata=(("x-request-id", "bridge-1"),)))
    error = from_rpc_error(failed.value)
    assert isinstance(error, InvalidInput)
    assert [v.field for v in error.violations] == ["method"]
    assert dict(failed.value.trailing_metadata())["x-request-id"] == "bridge-1"


@pytest.mark.parametrize(
    ("method", "code", "secret"),
    [("broken", grpc.StatusCode.INTERNAL, "hunter2"), ("failing", grpc.StatusCode.UNAVAILABLE, "10.0.0.7")],
)
def test_what_fails_behind_the_gateway_is_told_without_its_details(
    channel: Callable[[str], HttpsChannel], method: str, code: grpc.StatusCode, secret: str
) -> None:
    with pytest.raises(grpc.RpcError) as failed:
        list(ocean_pb2_grpc.OceanServiceStub(channel("ocean")).Reconstruct(parts(method)))
    assert failed.value.code() is code
    assert secret not in str(failed.value) + str(failed.value.trailing_metadata())


def test_a_service_that_is_not_installed_is_not_found(channel: Callable[[str], HttpsChannel]) -> None:
    for service in ("splat", "nonesuch"):
        with pytest.raises(grpc.RpcError) as failed:
            ocean_pb2_grpc.OceanServiceStub(channel(service)).ListMethods(ocean_pb2.ListMethodsRequest())
        assert failed.value.code() is grpc.StatusCode.NOT_FOUND


@pytest.mark.parametrize(
    "method",
    [
        "tellurion.ocean.v1.OceanService/DropTables",
        "grpc.health.v1.Health/Check",
        "grpc.reflection.v1alpha.ServerReflection/ServerReflectionInfo",
        "tellurion.splat.v1.SplatService/Describe",
    ],
)
def test_only_the_methods_of_the_service_may_be_called(bridged: Any, method: str) -> None:
    answer = bridged.client.post(f"/v1/grpc/ocean/{method}", content=frame(b""), headers=HEADERS)
    assert status(answer) is grpc.StatusCode.NOT_FOUND


def test_answers_come_while_requests_are_sent(channel: Callable[[str], HttpsChannel]) -> None:
    answered = threading.Semaphore(0)

    def requests() -> Iterator[pointcloud_pb2.EncodeRequest]:
        for points in range(1, 6):
            yield cloud(points)
            assert answered.acquire(timeout=10)  # the next is made when this one is answered

    told = []
    for response in pointcloud_pb2_grpc.PointCloudServiceStub(channel("pointcloud")).Encode(requests(), timeout=30):
        told.append(response.report.points)
        answered.release()
    assert told == [1, 2, 3, 4, 5]


def test_a_service_that_does_not_read_holds_its_caller_back(
    bridged: Any, channel: Callable[[str], HttpsChannel]
) -> None:
    before, sent = bridged.peak_memory(), 0

    def requests() -> Iterator[pointcloud_pb2.EncodeRequest]:
        nonlocal sent
        yield cloud(99)
        while True:
            sent += 1
            yield pointcloud_pb2.EncodeRequest(tensor=tensor_pb2.TensorPart(chunk=bytes(512 << 10)))

    call = pointcloud_pb2_grpc.PointCloudServiceStub(channel("pointcloud")).Encode(requests(), timeout=30)
    assert next(call).report.points == 99
    time.sleep(2)
    held, _ = sent, time.sleep(1)
    assert held == sent < 100
    assert bridged.peak_memory() - before < 50 << 20
    call.cancel()


def test_requests_that_fail_end_the_call(channel: Callable[[str], HttpsChannel]) -> None:
    def requests() -> Iterator[pointcloud_pb2.EncodeRequest]:
        yield cloud(1)
        raise ValueError("the caller's own")

    with pytest.raises(grpc.RpcError) as failed:
        list(pointcloud_pb2_grpc.PointCloudServiceStub(channel("pointcloud")).Encode(requests(), timeout=30))
    assert failed.value.code() is grpc.StatusCode.UNKNOWN


def test_a_refusal_ends_a_stream_of_requests_that_would_not_end(channel: Callable[[str], HttpsChannel]) -> None:
    def requests() -> Iterator[pointcloud_pb2.DetectRequest]:
        while True:
            yield pointcloud_pb2.DetectRequest(tensor=tensor_pb2.TensorPart(chunk=bytes(512 << 10)))

    began = time.monotonic()
    with pytest.raises(grpc.RpcError) as failed:
        pointcloud_pb2_grpc.PointCloudServiceStub(channel("pointcloud")).Detect(requests(), timeout=30)
    assert failed.value.code() is grpc.StatusCode.INVALID_ARGUMENT
    assert time.monotonic() - began < 4  # the service would read on for five seconds


def test_cancelling_reaches_the_service(bridged: Any, channel: Callable[[str], HttpsChannel]) -> None:
    bridged.ocean.cancelled.clear()
    call = ocean_pb2_grpc.OceanServiceStub(channel("ocean")).Reconstruct(parts("slow"))
    assert next(call).progress.fraction == 0.25
    call.cancel()
    with pytest.raises(grpc.RpcError) as failed:
        next(call)
    assert failed.value.code() is grpc.StatusCode.CANCELLED
    assert bridged.ocean.cancelled.wait(5)


def test_closing_the_channel_ends_its_calls(bridged: Any, channel: Callable[[str], HttpsChannel]) -> None:
    bridged.ocean.cancelled.clear()
    opened = channel("ocean")
    call = ocean_pb2_grpc.OceanServiceStub(opened).Reconstruct(parts("slow"))
    next(call)
    closing = threading.Timer(0.2, opened.close)
    closing.start()
    with pytest.raises(grpc.RpcError) as failed:
        next(call)
    assert failed.value.code() is grpc.StatusCode.CANCELLED
    assert bridged.ocean.cancelled.wait(5)
    closing.join()


def test_a_deadline_is_kept_and_reaches_the_service(bridged: Any, channel: Callable[[str], HttpsChannel]) -> None:
    bridged.ocean.cancelled.clear()
    began = time.monotonic()
    with pytest.raises(grpc.RpcError) as failed:
        list(ocean_pb2_grpc.OceanServiceStub(channel("ocean")).Reconstruct(parts("slow"), timeout=1.0))
    assert failed.value.code() is grpc.StatusCode.DEADLINE_EXCEEDED
    assert time.monotonic() - began < 3
    assert bridged.ocean.cancelled.wait(5)


def status(answer: httpx.Response) -> grpc.StatusCode:
    """The status of an answer that ends in its trailers."""
    assert answer.status_code == 200, answer.text
    ends, content = list(FrameReader().feed(answer.content))[-1]
    assert ends
    return read_trailers(content)[0]


@pytest.mark.parametrize(
    ("body", "code"),
    [
        (b"", grpc.StatusCode.INVALID_ARGUMENT),
        (frame(b"") * 2, grpc.StatusCode.INVALID_ARGUMENT),
        (frame(b"\xff\xff\xff"), grpc.StatusCode.INVALID_ARGUMENT),
        (frame(b"")[:-1], grpc.StatusCode.DATA_LOSS),
        (b"\x01" + frame(b"")[1:], grpc.StatusCode.DATA_LOSS),
        (struct.pack(">BI", 0x80, 0), grpc.StatusCode.DATA_LOSS),
        (struct.pack(">BI", 0, 2**32 - 1), grpc.StatusCode.RESOURCE_EXHAUSTED),
        (b'{"json": true}', grpc.StatusCode.DATA_LOSS),
    ],
)
def test_a_body_that_is_not_one_message_is_refused(bridged: Any, body: bytes, code: grpc.StatusCode) -> None:
    assert status(bridged.client.post(LIST, content=body, headers=HEADERS)) is code
    assert status(bridged.client.post(LIST, content=frame(b""), headers=HEADERS)) is grpc.StatusCode.OK


def test_other_media_types_and_methods_are_refused(bridged: Any) -> None:
    for headers in ({"Content-Type": "application/json"}, {}, HEADERS | {"Content-Encoding": "gzip"}):
        answer = bridged.client.post(LIST, content=frame(b""), headers=headers)
        assert (answer.status_code, answer.headers["Content-Type"]) == (415, "application/problem+json")
    assert bridged.client.get(LIST).status_code == 405


def test_requests_are_counted_by_route_and_not_by_path(bridged: Any) -> None:
    bridged.client.post("/v1/grpc/secret-name/a.B/C", content=frame(b""), headers=HEADERS)
    metrics = bridged.metrics()
    assert 'route="/v1/grpc/{service}/{interface}/{method}",status="200"' in metrics
    assert "secret-name" not in metrics
