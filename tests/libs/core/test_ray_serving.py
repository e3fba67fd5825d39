"""Models on real Ray behind our front: the answers of local ones, and truthful errors when something is in the way."""

from __future__ import annotations

import asyncio
import os
import queue
import socket
import sys
import time
import urllib.request
from collections.abc import AsyncIterator, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path
from typing import Any, ClassVar

import grpc
import numpy as np
import pytest
import ray
from opentelemetry.proto.collector.trace.v1 import trace_service_pb2, trace_service_pb2_grpc
from tritonclient.grpc import service_pb2, service_pb2_grpc

from tellurion_core.errors import Cancelled, DeadlineExceeded, InvalidInput
from tellurion_core.inference_protocol import MAX_TENSOR_BYTES, PROGRESS, arrays, infer_request
from tellurion_core.model_discovery import ModelSource
from tellurion_core.predictor import LocalPredictor
from tellurion_core.ray_serving.application import serve_on_ray, start_ray, stop
from tellurion_core.ray_serving.settings import RaySettings, Scaling
from tellurion_core.remote_predictor import RemotePredictor
from tellurion_core.settings import ServerSettings, TelemetrySettings
from tellurion_core.status import from_rpc_error
from tellurion_core.tensors import Array, TensorSpec

pytestmark = pytest.mark.timeout(300)  # Ray starts in ten seconds on a quiet machine
RANDOM = np.random.default_rng(3)
PATIENCE = 60
"""Seconds that a caller waits: another replica comes within ten on a quiet machine."""
STEP = 0.02
"""Seconds of a step of Patient."""


class Filtered:
    """A smoothing of series [B, N] by a running mean of three, `times` times over."""

    name = "filtered"
    inputs: ClassVar = {"x": TensorSpec("float32", ("B", "N")), "times": TensorSpec("int64")}
    outputs: ClassVar = {"y": TensorSpec("float32", ("B", "N"))}

    def load(self) -> None:
        """Nothing."""

    def predict(self, inputs: Mapping[str, Array], *, cancelled: Any, progress: Any) -> dict[str, Array]:
        x = inputs["x"]
        if np.isnan(x).any():
            raise InvalidInput.of("x", received="NaN", accepted="numbers")
        if np.isposinf(x).any():
            os._exit(1)
        for _ in range(int(inputs["times"])):
            x = (np.roll(x, 1, axis=1) + x + np.roll(x, -1, axis=1)) / np.float32(3)
        if np.isneginf(x).any():
            raise OSError(f"cannot open {Path.cwd()}")
        return {"y": x}


class Patient:
    """Works for `seconds`, step by step, and leaves a file with the moment when it was told to stop."""

    name = "patient"
    inputs: ClassVar = {"seconds": TensorSpec("float64")}
    outputs: ClassVar = {"steps": TensorSpec("int64")}

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def load(self) -> None:
        """Nothing."""

    def predict(self, inputs: Mapping[str, Array], *, cancelled: Any, progress: Any) -> dict[str, Array]:
        steps = int(inputs["seconds"] / STEP)
        for step in range(steps):
            (self._folder / "began").touch()
            if cancelled():
                (self._folder / "stopped").write_text(str(time.monotonic()))
                raise Cancelled("told to stop")
            progress(step / steps, "waiting")
            time.sleep(STEP)
        return {"steps": np.array(steps)}


FILTERED = ModelSource(Filtered.name, Filtered.inputs, Filtered.outputs, Filtered)


class Application:
    """The application, started when it is first asked for and after it was stopped."""

    def __init__(self, folder: Path, metrics: str, collector: str) -> None:
        self.folder = folder
        self.patient = ModelSource(Patient.name, Patient.inputs, Patient.outputs, partial(Patient, folder))
        self.metrics = metrics
        self._telemetry = TelemetrySettings(metrics_address=metrics, otlp_endpoint=collector)
        self._address = ""

    def fresh(self) -> str:
        """The front's address, with no trace of earlier calls in the folder."""
        for name in ("began", "stopped"):
            (self.folder / name).unlink(missing_ok=True)
        if not self._address:
            shared = {"num_cpus": 0.1, "batch_wait_s": 0.1}
            alone = Scaling(**shared, max_ongoing_requests=1, max_queued_requests=1)
            settings = RaySettings(
                scaling=Scaling(**shared),
                models={"patient": alone},
                start_seconds=150,
                tensors=self.folder / "tensors",
            )
            self._address = serve_on_ray([FILTERED, self.patient], settings, ServerSettings(), self._telemetry)
        return self._address

    def stop(self) -> None:
        if self._address:
            self._address = ""
            stop([FILTERED, self.patient])


