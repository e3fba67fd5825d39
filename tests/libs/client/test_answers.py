"""An answer that cannot be used is the service's fault, never the caller's input."""

from __future__ import annotations

import numpy as np
import pytest

from tellurion.ocean.v1 import ocean_pb2
from tellurion_client.ocean_wire import AnswerReader
from tellurion_core.errors import DataCorrupted
from tellurion_core.tensors import encode


def messages(**changed: np.ndarray) -> list[ocean_pb2.ReconstructResponse]:
    """The answer of a grid of 1 × 2 × 2 cells, with some tensors changed."""
    field = np.zeros((1, 2, 2), np.float32)
    tensors = {
        "depth": np.zeros(1),
        "lat": np.array([-1.0, 1.0]),
        "lon": np.array([0.0, 2.0]),
        "mean": field,
        "std": field,
    }
    parts = [part for name, array in (tensors | changed).items() for part in encode(name, array)]
    report = ocean_pb2.ReconstructResponse(report=ocean_pb2.ReconstructReport(method="gp", month=2))
    return [report, *(ocean_pb2.ReconstructResponse(tensor=part) for part in parts)]


def read(responses: list[ocean_pb2.ReconstructResponse]) -> AnswerReader:
    reader = AnswerReader()
    for response in responses:
        reader.feed(response)
    return reader


def test_a_whole_answer_is_read() -> None:
    answer = read(messages()).result()
    assert (answer.grid.shape, answer.members, answer.report.method) == ((1, 2, 2), None, "gp")


@pytest.mark.parametrize(
    "changed",
    [
        {"mean": np.zeros((1, 2, 2))},
        {"mean": np.zeros((1, 2, 3), np.float32)},
        {"lat": np.array([1.0, -1.0])},
        {"surprise": np.zeros(1)},
    ],
)
def test_tensors_that_do_not_fit_are_corrupted_data(changed: dict[str, np.ndarray]) -> None:
    with pytest.raises(DataCorrupted):
        read(messages(**changed)).result()


@pytest.mark.parametrize("kept", [0, 1, 5])
def test_an_answer_that_ends_early_is_corrupted_data(kept: int) -> None:
    with pytest.raises(DataCorrupted):
        read(messages()[:kept]).result()
