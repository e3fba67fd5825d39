"""The Open Inference Protocol: tensors that fit a model's specs go both ways unchanged, all others are refused."""

from __future__ import annotations

from typing import Any, ClassVar

import numpy as np
import pytest
from tritonclient.grpc import InferInput, InferResult, service_pb2

from tellurion_core.errors import Internal, InvalidInput, ResourceExhausted
from tellurion_core.inference_protocol import (
    MAX_TENSOR_BYTES,
    arrays,
    check_metadata,
    infer_request,
    infer_response,
    metadata,
    progress_of,
    progress_response,
    served_ranks,
)
from tellurion_core.progress import Step
from tellurion_core.tensors import TensorSpec

DTYPES = ("bool", "int8", "int16", "int32", "int64", "uint8", "uint16", "uint32", "uint64")
DTYPES = (*DTYPES, "float16", "float32", "float64")
RANDOM = np.random.default_rng(7)


class Smoothing:
    """Only described."""

    name = "smoothing"
    inputs: ClassVar = {
        "x": TensorSpec("float32", ("B", "N", 3)),
        "present": TensorSpec("bool", ("B", "N")),
        "times": TensorSpec("int64"),
        "error": TensorSpec("float64", ("B",), optional=True),
    }
    outputs: ClassVar = {"y": TensorSpec("float32", ("B", "N")), "note": TensorSpec("int64", (2,), optional=True)}


def sent() -> dict[str, np.ndarray]:
    x = RANDOM.normal(size=(2, 4, 3)).astype(np.float32)
    return {"x": x, "present": np.array([[1, 1, 1, 0], [1, 0, 0, 0]], bool), "times": np.array(3)}


@pytest.mark.parametrize("dtype", DTYPES)
def test_arrays_of_every_type_come_back_bit_by_bit(dtype: str) -> None:
    class Kept:
        name = "any"
        inputs: ClassVar = {"x": TensorSpec(dtype, ("N", 3))}
        outputs = inputs

    x = RANDOM.integers(0, 2, (5, 3)).astype(dtype)
    for message in (infer_request(Kept, {"x": x.T.copy().T}), infer_response(Kept, {"x": x}, "")):
        (found,) = arrays(type(message).FromString(message.SerializeToString()), Kept.inputs).values()
        np.testing.assert_array_equal(found, x)
        assert found.dtype == x.dtype


def test_tensors_are_as_tritonclient_writes_and_reads_them() -> None:
    theirs = InferInput("x", [2, 4, 3], "FP32")
    theirs.set_data_from_numpy(sent()["x"])
    request = infer_request(Smoothing, {"x": (x := sent()["x"])}, request_id="r", timeout=1.5)
    assert request.inputs[0] == theirs._get_tensor()
    assert request.raw_input_contents[0] == x.tobytes()
    assert request.parameters["timeout"].int64_param == 1_500_000
    y = np.ones((2, 4), np.float32)
    np.testing.assert_array_equal(InferResult(infer_response(Smoothing, {"y": y}, "r")).as_numpy("y"), y)


def test_a_scalar_may_have_the_shape_1() -> None:
    ranks = {"x": 3, "present": 2, "times": 1}
    request = infer_request(Smoothing, sent(), ranks=ranks)
    assert [list(tensor.shape) for tensor in request.inputs if tensor.name == "times"] == [[1]]
    assert arrays(request, Smoothing.inputs)["times"].shape == ()


def change(tensor: Any, **fields: Any) -> None:
    for field, value in fields.items():
        if field == "shape":
            del tensor.shape[:]
            tensor.shape.extend(value)
        else:
            setattr(tensor, field, value)


def spoilt(name: str, /, **fields: Any) -> Any:
    request = infer_request(Smoothing, sent())
    (tensor,) = (each for each in request.inputs if each.name == name)
    change(tensor, **fields)
    return request


def cut(request: Any, contents: list[bytes]) -> Any:
    del request.raw_input_contents[:]
    request.raw_input_contents.extend(contents)
    return request


def typed() -> Any:
    request = cut(infer_request(Smoothing, sent()), [])
    request.inputs[0].contents.fp32_contents.extend([1.0] * 24)
    return request


def twice() -> Any:
    request = infer_request(Smoothing, sent())
    request.inputs.append(request.inputs[0])
    request.raw_input_contents.append(request.raw_input_contents[0])
    return request