class Collector(trace_service_pb2_grpc.TraceServiceServicer):
    """Keeps the spans that it is sent."""

    def __init__(self) -> None:
        self.spans: queue.Queue[Any] = queue.Queue()

    def Export(self, request: Any, context: Any) -> Any:  # noqa: N802
        for span in (s for r in request.resource_spans for scope in r.scope_spans for s in scope.spans):
            self.spans.put(span)
        return trace_service_pb2.ExportTraceServiceResponse()


@pytest.fixture(scope="module")
def collector() -> Iterator[tuple[Collector, str]]:
    server = grpc.server(ThreadPoolExecutor(1))
    collecting = Collector()
    trace_service_pb2_grpc.add_TraceServiceServicer_to_server(collecting, server)
    port = server.add_insecure_port("127.0.0.1:0")
    server.start()
    yield collecting, f"http://127.0.0.1:{port}"
    server.stop(None)


@pytest.fixture(scope="module")
def application(
    tmp_path_factory: pytest.TempPathFactory, collector: tuple[Collector, str], ray_token: str
) -> Iterator[Application]:
    ray.cloudpickle.register_pickle_by_value(sys.modules[__name__])
    with pytest.MonkeyPatch.context() as environment:
        environment.setenv("OTEL_BSP_SCHEDULE_DELAY", "100")  # milliseconds until spans are sent
        environment.setenv("RAY_AUTH_TOKEN", ray_token)
        start_ray(RaySettings(num_cpus=2, object_store_bytes=200 << 20))
        served = Application(tmp_path_factory.mktemp("patient"), f"127.0.0.1:{_free_port()}", collector[1])
        try:
            yield served
            served.stop()
        finally:
            ray.shutdown()


@pytest.fixture
async def front(application: Application) -> AsyncIterator[Any]:
    async with grpc.aio.insecure_channel(await asyncio.to_thread(application.fresh)) as channel:
        yield service_pb2_grpc.GRPCInferenceServiceStub(channel)


def series(*shape: int, times: int = 2) -> dict[str, Array]:
    return {"x": RANDOM.normal(size=shape).astype(np.float32), "times": np.array(times)}


async def filtered(front: Any, inputs: Mapping[str, Array], **call: Any) -> Array:
    response = await front.ModelInfer(infer_request(FILTERED, inputs), timeout=PATIENCE, **call)
    return arrays(response, FILTERED.outputs)["y"]


async def appeared(path: Path) -> None:
    def watched() -> None:
        deadline = time.monotonic() + 5
        while not path.exists():
            assert time.monotonic() < deadline, f"no file {path.name}"
            time.sleep(0.005)

    await asyncio.to_thread(watched)


async def test_models_answer_as_they_do_in_this_process(front: Any) -> None:
    local = LocalPredictor([Filtered()])
    for shape in ((1, 5), (3, 1000), (2, 500_000)):
        inputs = series(*shape)
        np.testing.assert_array_equal(await filtered(front, inputs), (await local.infer("filtered", inputs))["y"])


async def test_a_service_sees_no_difference_but_where_its_models_run(application: Application) -> None:
    remote = RemotePredictor([Filtered(), Patient(application.folder)], await asyncio.to_thread(application.fresh))
    inputs, told = series(2, 9), list[float]()
    np.testing.assert_array_equal(
        (await remote.infer("filtered", inputs))["y"],
        (await LocalPredictor([Filtered()]).infer("filtered", inputs))["y"],
    )
    await remote.infer("patient", {"seconds": np.array(0.3)}, progress=lambda fraction, _: told.append(fraction))
    assert len(told) >= 3
    inputs["x"][1, 4] = np.nan
    with pytest.raises(InvalidInput, match="x: received NaN; accepted: numbers"):
        await remote.infer("filtered", inputs)
    await remote.close()


