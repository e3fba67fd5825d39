"""Analyses of the atmosphere on the wire: states and observations into a request, an answer into arrays."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from os import PathLike
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tellurion.assimilation.v1 import assimilation_pb2
from tellurion.common.v1 import progress_pb2, tensor_pb2
from tellurion_client.answers import faults_of_the_service
from tellurion_core.errors import DataCorrupted
from tellurion_core.tensors import TensorReader, TensorSpec, encode
from tellurion_geo import AtmosphereObservations, AtmosphereStates, SigmaGrid, Times, write_states
from tellurion_geo.writing import Attribute

MAX_ANSWER_BYTES = 8 << 30
"""Most bytes taken in one answer: 1000 members at T85 with 20 levels are 8 GiB."""
ANSWER = {
    "lat": TensorSpec("float64", ("Y",), unit="degrees_north"),
    "lon": TensorSpec("float64", ("X",), unit="degrees_east"),
    "level": TensorSpec("float64", ("L",)),
    "mean": TensorSpec("float32", ("C", "Y", "X")),
    "std": TensorSpec("float32", ("C", "Y", "X")),
    "members": TensorSpec("float32", ("K", "C", "Y", "X")),
}
"""The tensors of an answer."""


@dataclass(frozen=True)
class AtmosphereAnalysis:
    """One state of the atmosphere, analysed."""

    grid: SigmaGrid
    """Levels, latitudes and longitudes."""
    mean: NDArray[np.float32]
    """Analysis [C, Y, X]: u, v (m/s) and t (K) on each level from the top down, surface pressure (Pa)."""
    std: NDArray[np.float32]
    """Standard deviation of its error [C, Y, X]."""
    members: NDArray[np.float32]
    """Ensemble [K, C, Y, X]."""
    time: Times | None
    """That of the background, where it has one."""
    report: assimilation_pb2.AnalyseReport
    """What was computed, and how well background and analysis fit the observations."""

    def write(self, path: str | PathLike[str]) -> None:
        """Writes CF NetCDF: mean, standard error and members; the file is there whole or not at all.

        Raises:
            InvalidInput: the path cannot be written.
        """
        attributes = provenance(self.report)
        write_states(path, self.grid, self.mean, self.std, self.members, time=self.time, attrs=attributes)


def provenance(report: assimilation_pb2.AnalyseReport) -> dict[str, Attribute]:
    """Global attributes of an analysis; the time that it took is none, so that the same input gives the same file."""
    spec = report.spec
    attributes: dict[str, Attribute] = {
        "method": spec.method,
        "seed": spec.seed,
        "observation_operator": assimilation_pb2.Operator.Name(spec.operator).removeprefix("OPERATOR_").lower(),
        "observations_used": report.observations,
        "observations_sha256": report.observations_sha256,
        "background_sha256": report.background_sha256,
        "software_version": f"tellurion {report.version}",
    }
    for option in ("inflation", "localization", "steps"):
        if value := getattr(spec, option):
            attributes[option] = value
    if spec.rotate:
        attributes["rotate"] = "true"
    if report.weights_sha256:
        attributes["weights_sha256"] = report.weights_sha256
    return attributes


def requests(
    spec: assimilation_pb2.AnalyseSpec,
    background: AtmosphereStates,
    ensemble: AtmosphereStates | None,
    observations: AtmosphereObservations,
) -> Iterator[assimilation_pb2.AnalyseRequest]:
    """The request stream of one analysis: the specification, then the tensors."""
    yield assimilation_pb2.AnalyseRequest(spec=spec)
    tensors: dict[str, NDArray[Any]] = {**coordinates(background.grid), "background": background.values[0]}
    if ensemble is not None:
        tensors["ensemble"] = ensemble.values
    names = ("value", "error", "latitude", "longitude", "variable", "sigma")
    tensors |= {name: getattr(observations, name) for name in names}
    if spec.operator == assimilation_pb2.OPERATOR_LAYER_MEAN and observations.sigma_bounds is not None:
        tensors["sigma_bounds"] = observations.sigma_bounds
    for part in parts(tensors):
        yield assimilation_pb2.AnalyseRequest(tensor=part)


def score_requests(
    states: AtmosphereStates, truth: AtmosphereStates, scale: NDArray[np.float64] | None
) -> Iterator[assimilation_pb2.ScoreRequest]:
    """The request stream of scores."""
    yield assimilation_pb2.ScoreRequest(spec=assimilation_pb2.ScoreSpec())
    tensors: dict[str, NDArray[Any]] = {**coordinates(truth.grid), "truth": truth.values[0]}
    tensors |= {"analysis": states.values[0]} if len(states.values) == 1 else {"ensemble": states.values}
    if scale is not None:
        tensors["scale"] = np.asarray(scale, np.float64)
    for part in parts(tensors):
        yield assimilation_pb2.ScoreRequest(tensor=part)


def coordinates(grid: SigmaGrid) -> dict[str, NDArray[np.float64]]:
    """Those of the states, as tensors."""
    return {"lat": grid.lat, "lon": grid.lon, "level": grid.sigma}


def parts(tensors: Mapping[str, NDArray[Any]]) -> Iterator[tensor_pb2.TensorPart]:
    """All parts of some tensors."""
    for name, array in tensors.items():
        yield from encode(name, array)


class AnswerReader:
    """Takes the messages of an answer one by one."""

    def __init__(self) -> None:
        self._tensors = TensorReader(MAX_ANSWER_BYTES, ANSWER)
        self._report: assimilation_pb2.AnalyseReport | None = None

    def feed(self, response: assimilation_pb2.AnalyseResponse) -> progress_pb2.Progress | None:
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

    def result(self, time: Times | None) -> AtmosphereAnalysis:
        """The analysis, valid at this time, once the stream has ended.

        Raises:
            DataCorrupted: the stream ended too early.
        """
        if self._report is None:
            raise DataCorrupted("the answer ended before its report")
        with faults_of_the_service():
            tensors = self._tensors.finish()
            grid = SigmaGrid(tensors["level"], tensors["lat"], tensors["lon"])
        return AtmosphereAnalysis(grid, tensors["mean"], tensors["std"], tensors["members"], time, self._report)
