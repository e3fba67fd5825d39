"""Whatever comes, the answer is an error that says what is accepted, and the service answers the next call."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import pytest
from clouds_on_the_wire import Asked, messages

from tellurion.common.v1 import tensor_pb2
from tellurion.pointcloud.v1 import pointcloud_pb2
from tellurion_core.errors import DataCorrupted, InvalidInput, TellurionError
from tellurion_pointcloud.classes import Classes

ENCODE, CLASSIFY = pointcloud_pb2.EncodeRequest, pointcloud_pb2.ClassifyRequest
RECONSTRUCT, DETECT = pointcloud_pb2.ReconstructRequest, pointcloud_pb2.DetectRequest
GOOD = np.random.default_rng(3).normal(size=(100, 3))
SPEC = ENCODE(spec=pointcloud_pb2.EncodeSpec(model="mmpt"))
EXAMPLES = CLASSIFY(spec=pointcloud_pb2.ClassifySpec(model="mmpt"))
COMPLETE = RECONSTRUCT(spec=pointcloud_pb2.ReconstructSpec(task=pointcloud_pb2.TASK_COMPLETE))
BEGUN = ENCODE(cloud=pointcloud_pb2.Cloud())


@pytest.fixture(scope="module")
def asked(served: Any) -> Asked:
    return Asked(served)


@pytest.fixture
def refused(asked: Asked) -> Iterator[Callable[..., TellurionError]]:
    """The error that answers a request; after it the service answers as ever."""

    def error(method: str, *requests: Any, kind: type[TellurionError] = InvalidInput) -> TellurionError:
        with pytest.raises(kind) as caught:
            asked.ask(method, [*requests])
        return caught.value

    yield error
    assert len(asked.encode(GOOD)) == 1


def with_value(value: float, row: int = 40) -> np.ndarray:
    cloud = GOOD.copy()
    cloud[row, 1] = value
    return cloud


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf, 1e30])
def test_coordinates_that_cannot_be(refused: Callable[..., InvalidInput], value: float) -> None:
    error = refused("Encode", SPEC, *messages(ENCODE, GOOD), *messages(ENCODE, with_value(value)))
    assert error.violations[0].field.startswith("clouds[1].points")


def test_an_empty_cloud(refused: Callable[..., InvalidInput]) -> None:
    error = refused("Encode", SPEC, *messages(ENCODE, GOOD[:0]))
    assert error.violations[0].field.startswith("clouds[0].points")


@pytest.mark.parametrize("shape", [(100, 2), (100,), (2, 50, 3)])
def test_points_of_another_shape(refused: Callable[..., InvalidInput], shape: tuple[int, ...]) -> None:
    error = refused("Encode", SPEC, *messages(ENCODE, np.zeros(shape)))
    assert "points: received float64" in error.message


def test_points_of_another_type(refused: Callable[..., InvalidInput]) -> None:
    assert "float64 [N, 3]" in refused("Encode", SPEC, *messages(ENCODE, GOOD.astype(np.float32))).message


@pytest.mark.parametrize("points", [10**9, 2**23 + 1])
def test_more_points_than_a_cloud_may_have_are_refused_by_their_header(
    refused: Callable[..., InvalidInput], points: int
) -> None:
    header = tensor_pb2.TensorHeader(
        name="points",
        data_type=tensor_pb2.DATA_TYPE_FLOAT64,
        shape=[points, 3],
        byte_order=tensor_pb2.BYTE_ORDER_LITTLE_ENDIAN,
        total_bytes=points * 24,
    )
    error = refused("Encode", SPEC, BEGUN, ENCODE(tensor=tensor_pb2.TensorPart(header=header)))
    assert error.message == f"points: received {points} points; accepted: at most {2**23}"
    assert error.reason == "TOO_LARGE"


def test_colours_without_positions(refused: Callable[..., TellurionError]) -> None:
    colours = messages(ENCODE, GOOD, np.zeros((100, 3), np.uint8))[2]
    refused("Encode", SPEC, ENCODE(cloud=pointcloud_pb2.Cloud(coloured=True)), colours)
    error = refused("Encode", SPEC, BEGUN, colours)
    assert error.message == "colours: received a tensor; accepted: tensors points"


def test_colours_of_another_number_of_points(refused: Callable[..., InvalidInput]) -> None:
    error = refused("Encode", SPEC, *messages(ENCODE, GOOD, np.zeros((99, 3), np.uint8)))
    assert error.message == "colours: received uint8 [99, 3]; accepted: uint8 [N, 3], N = 100"


def test_a_cloud_that_breaks_off(refused: Callable[..., TellurionError]) -> None:
    refused("Encode", SPEC, BEGUN)
    large = messages(ENCODE, np.zeros((100_000, 3)))
    refused("Encode", SPEC, *large[:-1])
    refused("Encode", SPEC, *large[:3], BEGUN)


def test_a_cloud_that_was_damaged(refused: Callable[..., TellurionError]) -> None:
    begin, points = messages(ENCODE, GOOD)
    points.tensor.inline.data = points.tensor.inline.data[:-1] + b"?"
    refused("Encode", SPEC, begin, points, kind=DataCorrupted)


@pytest.mark.parametrize(
    "requests",
    [
        [],
        [BEGUN],
        [ENCODE()],
        [SPEC, SPEC],
        [SPEC, ENCODE()],
        [SPEC, messages(ENCODE, GOOD)[1]],
        [SPEC, BEGUN, BEGUN],
    ],
)
def test_messages_out_of_their_place(refused: Callable[..., InvalidInput], requests: list[Any]) -> None:
    assert refused("Encode", *requests).message.startswith("request: received ")


@pytest.mark.parametrize(
    ("spec", "field"),
    [
        ({"model": ""}, "spec.model"),
        ({"model": "completion"}, "model"),
        ({"model": "nobody's"}, "model"),
        ({"model": "x" * 65}, "spec.model"),
        ({"model": "mmpt", "points": -1}, "spec.points"),
        ({"model": "mmpt", "points": 65537}, "spec.points"),
        ({"model": "mmpt", "points": 7}, "points"),
    ],
)
def test_what_no_encoding_can_have(refused: Callable[..., InvalidInput], spec: dict[str, Any], field: str) -> None:
    asked = ENCODE(spec=pointcloud_pb2.EncodeSpec(**spec))
    assert refused("Encode", asked, *messages(ENCODE, GOOD)).violations[0].field == field


def test_examples_of_one_class_alone(refused: Callable[..., InvalidInput]) -> None:
    one = messages(CLASSIFY, GOOD, label="a")
    error = refused("Classify", EXAMPLES, *one, *one, *messages(CLASSIFY, GOOD))
    assert error.message == "examples: received 1 classes; accepted: 2…256"


def test_more_classes_than_can_be_told_apart() -> None:
    with pytest.raises(InvalidInput, match="257 classes"):
        Classes(np.zeros((257, 2)), [str(number) for number in range(257)])


def test_labels_that_differ_by_a_zero_are_two() -> None:
    classes = Classes(np.array([[0.0], [1.0]]), ["a", "a\0"])
    assert [label for label, _ in classes.probabilities(np.array([1.0]))] == ["a\0", "a"]


def test_examples_after_the_clouds(refused: Callable[..., InvalidInput]) -> None:
    a, b = (messages(CLASSIFY, GOOD, label=label) for label in "ab")
    error = refused("Classify", EXAMPLES, *a, *b, *messages(CLASSIFY, GOOD), *a)
    assert error.violations[0].field == "cloud.label"


def test_examples_and_nothing_to_classify(refused: Callable[..., InvalidInput]) -> None:
    a, b = (messages(CLASSIFY, GOOD, label=label) for label in "ab")
    assert "no cloud without a label" in refused("Classify", EXAMPLES, *a, *b).message


def test_a_reconstruction_of_none_or_of_two_clouds(refused: Callable[..., InvalidInput]) -> None:
    refused("Reconstruct", COMPLETE)
    refused("Reconstruct", COMPLETE, *messages(RECONSTRUCT, GOOD), *messages(RECONSTRUCT, GOOD))


@pytest.mark.parametrize("task", [0, pointcloud_pb2.TASK_DETECT, 99])
def test_a_reconstruction_that_is_none(refused: Callable[..., InvalidInput], task: int) -> None:
    asked = RECONSTRUCT(spec=pointcloud_pb2.ReconstructSpec(task=task))
    assert refused("Reconstruct", asked, *messages(RECONSTRUCT, GOOD)).violations[0].field in ("task", "spec.task")


@pytest.mark.parametrize("score", [-0.1, 1.1, np.nan])
def test_a_score_that_no_box_has(refused: Callable[..., InvalidInput], score: float) -> None:
    spec = DETECT(spec=pointcloud_pb2.DetectSpec(min_score=score))
    assert refused("Detect", spec, *messages(DETECT, GOOD)).violations[0].field == "spec.min_score"


@pytest.mark.parametrize("protocol", [0, 99])
def test_a_protocol_that_is_none(asked: Asked, protocol: int) -> None:
    with pytest.raises(InvalidInput, match="protocol"):
        asked.ask("Evaluate", pointcloud_pb2.EvaluateRequest(protocol=protocol))
