"""Reconstructions on the wire: observations into a request stream, an answer stream into arrays."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from os import PathLike
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from tellurion.common.v1 import progress_pb2, tensor_pb2
from tellurion.ocean.v1 import ocean_pb2
from tellurion_client.answers import faults_of_the_service
from tellurion_core.errors import DataCorrupted, InvalidInput
from tellurion_core.tensors import TensorReader, TensorSpec, encode
from tellurion_geo import Grid, Points, read_analysis, write_analysis
from tellurion_geo.provenance import provenance

MAX_ANSWER_BYTES = 8 << 30
"""Most bytes taken in one answer: 64 members of a 1° × 42-level grid are 0.7 GiB."""

ANSWER = {
    "depth": TensorSpec("float64", ("Z",), unit="m"),
    "lat": TensorSpec("float64", ("Y",), unit="degrees_north"),
    "lon": TensorSpec("float64", ("X",), unit="degrees_east"),
    "mean": TensorSpec("float32", ("Z", "Y", "X"), unit="degree_C"),
    "std": TensorSpec("float32", ("Z", "Y", "X"), unit="degree_C"),
    "members": TensorSpec("float32", ("K", "Z", "Y", "X"), unit="degree_C", optional=True),
}
"""The tensors of an answer."""


@dataclass(frozen=True)
class Reconstruction:
    """One month of ocean temperature, reconstructed."""

    grid: Grid
    """Depths, latitudes and longitudes of the cells."""
    mean: NDArray[np.float32]
    """Analysis [Z, Y, X] in °C, NaN on land."""
    std: NDArray[np.float32]
    """Standard deviation of its error [Z, Y, X] in °C, NaN on land."""
    members: NDArray[np.float32] | None
    """Ensemble [K, Z, Y, X] in °C; None where none was asked for."""
    report: ocean_pb2.ReconstructReport
    """Method, month, seed, steps and weights, and what became of the observations."""

    def write(self, path: str | PathLike[str], *, members_out: str | PathLike[str] | None = None) -> None:
        """Writes CF NetCDF, each file whole or not at all.

        The members are written with the analysis or, with `members_out`, to a file of their own, where its mean and
        standard deviation stand beside them.

        Raises:
            InvalidInput: a path cannot be written; or `members_out` is given and there are no members.
        """
        if members_out is None:
            self._write(path, self.members)
            return
        if self.members is None:
            raise InvalidInput.of("members_out", received="a file, and no members", accepted="none")
        if Path(members_out).resolve() == Path(path).resolve():
            raise InvalidInput.of("members_out", received="the file of the analysis", accepted="another file")
        self._write(members_out, self.members)
        self._write(path, None)

    def _write(self, path: str | PathLike[str], members: NDArray[np.float32] | None) -> None:
        write_analysis(path, self.grid, self.report.month, self.mean, self.std, members, provenance(self.report))


def requests(spec: ocean_pb2.ReconstructSpec, points: Points) -> Iterator[ocean_pb2.ReconstructRequest]:
    """The request stream of one reconstruction: the specification, then the observations."""
    yield ocean_pb2.ReconstructRequest(spec=spec)
    for part in _parts(points):
        yield ocean_pb2.ReconstructRequest(tensor=part)


def submission_requests(
    submission: ocean_pb2.ReconstructionSubmission, points: Points
) -> Iterator[ocean_pb2.CreateReconstructionRequest]:
    """The request stream that submits one reconstruction: what is submitted, then the observations."""
    yield ocean_pb2.CreateReconstructionRequest(submission=submission)
    for part in _parts(points):
        yield ocean_pb2.CreateReconstructionRequest(tensor=part)


def read_result(path: Path, report: ocean_pb2.ReconstructReport) -> Reconstruction:
    """The reconstruction whose operation answered this report, and this file as its analysis.

    Raises:
        DataCorrupted: the file is not that of an analysis.
    """
    with faults_of_the_service():
        analysis = read_analysis(path)
    return Reconstruction(analysis.grid, analysis.mean, analysis.std, analysis.members, report)


def _parts(points: Points) -> Iterator[tensor_pb2.TensorPart]:
    for name in ("latitude", "longitude", "depth", "temperature", "uncertainty"):
        yield from encode(name, np.asarray(getattr(points, name), np.float64))


class AnswerReader:
    """Takes the messages of an answer one by one."""

    def __init__(self) -> None:
        self._tensors = TensorReader(MAX_ANSWER_BYTES, ANSWER)
        self._report: ocean_pb2.ReconstructReport | None = None

    def feed(self, response: ocean_pb2.ReconstructResponse) -> progress_pb2.Progress | None:
        """Takes the next message, and returns it where it tells of progress.

        Raises:
            DataCorrupted: a tensor arrived damaged.
        """
        match response.WhichOneof("response"):
            case "progress":
                return response.progress
            case "report":
                self._report = response.report
            case "tensor":
                with faults_of_the_service():
                    self._tensors.feed(response.tensor)
        return None

    def result(self) -> Reconstruction:
        """The reconstruction, once the stream has ended.

        Raises:
            DataCorrupted: the stream ended too early.
        """
        if self._report is None:
            raise DataCorrupted("the answer ended before its report")
        with faults_of_the_service():
            tensors = self._tensors.finish()
            grid = Grid(tensors["depth"], tensors["lat"], tensors["lon"])
        return Reconstruction(grid, tensors["mean"], tensors["std"], tensors.get("members"), self._report)
