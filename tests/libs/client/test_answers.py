"""An answer that cannot be used is the service's fault, never the caller's input."""

from __future__ import annotations

from pathlib import Path

import netCDF4
import numpy as np
import pytest

from tellurion.ocean.v1 import ocean_pb2
from tellurion_client.ocean_wire import AnswerReader
from tellurion_core.errors import DataCorrupted, InvalidInput
from tellurion_core.tensors import encode

MEMBERS = np.arange(12, dtype=np.float32).reshape(3, 1, 2, 2)
LEARNED = ocean_pb2.ReconstructReport(method="posterior", month=2, steps=20, weights_sha256="ab" * 32)


def messages(
    report: ocean_pb2.ReconstructReport | None = None, **changed: np.ndarray
) -> list[ocean_pb2.ReconstructResponse]:
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
    report = report or ocean_pb2.ReconstructReport(method="gp", month=2)
    return [
        ocean_pb2.ReconstructResponse(report=report),
        *(ocean_pb2.ReconstructResponse(tensor=part) for part in parts),
    ]


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


def test_members_are_written_with_the_analysis_or_to_a_file_of_their_own(tmp_path: Path) -> None:
    answer = read(messages(members=MEMBERS)).result()
    answer.write(tmp_path / "whole.nc")
    answer.write(tmp_path / "analysis.nc", members_out=tmp_path / "members.nc")
    with netCDF4.Dataset(tmp_path / "analysis.nc") as analysis:
        assert {"thetao", "thetao_std"} <= set(analysis.variables)
        assert "member" not in analysis.dimensions
    assert (tmp_path / "members.nc").read_bytes() == (tmp_path / "whole.nc").read_bytes()
    with netCDF4.Dataset(tmp_path / "members.nc") as members:
        assert np.array_equal(members["thetao_member"][:], MEMBERS)


def test_a_file_of_members_needs_members(tmp_path: Path) -> None:
    with pytest.raises(InvalidInput, match=r"^members_out: "):
        read(messages()).result().write(tmp_path / "analysis.nc", members_out=tmp_path / "members.nc")
    assert list(tmp_path.iterdir()) == []


def test_the_steps_and_weights_of_a_learned_method_are_attributes(tmp_path: Path) -> None:
    read(messages(LEARNED, members=MEMBERS)).result().write(tmp_path / "a.nc", members_out=tmp_path / "m.nc")
    read(messages(members=MEMBERS)).result().write(tmp_path / "gp.nc")
    for name in ("a.nc", "m.nc"):
        with netCDF4.Dataset(tmp_path / name) as learned:
            assert (learned.steps, learned.weights_sha256) == (20, "ab" * 32)
    with netCDF4.Dataset(tmp_path / "gp.nc") as classical:
        assert not {"steps", "weights_sha256"} & set(classical.ncattrs())