@pytest.mark.parametrize(
    ("message", "field", "received"),
    [
        (spoilt("x", datatype="FP64", shape=[2, 2, 3]), "x", "float64 [2, 2, 3]"),
        (spoilt("x", datatype="BYTES"), "x.datatype", "BYTES"),
        (spoilt("x", shape=[2, 12]), "x", "float32 [2, 12]"),
        (spoilt("x", shape=[1, 8, 3]), "present", "bool [2, 4]"),
        (spoilt("x", shape=[2, 4, 4]), "x", "96 bytes"),
        (spoilt("x", shape=[-2, -4, 3]), "x.shape", "a shape that cannot be"),
        (spoilt("x", shape=[1] * 100_000), "x.shape", "a shape that cannot be"),
        (spoilt("x", shape=[1 << 62, 1 << 62, 0]), "x.shape", "[4611686018427387904, 4611686018427387904, 0]"),
        (spoilt("times", name="t" * 1000), "t" * 79 + "…", "a tensor"),
        (twice(), "x", "the tensor twice"),
        (infer_request(Smoothing, {"x": sent()["x"]}), "present", "nothing"),
        (typed(), "raw_input_contents", "0 contents"),
        (spoilt("present", datatype="BOOL", shape=[2, 2]), "present", "8 bytes"),
    ],
)
def test_a_request_that_does_not_agree_with_the_specs_or_itself_names_the_tensor(
    message: Any, field: str, received: str
) -> None:
    with pytest.raises(InvalidInput) as caught:
        arrays(message, Smoothing.inputs)
    (violation,) = caught.value.violations
    assert (violation.field, violation.received) == (field, received)


def test_a_bool_is_0_or_1() -> None:
    request = infer_request(Smoothing, sent())
    request.raw_input_contents[1] = b"\x02" * 8
    with pytest.raises(InvalidInput, match="neither 0 nor 1"):
        arrays(request, Smoothing.inputs)


def test_more_than_a_message_may_hold_is_refused_on_both_sides() -> None:
    large = np.broadcast_to(np.float32(0), (1, MAX_TENSOR_BYTES // 12 + 1, 3))
    with pytest.raises(InvalidInput) as caught:
        infer_request(Smoothing, {"x": large})
    assert caught.value.reason == "TOO_LARGE"
    with pytest.raises(ResourceExhausted, match="ask for less"):
        infer_response(Smoothing, {"y": large[:, :, 0].repeat(3, axis=1)}, "")


def test_an_output_beyond_the_specs_is_not_sent() -> None:
    response = infer_response(Smoothing, {"y": np.ones((1, 2), np.float32), "inner": np.zeros(9)}, "r")
    assert [tensor.name for tensor in response.outputs] == ["y"]


def test_a_model_agrees_with_its_own_metadata() -> None:
    told = metadata(Smoothing)
    check_metadata(told, Smoothing)
    assert [list(tensor.shape) for tensor in told.inputs] == [[-1, -1, 3], [-1, -1], [], [-1]]
    assert served_ranks(told) == {tensor.name: len(tensor.shape) for tensor in told.inputs}


def altered(kind: str, index: int, **fields: Any) -> Any:
    told = metadata(Smoothing)
    tensor = getattr(told, kind)[index]
    change(tensor, **fields)
    return told


@pytest.mark.parametrize(
    "told",
    [
        altered("inputs", 2, shape=[1]),
        altered("inputs", 0, shape=[-1, -1, -1]),
        altered("outputs", 0, shape=[-1, 100]),
        altered("outputs", 1, shape=[-1]),
    ],
)
def test_a_server_may_take_more_and_answer_less(told: Any) -> None:
    check_metadata(told, Smoothing)


@pytest.mark.parametrize(
    ("told", "message"),
    [
        (
            altered("inputs", 0, datatype="FP64"),
            r"input x of the inference server is FP64 \[-1, -1, 3\], expected",
        ),
        (altered("inputs", 0, shape=[-1, -1, 4]), r"input x .* is FP32 \[-1, -1, 4\], expected FP32 \[-1, -1, 3\]"),
        (altered("inputs", 0, shape=[-1, 1024, 3]), r"input x .*expected FP32 \[-1, -1, 3\]"),
        (altered("inputs", 0, shape=[-1, 3]), r"input x .*expected FP32 \[-1, -1, 3\]"),
        (altered("inputs", 2, shape=[2]), r"input times .* is INT64 \[2\], expected INT64 \[\]"),
        (altered("inputs", 1, name="mask"), r"input present .* is nothing, expected BOOL \[-1, -1\]"),
        (altered("outputs", 1, shape=[3]), r"output note .* is INT64 \[3\], expected INT64 \[2\]"),
        (service_pb2.ModelMetadataResponse(name="smoothing"), "input x .* is nothing"),
    ],
)
def test_metadata_of_another_model_names_the_tensor_what_was_received_and_what_is_expected(
    told: Any, message: str
) -> None:
    with pytest.raises(Internal, match=message) as caught:
        check_metadata(told, Smoothing)
    assert caught.value.reason == "MODEL_MISMATCH"


def test_progress_is_told_by_responses_without_outputs() -> None:
    assert progress_of(progress_response(Smoothing, Step(0.5, "half"), "r")) == Step(0.5, "half")
    assert progress_of(infer_response(Smoothing, {"y": np.ones((1, 1), np.float32)}, "r")) is None
    assert progress_of(service_pb2.ModelInferResponse()) is None


@pytest.mark.parametrize(("fraction", "told"), [(7.0, Step(1.0, "")), (-1.0, Step(0.0, "")), (float("nan"), None)])
def test_progress_is_a_part_of_1_whatever_a_server_says(fraction: float, told: Step | None) -> None:
    response = service_pb2.ModelInferResponse()
    response.parameters["progress"].double_param = fraction
    assert progress_of(response) == told
