"""The remote predictor against a server of the Open Inference Protocol: the answer, or a truthful error in time."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Callable, Mapping
from pathlib import Path
from typing import Any, ClassVar

import grpc
import numpy as np
import pytest
from opentelemetry import trace
from tritonclient.grpc import service_pb2, service_pb2_grpc

from tellurion_core import inference_protocol, remote_predictor
from tellurion_core.call import Call, Identity, current_call
from tellurion_core.errors import (
    Cancelled,
    DeadlineExceeded,
    FieldViolation,
    Internal,
    InvalidInput,
    NotFound,
    ResourceExhausted,
    TellurionError,
    Unavailable,
)
from tellurion_core.inference_errors import text_of
from tellurion_core.inference_protocol import MAX_TENSOR_BYTES, infer_response
from tellurion_core.predictor import LocalPredictor, check_outputs
from tellurion_core.progress import Step
from tellurion_core.remote_predictor import RemotePredictor
from tellurion_core.serving import predictor_of
from tellurion_core.settings import ServingSettings, load
from tellurion_core.status import DETAILS_KEY, to_status
from tellurion_core.tensors import Array, TensorSpec

RANDOM = np.random.default_rng(11)
SECRET = "cannot open /srv/models/smoothing/1/model.py on 192.0.2.7:9000"
INVALID = InvalidInput(FieldViolation("x[0]", "inf", "a number"))


class Smoothing:
    """A running mean of three, `times` times over."""

    name = "smoothing"
    inputs: ClassVar = {
        "x": TensorSpec("float32", ("B", "N")),
        "times": TensorSpec("int64"),
        "error": TensorSpec("float64", ("B",), optional=True, missing=True),
    }
    outputs: ClassVar = {"y": TensorSpec("float32", ("B", "N")), "land": TensorSpec("float32", missing=True)}

    def load(self) -> None:
        """Nothing."""

    def predict(self, inputs: Mapping[str, Array], *, cancelled: Any, progress: Any) -> dict[str, Array]:
        x = inputs["x"]
        for step in range(times := int(inputs["times"])):
            progress(step / times, f"pass {step}")
            x = (np.roll(x, 1, axis=1) + x + np.roll(x, -1, axis=1)) / np.float32(3)
        return {"y": x, "land": np.array(np.nan, np.float32)}


class Hanging:
    """How long a server's call waits for nothing; whether it was told to stop."""

    def __init__(self) -> None:
        self.began, self.stopped = asyncio.Event(), asyncio.Event()

    async def __call__(self, *_: Any) -> Any:
        self.began.set()
        try:
            await asyncio.Event().wait()
        finally:
            self.stopped.set()


class Inference(service_pb2_grpc.GRPCInferenceServiceServicer):
    """Serves Smoothing, as far as it is not told to do something else."""

    def __init__(self) -> None:
        self.model = Smoothing()
        self.metadata = inference_protocol.metadata(self.model)
        self.ready, self.streams, self.decoupled = True, False, False
        self.introduction: Callable[[], Any] | None = None
        self.instead: Callable[[Any, Any], Any] | None = None
        self.failures: list[grpc.StatusCode] = []
        self.asked: list[Any] = []
        self.methods: list[str] = []
        self.headers: dict[str, Any] = {}
        self.left = 0.0
        self.peers: set[str] = set()

    async def ModelReady(self, request: Any, context: Any) -> Any:  # noqa: N802
        return service_pb2.ModelReadyResponse(ready=self.ready)

    async def ModelMetadata(self, request: Any, context: Any) -> Any:  # noqa: N802
        if self.introduction is not None:
            await self.introduction()
        return self.metadata

    async def ModelConfig(self, request: Any, context: Any) -> Any:  # noqa: N802
        if not self.streams:
            await context.abort(grpc.StatusCode.UNIMPLEMENTED, "")
        response = service_pb2.ModelConfigResponse()
        response.config.parameters["progress"].string_value = "true"
        response.config.model_transaction_policy.decoupled = self.decoupled
        return response

    async def ModelInfer(self, request: Any, context: Any) -> Any:  # noqa: N802
        self._note("ModelInfer", request, context)
        if self.failures:
            await context.abort(self.failures.pop(0), SECRET)
        if self.instead is not None:
            return await self.instead(request, context)
        return infer_response(self.model, self._outputs(request, lambda *_: None), request.id)

    async def ModelStreamInfer(self, requests: Any, context: Any) -> AsyncIterator[Any]:  # noqa: N802
        told: list[Step] = []
        async for request in requests:
            self._note("ModelStreamInfer", request, context)
            if self.instead is not None:
                for response in await self.instead(request, context):
                    yield response
                return
            outputs = self._outputs(request, lambda *step: told.append(Step(*step)))
            answers = [inference_protocol.progress_response(self.model, step, request.id) for step in told]
            answers.append(infer_response(self.model, outputs, request.id))
            answers.append(service_pb2.ModelInferResponse())  # Triton's sign that nothing follows
            for answer in answers:
                yield service_pb2.ModelStreamInferResponse(infer_response=answer)

    def _note(self, method: str, request: Any, context: Any) -> None:
        self.methods.append(method)
        self.asked.append(request)
        self.headers = dict(context.invocation_metadata())
        self.left = context.time_remaining()
        self.peers.add(context.peer())

    def _outputs(self, request: Any, progress: Any) -> dict[str, Array]:
        inputs = inference_protocol.arrays(request, self.model.inputs)
        return self.model.predict(inputs, cancelled=None, progress=progress)