@pytest.mark.slow
async def test_what_no_message_holds_goes_by_a_folder_and_leaves_nothing_there(application: Application) -> None:
    address, folder = await asyncio.to_thread(application.fresh), application.folder / "tensors"
    large = series(1, MAX_TENSOR_BYTES // 4 + 1, times=1)
    alone = RemotePredictor([Filtered()], address)
    with pytest.raises(InvalidInput, match=r"inputs\.x"):
        await alone.infer("filtered", large)
    sharing = RemotePredictor([Filtered()], address, folder)
    answer = await sharing.infer("filtered", large)
    np.testing.assert_array_equal(answer["y"], Filtered().predict(large, cancelled=None, progress=None)["y"])
    assert [file.name for file in folder.iterdir()] == ["identity"]
    for seconds in (0.02, 0.2, 0.4):  # while they are written, while the model runs, while the answer is
        with pytest.raises(DeadlineExceeded):
            await sharing.infer("filtered", large, deadline=time.monotonic() + seconds)
    await asyncio.sleep(1.0)
    assert [file.name for file in folder.iterdir()] == ["identity"]
    apart = RemotePredictor([Filtered()], address, application.folder / "others")
    with pytest.raises(InvalidInput, match=r"inputs\.x"):
        await apart.infer("filtered", large)
    await asyncio.gather(alone.close(), sharing.close(), apart.close())


async def test_requests_at_once_are_batched_and_answered_as_they_are_alone(front: Any) -> None:
    requests = [series(1 + n % 2, 50, times=1 + n % 3) for n in range(32)]
    alone = [Filtered().predict(each, cancelled=None, progress=None)["y"] for each in requests]
    before = await statistics(front)
    together = await asyncio.gather(*(filtered(front, each) for each in requests))
    for one, other in zip(alone, together, strict=True):
        np.testing.assert_allclose(other, one, atol=1e-6)
    after = await statistics(front)
    assert after.inference_count - before.inference_count == len(requests)
    assert after.execution_count - before.execution_count < len(requests)


async def statistics(front: Any) -> Any:
    response = await front.ModelStatistics(service_pb2.ModelStatisticsRequest(name="filtered"))
    return response.model_stats[0]


async def test_one_bad_item_of_a_batch_fails_alone_and_says_why(front: Any) -> None:
    requests = [series(1, 8) for _ in range(4)]
    requests[2]["x"][0, 3] = np.nan
    outcomes = await asyncio.gather(*(filtered(front, each) for each in requests), return_exceptions=True)
    error = from_rpc_error(outcomes.pop(2))
    assert isinstance(error, InvalidInput)
    assert [(violation.field, violation.received) for violation in error.violations] == [("x", "NaN")]
    assert all(isinstance(each, np.ndarray) for each in outcomes)


async def test_inputs_that_do_not_fit_are_refused_by_the_front(front: Any) -> None:
    with pytest.raises(grpc.aio.AioRpcError) as caught:
        await filtered(front, series(1, 8) | {"times": np.zeros(3, np.int64)})
    assert caught.value.code() == grpc.StatusCode.INVALID_ARGUMENT


async def test_a_fault_of_a_model_tells_the_caller_a_request_id_and_nothing_else(front: Any) -> None:
    inputs = series(1, 8)
    inputs["x"][0, 0] = -np.inf
    with pytest.raises(grpc.aio.AioRpcError) as caught:
        await filtered(front, inputs, metadata=(("x-request-id", "mine-1"),))
    assert caught.value.code() == grpc.StatusCode.INTERNAL
    assert caught.value.details() == "internal error; the log has it under request id mine-1"


async def test_a_model_that_is_not_there_is_not_found(front: Any) -> None:
    for method, request in (
        (front.ModelReady, service_pb2.ModelReadyRequest(name="other")),
        (front.ModelInfer, service_pb2.ModelInferRequest(model_name="other")),
        (front.ModelMetadata, service_pb2.ModelMetadataRequest(name="filtered", version="2")),
    ):
        with pytest.raises(grpc.aio.AioRpcError) as caught:
            await method(request)
        assert caught.value.code() in (grpc.StatusCode.NOT_FOUND, grpc.StatusCode.INVALID_ARGUMENT)


async def test_the_front_says_what_it_serves(front: Any) -> None:
    assert (await front.ServerLive(service_pb2.ServerLiveRequest())).live
    assert (await front.ServerReady(service_pb2.ServerReadyRequest())).ready
    assert (await front.ModelReady(service_pb2.ModelReadyRequest(name="patient"))).ready
    metadata = await front.ModelMetadata(service_pb2.ModelMetadataRequest(name="filtered"))
    assert {tensor.name: (tensor.datatype, [*tensor.shape]) for tensor in metadata.inputs} == {
        "x": ("FP32", [-1, -1]),
        "times": ("INT64", []),
    }
    config = (await front.ModelConfig(service_pb2.ModelConfigRequest(name="filtered"))).config
    assert [(tensor.name, [*tensor.dims]) for tensor in config.output] == [("y", [-1, -1])]
    assert PROGRESS in config.parameters


async def test_a_stream_tells_progress_and_then_the_answer(front: Any, application: Application) -> None:
    request = infer_request(application.patient, {"seconds": np.array(0.5)})
    responses = [each.infer_response async for each in front.ModelStreamInfer(iter([request]), timeout=PATIENCE)]
    told = [each.parameters["progress"].double_param for each in responses[:-1]]
    assert len(told) >= 5
    assert told == sorted(told)
    assert arrays(responses[-1], Patient.outputs)["steps"] == round(0.5 / STEP)


@pytest.mark.parametrize("streamed", [False, True])
async def test_the_work_of_a_cancelled_call_stops_within_a_step(
    front: Any, application: Application, streamed: bool
) -> None:
    request = infer_request(application.patient, {"seconds": np.array(30.0)})
    call = front.ModelStreamInfer(iter([request])) if streamed else front.ModelInfer(request)
    reading = asyncio.ensure_future(call.read() if streamed else call)
    await appeared(application.folder / "began")
    cancelled = time.monotonic()
    call.cancel()
    await appeared(application.folder / "stopped")
    assert float((application.folder / "stopped").read_text()) - cancelled < 0.5
    await asyncio.wait([reading])


async def test_work_stops_at_the_callers_deadline(front: Any, application: Application) -> None:
    with pytest.raises(grpc.aio.AioRpcError) as caught:
        await front.ModelInfer(infer_request(application.patient, {"seconds": np.array(30.0)}), timeout=0.5)
    assert caught.value.code() == grpc.StatusCode.DEADLINE_EXCEEDED
    await appeared(application.folder / "stopped")


async def test_more_than_may_wait_is_refused_at_once(front: Any, application: Application) -> None:
    request = infer_request(application.patient, {"seconds": np.array(0.6)})
    outcomes = await asyncio.gather(
        *(front.ModelInfer(request, timeout=PATIENCE) for _ in range(8)), return_exceptions=True
    )
    refused = [each for each in outcomes if isinstance(each, grpc.aio.AioRpcError)]
    assert {each.code() for each in refused} == {grpc.StatusCode.RESOURCE_EXHAUSTED}
    assert 2 <= len(outcomes) - len(refused) <= 3


async def test_calls_of_a_replica_that_dies_are_told_so_and_another_replica_comes(front: Any) -> None:
    inputs = series(1, 8)
    inputs["x"][0, 0] = np.inf
    with pytest.raises(grpc.aio.AioRpcError) as caught:
        await filtered(front, inputs)
    assert caught.value.code() == grpc.StatusCode.UNAVAILABLE
    assert caught.value.details() == "filtered: its replica cannot be reached or died; try again"
    assert (await filtered(front, series(1, 8))).shape == (1, 8)


async def test_prometheus_is_told_of_each_model(front: Any, application: Application) -> None:
    await filtered(front, series(1, 8))
    url = f"http://{application.metrics}/metrics"
    text = (await asyncio.to_thread(urllib.request.urlopen, url)).read().decode()
    figures = dict(line.rsplit(" ", 1) for line in text.splitlines() if line.startswith("tellurion_model"))
    assert float(figures['tellurion_model_seconds_count{code="OK",model="filtered"}']) >= 1
    assert float(figures['tellurion_model_batch_size_count{model="filtered"}']) >= 1
    assert float(figures['tellurion_model_queue{model="filtered"}']) == 0
    assert float(figures['tellurion_model_replicas{model="filtered"}']) == 1


async def test_a_trace_goes_on_from_the_caller_to_the_replica(front: Any, collector: tuple[Collector, str]) -> None:
    trace = RANDOM.bytes(16)
    await filtered(front, series(1, 8), metadata=(("traceparent", f"00-{trace.hex()}-00000000000000a1-01"),))
    spans: dict[str, Any] = {}
    while len(spans) < 2:
        span = await asyncio.to_thread(collector[0].spans.get, timeout=10)
        if span.trace_id == trace:
            spans[span.name] = span
    called, predicted = spans["inference.GRPCInferenceService/ModelInfer"], spans["filtered/predict"]
    assert called.parent_span_id == bytes.fromhex("00000000000000a1")
    assert predicted.parent_span_id == called.span_id


async def test_a_call_in_progress_is_answered_when_the_application_stops(front: Any, application: Application) -> None:
    call = front.ModelInfer(infer_request(application.patient, {"seconds": np.array(1.0)}))
    await appeared(application.folder / "began")
    stopping = asyncio.create_task(asyncio.to_thread(application.stop))
    assert arrays(await call, Patient.outputs)["steps"] == round(1.0 / STEP)
    await stopping
    with pytest.raises(grpc.aio.AioRpcError) as caught:
        await filtered(front, series(1, 8))
    assert caught.value.code() == grpc.StatusCode.UNAVAILABLE


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