class Site:
    """A server that can be stopped and started again at the same address."""

    def __init__(self, address: str) -> None:
        self.address = address
        self.inference = Inference()
        self._server: Any = None

    async def start(self, *, most: int = -1) -> None:
        self._server = grpc.aio.server(options=[("grpc.max_receive_message_length", most)])
        service_pb2_grpc.add_GRPCInferenceServiceServicer_to_server(self.inference, self._server)
        self._server.add_insecure_port(self.address)
        await self._server.start()

    async def stop(self) -> None:
        await self._server.stop(None)


@pytest.fixture
async def site(socket_folder: Path) -> AsyncIterator[Site]:
    made = Site(f"unix:{socket_folder}/site")
    await made.start()
    yield made
    await made.stop()


@pytest.fixture
def inference(site: Site) -> Inference:
    return site.inference


@pytest.fixture
async def remote(site: Site) -> AsyncIterator[RemotePredictor]:
    predictor = RemotePredictor([Smoothing()], site.address)
    yield predictor
    await predictor.close()


@pytest.fixture
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    """Pauses between attempts that make no test slow."""
    monkeypatch.setattr(remote_predictor, "PAUSES", (0.01, 0.01, 0.01))


def series(*shape: int, times: int = 2) -> dict[str, Array]:
    return {"x": RANDOM.normal(size=shape).astype(np.float32), "times": np.array(times)}


def answering(**outputs: Any) -> Callable[[Any, Any], Any]:
    """Answers these outputs, whatever they are held to."""

    async def answer(request: Any, context: Any) -> Any:
        class Free:
            name = "smoothing"
            outputs: ClassVar = {name: TensorSpec("float32") for name in list(given)}

        return infer_response(Free, given, request.id)

    given = {"y": np.zeros((1, 4), np.float32), "land": np.array(1, np.float32)} | outputs
    given = {name: array for name, array in given.items() if array is not None}
    return answer


async def outcome(remote: RemotePredictor, inputs: Mapping[str, Array] | None = None, **options: Any) -> TellurionError:
    with pytest.raises(TellurionError) as caught:
        await remote.infer("smoothing", inputs or series(1, 4), **options)
    return caught.value


@pytest.mark.parametrize("shape", [(1, 4), (3, 1000), (2, 500_000), (0, 5)])
async def test_the_answer_is_that_of_the_model_in_this_process(remote: RemotePredictor, shape: tuple[int, int]) -> None:
    local, inputs = LocalPredictor([Smoothing()]), series(*shape)
    for name, array in (await remote.infer("smoothing", inputs)).items():
        np.testing.assert_array_equal(array, (await local.infer("smoothing", inputs))[name])


async def test_all_calls_go_over_one_connection(remote: RemotePredictor, inference: Inference) -> None:
    await asyncio.gather(*(remote.infer("smoothing", series(1, 4)) for _ in range(20)))
    assert len(inference.peers) == 1


async def test_scalars_are_sent_as_the_server_takes_them(remote: RemotePredictor, inference: Inference) -> None:
    inference.metadata.inputs[1].shape.append(1)
    await remote.infer("smoothing", series(1, 4))
    assert [list(tensor.shape) for tensor in inference.asked[0].inputs] == [[1, 4], [1]]


async def test_inputs_that_do_not_fit_are_refused_here(remote: RemotePredictor, inference: Inference) -> None:
    assert isinstance(await outcome(remote, {"x": np.zeros((1, 4))}), InvalidInput)
    large = {"x": np.broadcast_to(np.float32(0), (1, MAX_TENSOR_BYTES // 4)), "times": np.array(1)}
    assert (await outcome(remote, large)).reason == "TOO_LARGE"
    with pytest.raises(NotFound):
        await remote.infer("sharpening", series(1, 4))
    assert inference.asked == []


async def test_the_call_that_is_answered_goes_on_with_its_id_its_trace_and_less_of_its_time(
    remote: RemotePredictor, inference: Inference
) -> None:
    span = trace.NonRecordingSpan(trace.SpanContext(0xABC, 0xDEF, is_remote=True, trace_flags=trace.TraceFlags(1)))
    call = Call("/m", "asked-1", Identity("local", "local"), time.monotonic() + 5)
    token = current_call.set(call)
    try:
        with trace.use_span(span):
            await remote.infer("smoothing", series(1, 4), deadline=time.monotonic() + 60)
        assert 4000 < int(inference.headers["x-timeout-ms"]) < 5000
        assert inference.asked[0].parameters["timeout"].int64_param <= 5_000_000
        assert (inference.asked[0].id, inference.headers["x-request-id"]) == ("asked-1", "asked-1")
        assert inference.headers["traceparent"] == f"00-{0xABC:032x}-{0xDEF:016x}-01"
    finally:
        current_call.reset(token)


@pytest.mark.parametrize("seconds", [0.3, 2.0, 9.999, 20.03, 100.7, 3600.0, 86_399.0])
async def test_a_server_is_never_given_more_time_than_the_caller_has(
    remote: RemotePredictor, inference: Inference, seconds: float
) -> None:
    await remote.infer("smoothing", series(1, 4), deadline=time.monotonic() + seconds)
    told = int(inference.headers["x-timeout-ms"]) / 1000
    assert seconds - 1 < told <= seconds
    assert inference.left <= 1.03 * seconds  # as near as gRPC tells it
    assert inference.asked[0].parameters["timeout"].int64_param <= seconds * 1e6


async def test_a_server_that_hangs_costs_the_caller_no_more_than_its_deadline(
    remote: RemotePredictor, inference: Inference
) -> None:
    inference.instead = hanging = Hanging()
    started = time.monotonic()
    assert isinstance(await outcome(remote, deadline=started + 0.3), DeadlineExceeded)
    assert 0.29 <= time.monotonic() - started < 5
    await asyncio.wait_for(hanging.stopped.wait(), 5)


async def test_a_server_that_hangs_when_first_asked_does_so_too(remote: RemotePredictor, inference: Inference) -> None:
    inference.introduction = Hanging()
    started = time.monotonic()
    assert isinstance(await outcome(remote, deadline=started + 0.3), DeadlineExceeded)
    assert time.monotonic() - started < 5


@pytest.mark.parametrize("streams", [False, True])
async def test_the_servers_call_is_cancelled_when_the_caller_goes(
    remote: RemotePredictor, inference: Inference, streams: bool
) -> None:
    inference.instead, inference.streams = (hanging := Hanging()), streams
    asked = asyncio.create_task(remote.infer("smoothing", series(1, 4), progress=lambda *_: None))
    await asyncio.wait_for(hanging.began.wait(), 5)
    asked.cancel()
    with pytest.raises(asyncio.CancelledError):
        await asked
    await asyncio.wait_for(hanging.stopped.wait(), 5)


async def test_the_servers_call_is_cancelled_when_the_caller_says_so(
    remote: RemotePredictor, inference: Inference
) -> None:
    inference.instead = hanging = Hanging()
    assert isinstance(await outcome(remote, cancelled=hanging.began.is_set), Cancelled)
    await asyncio.wait_for(hanging.stopped.wait(), 5)


async def test_progress_is_told_by_servers_that_stream_it(remote: RemotePredictor, inference: Inference) -> None:
    inference.streams = True
    told: list[tuple[float, str]] = []
    outputs = await remote.infer("smoothing", inputs := series(1, 4, times=4), progress=lambda *s: told.append(s))
    assert told == [(step / 4, f"pass {step}") for step in range(4)]
    expected = Smoothing().predict(inputs, cancelled=None, progress=lambda *_: None)
    np.testing.assert_array_equal(outputs["y"], expected["y"])


@pytest.mark.parametrize(
    ("streams", "decoupled", "wanted", "method"),
    [
        (False, False, True, "ModelInfer"),
        (True, False, False, "ModelInfer"),
        (True, False, True, "ModelStreamInfer"),
        (True, True, False, "ModelStreamInfer"),
    ],
)
async def test_a_stream_is_asked_for_where_there_is_progress_to_tell_or_nothing_else(
    remote: RemotePredictor, inference: Inference, streams: bool, decoupled: bool, wanted: bool, method: str
) -> None:
    inference.streams, inference.decoupled = streams, decoupled
    await remote.infer("smoothing", series(1, 4), progress=(lambda *_: None) if wanted else None)
    assert inference.methods == [method]


@pytest.mark.usefixtures("quick")
async def test_inferences_are_repeated_where_the_server_is_unavailable(
    remote: RemotePredictor, inference: Inference
) -> None:
    inference.failures = [grpc.StatusCode.UNAVAILABLE, grpc.StatusCode.CANCELLED]
    await remote.infer("smoothing", series(1, 4))
    assert len(inference.asked) == 3
    inference.failures = [grpc.StatusCode.UNAVAILABLE] * 9
    assert isinstance(await outcome(remote), Unavailable)
    assert len(inference.asked) == 3 + 4


@pytest.mark.parametrize("code", ["INTERNAL", "RESOURCE_EXHAUSTED", "INVALID_ARGUMENT", "UNKNOWN"])
async def test_other_failures_are_not_repeated(remote: RemotePredictor, inference: Inference, code: str) -> None:
    inference.failures = [grpc.StatusCode[code]]
    await outcome(remote)
    assert len(inference.asked) == 1


async def test_no_attempt_begins_that_the_deadline_would_end(
    remote: RemotePredictor, inference: Inference, monkeypatch: pytest.MonkeyPatch
) -> None:
    inference.failures = [grpc.StatusCode.UNAVAILABLE] * 9
    monkeypatch.setattr(remote_predictor, "PAUSES", (60.0,))
    started = time.monotonic()
    assert isinstance(await outcome(remote, deadline=started + 20), Unavailable)
    assert time.monotonic() - started < 20


async def test_a_server_that_comes_back_in_time_answers(remote: RemotePredictor, site: Site) -> None:
    await remote.infer("smoothing", series(1, 4))
    await site.stop()
    asked = asyncio.create_task(remote.infer("smoothing", series(1, 4), deadline=time.monotonic() + 20))
    await asyncio.sleep(0.3)
    await site.start()
    assert (await asked)["y"].shape == (1, 4)


async def test_a_call_that_a_stopping_server_breaks_off_is_asked_again(remote: RemotePredictor, site: Site) -> None:
    site.inference.instead = hanging = Hanging()
    asked = asyncio.create_task(remote.infer("smoothing", series(1, 4), deadline=time.monotonic() + 20))
    await asyncio.wait_for(hanging.began.wait(), 5)
    await site.stop()
    site.inference.instead = None
    await site.start()
    assert (await asked)["y"].shape == (1, 4)


@pytest.mark.usefixtures("quick")
async def test_what_comes_back_is_held_to_the_specs_again(remote: RemotePredictor, inference: Inference) -> None:
    await remote.infer("smoothing", series(1, 4))
    inference.metadata.inputs[0].datatype = "FP64"
    inference.failures = [grpc.StatusCode.UNAVAILABLE]
    assert (await outcome(remote)).reason == "MODEL_MISMATCH"


async def test_another_model_of_the_same_name_is_an_error_at_the_start_and_when_it_is_asked(
    remote: RemotePredictor, inference: Inference
) -> None:
    inference.metadata.outputs[0].datatype = "FP16"
    expected = "output y of the inference server is FP16 [-1, -1], expected FP32 [-1, -1]"
    with pytest.raises(Internal) as caught:
        await remote.load()
    assert caught.value.message == f"model smoothing: {expected}"
    assert (await outcome(remote)).message == caught.value.message
    assert inference.asked == []


@pytest.mark.usefixtures("quick")
async def test_a_service_starts_before_its_server_and_finds_it_later(remote: RemotePredictor, site: Site) -> None:
    await site.stop()
    await remote.load()
    assert isinstance(await outcome(remote), Unavailable)
    await site.start()
    async with asyncio.timeout(10):
        while True:
            try:
                assert (await remote.infer("smoothing", series(1, 4)))["y"].shape == (1, 4)
                return
            except Unavailable:
                await asyncio.sleep(0.05)


@pytest.mark.usefixtures("quick")
async def test_a_model_that_is_not_ready_is_unavailable(remote: RemotePredictor, inference: Inference) -> None:
    inference.ready = False
    assert (await outcome(remote)).message == "smoothing: not ready on the inference server"


@pytest.mark.parametrize(
    ("outputs", "reason"),
    [
        ({"y": np.zeros((1, 4, 1), np.float32)}, "y: received float32 [1, 4, 1]; accepted: float32 [B, N]"),
        ({"y": np.zeros((1, 4))}, "y: received float64 [1, 4]; accepted: float32 [B, N]"),
        ({"y": np.zeros((1, 5), np.float32)}, "model smoothing: output y is not float32 [B, N]"),
        ({"y": np.zeros((2, 4), np.float32)}, "model smoothing: output y is not float32 [B, N]"),
        ({"y": None}, "y: received nothing; accepted: float32 [B, N]"),
        ({"z": np.zeros(3)}, "z: received a tensor; accepted: tensors y, land"),
        (
            {"y": np.array([[1, 2, np.nan, 4]], np.float32)},
            "model smoothing: output y has NaN, though no input has",
        ),
    ],
)
async def test_an_answer_that_cannot_be_is_an_error(
    remote: RemotePredictor, inference: Inference, outputs: dict[str, Any], reason: str
) -> None:
    inference.instead = answering(**outputs)
    error = await outcome(remote)
    assert isinstance(error, Internal)
    assert error.message == f"smoothing: the inference server's answer cannot be used: {reason}"


async def test_bytes_that_are_not_those_of_the_shape_are_an_error(
    remote: RemotePredictor, inference: Inference
) -> None:
    async def short(request: Any, context: Any) -> Any:
        response = await answering()(request, context)
        response.raw_output_contents[0] = b""  # what a server answers whose bridge to its model lost the tensor
        return response

    inference.instead = short
    assert "y: received 0 bytes; accepted: 16, from shape [1, 4]" in (await outcome(remote)).message


def test_numbers_become_nan_only_where_the_spec_says_so_or_an_input_is_none() -> None:
    inputs, nan = series(1, 2), np.array(np.nan, np.float32)
    y = np.array([[1, np.nan]], np.float32)
    check_outputs(Smoothing(), inputs | {"error": np.array([np.nan])}, {"y": np.ones_like(y), "land": nan})
    with pytest.raises(RuntimeError, match="y has NaN"):
        check_outputs(Smoothing(), inputs | {"error": np.array([np.nan])}, {"y": y, "land": nan})
    for bad in (np.nan, np.inf):
        check_outputs(Smoothing(), inputs | {"x": np.array([[1, bad]], np.float32)}, {"y": y, "land": nan})


@pytest.mark.parametrize(
    ("code", "kind"),
    [
        ("INVALID_ARGUMENT", InvalidInput),
        ("RESOURCE_EXHAUSTED", ResourceExhausted),
        ("NOT_FOUND", Unavailable),
        ("PERMISSION_DENIED", Internal),
        ("UNKNOWN", Internal),
        ("INTERNAL", Internal),
    ],
)
@pytest.mark.usefixtures("quick")
async def test_a_servers_own_words_are_not_told(
    remote: RemotePredictor, inference: Inference, code: str, kind: type[TellurionError]
) -> None:
    inference.failures = [grpc.StatusCode[code]] * 4
    error = await outcome(remote)
    assert type(error) is kind
    assert error.message.startswith("smoothing: the inference server ")
    assert not set(SECRET.split()) & set(error.message.split()) - {"on"}


async def failed_with_details(request: Any, context: Any) -> Any:
    details = to_status(INVALID).SerializeToString()
    await context.abort(grpc.StatusCode.INVALID_ARGUMENT, INVALID.message, ((DETAILS_KEY, details),))


async def failed_with_a_text(request: Any, context: Any) -> Any:
    await context.abort(grpc.StatusCode.INTERNAL, f"execute failed: {text_of(INVALID)}\n\nAt: model.py(12)")


@pytest.mark.usefixtures("quick")
async def test_a_server_of_ours_without_the_model_is_no_mistake_of_who_asks(
    remote: RemotePredictor, inference: Inference
) -> None:
    async def lacks(request: Any, context: Any) -> Any:
        details = to_status(NotFound("no model smoothing")).SerializeToString()
        await context.abort(grpc.StatusCode.NOT_FOUND, "no model smoothing", ((DETAILS_KEY, details),))

    inference.instead = lacks
    error = await outcome(remote)
    assert (type(error), error.message) == (Unavailable, "smoothing: the inference server does not have the model")


async def told_in_a_stream(request: Any, context: Any) -> Any:
    return [service_pb2.ModelStreamInferResponse(error_message=text_of(INVALID))]


@pytest.mark.parametrize("fails", [failed_with_details, failed_with_a_text, told_in_a_stream])
async def test_an_error_of_our_tree_arrives_whole(remote: RemotePredictor, inference: Inference, fails: Any) -> None:
    inference.instead, inference.streams = fails, fails is told_in_a_stream
    error = await outcome(remote, progress=lambda *_: None)
    assert isinstance(error, InvalidInput)
    assert error.violations == INVALID.violations


@pytest.mark.parametrize("text", [SECRET, "[tellurion:AAAA]", "[tellurion:=]", f"[tellurion:{'A' * 7}]"])
async def test_words_that_only_look_like_ours_are_not_told(
    remote: RemotePredictor, inference: Inference, text: str
) -> None:
    async def fails(request: Any, context: Any) -> Any:
        return [service_pb2.ModelStreamInferResponse(error_message=text)]

    inference.instead, inference.streams = fails, True
    error = await outcome(remote, progress=lambda *_: None)
    assert error.message == "smoothing: the inference server failed; the log has its reason"


def test_an_error_in_a_text_is_never_longer_than_trailers_may_be() -> None:
    many = InvalidInput(*(FieldViolation(f"x[{n}]", "inf", "a number") for n in range(10_000)))
    assert len(text_of(many)) < 4096


@pytest.mark.parametrize(("answers", "came"), [(0, "none came"), (2, "more than one came")])
async def test_a_stream_has_one_answer(remote: RemotePredictor, inference: Inference, answers: int, came: str) -> None:
    async def several(request: Any, context: Any) -> Any:
        answer = service_pb2.ModelStreamInferResponse(infer_response=await answering()(request, context))
        return [answer] * answers

    inference.instead, inference.streams = several, True
    assert came in (await outcome(remote, progress=lambda *_: None)).message


async def test_a_message_that_is_too_large_for_the_server_is_told(remote: RemotePredictor, site: Site) -> None:
    await site.stop()
    await site.start(most=1 << 20)
    assert isinstance(await outcome(remote, series(1, 1 << 19)), ResourceExhausted)


async def test_closing_waits_for_what_runs_and_takes_no_more(remote: RemotePredictor, inference: Inference) -> None:
    began, release = asyncio.Event(), asyncio.Event()

    async def waits(request: Any, context: Any) -> Any:
        inference.instead = None
        began.set()
        await release.wait()
        return await inference.ModelInfer(request, context)

    inference.instead = waits
    asked = asyncio.create_task(remote.infer("smoothing", series(1, 4)))
    await asyncio.wait_for(began.wait(), 5)
    closing = asyncio.create_task(remote.close())
    await asyncio.sleep(0.02)
    release.set()
    assert (await asked)["y"].shape == (1, 4)
    await closing
    assert isinstance(await outcome(remote), Unavailable)


@pytest.mark.parametrize("value", ["", "ray", "http://h:1", "grpc://", "grpc://h", "grpc://h:0", "grpc://h:70000"])
def test_the_setting_says_what_it_accepts(value: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TELLURION_SERVING", value)
    with pytest.raises(InvalidInput, match=r"TELLURION_SERVING: .*; accepted: .*local, or grpc://host:port"):
        load(ServingSettings)


async def test_one_setting_chooses_where_models_run(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    assert isinstance(predictor_of([Smoothing()], load(ServingSettings)), LocalPredictor)
    monkeypatch.setenv("TELLURION_SERVING", f"grpc://{site.address}")
    predictor = predictor_of([Smoothing()], load(ServingSettings))
    await predictor.load()
    assert (await predictor.infer("smoothing", series(2, 4)))["y"].shape == (2, 4)
    await predictor.close()
    assert site.inference.methods == ["ModelInfer"]
