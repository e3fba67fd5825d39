"""Clouds on the wire: streams of clouds into requests, answers into arrays."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any, TypeVar

import numpy as np
from google.protobuf.message import Message
from numpy.typing import NDArray

from tellurion.pointcloud.v1 import pointcloud_pb2
from tellurion_client.answers import faults_of_the_service
from tellurion_client.clouds import Cloud
from tellurion_client.pointcloud_results import CloudEncoding, Provenance, ReconstructedCloud
from tellurion_core.errors import DataCorrupted
from tellurion_core.tensors import TensorReader, TensorSpec, encode

MAX_ANSWER_BYTES = 256 << 20
"""Most bytes that answer one cloud: 4096 tokens of 4096 numbers are 64 MiB."""
ENCODING = {
    "embedding": TensorSpec("float32", ("D",)),
    "tokens": TensorSpec("float32", ("G", "C")),
    "centers": TensorSpec("float64", ("G", 3)),
}
"""The tensors that answer a cloud to be encoded."""
RECONSTRUCTION = {
    "added": TensorSpec("float64", ("M", 3)),
    "visible": TensorSpec("float64", ("V", 3), optional=True),
}
"""The tensors that answer a cloud to be reconstructed."""

R = TypeVar("R", bound=Message)


class Requests(Iterator[R]):
    """A request stream: a specification, then clouds.

    gRPC takes them in a thread of its own, where an error would end the call without what was answered before it: an
    error ends the stream instead, and is kept as `failure`.
    """

    def __init__(self, kind: type[R], spec: Message, clouds: Iterable[tuple[Cloud, str]]) -> None:
        self.failure: Exception | None = None
        self._messages = _messages(kind, spec, clouds)

    def __next__(self) -> R:
        try:
            return next(self._messages)
        except StopIteration:
            raise
        except Exception as error:  # noqa: BLE001 whoever waits for the answer raises it
            self.failure = error
            raise StopIteration from None


def _messages(kind: type[R], spec: Message, clouds: Iterable[tuple[Cloud, str]]) -> Iterator[R]:
    """The messages of clouds with their labels."""
    make: Any = kind
    yield make(spec=spec)
    for cloud, label in clouds:
        coloured = cloud.colours is not None
        yield make(cloud=pointcloud_pb2.Cloud(coloured=coloured, label=label))
        for part in encode("points", cloud.points):
            yield make(tensor=part)
        if cloud.colours is not None:
            for part in encode("colours", cloud.colours):
                yield make(tensor=part)


def encodings(responses: Iterable[pointcloud_pb2.EncodeResponse]) -> Iterator[CloudEncoding]:
    """The encodings that a stream brings, one after the other; memory holds one.

    Raises:
        DataCorrupted: one arrived damaged or incomplete.
    """
    report, reader = pointcloud_pb2.EncodeReport(), TensorReader(0)
    for response in responses:
        if response.WhichOneof("response") == "report":
            if reader.specs is not None:
                raise DataCorrupted("an encoding came before the last one was complete")
            report, reader = response.report, TensorReader(MAX_ANSWER_BYTES, ENCODING)
            continue
        with faults_of_the_service():
            reader.feed(response.tensor)
            if len(reader.tensors) < len(ENCODING):
                continue
            tensors = reader.finish()
        reader = TensorReader(0)
        source = Provenance.of(report.source)
        yield CloudEncoding(tensors["embedding"], tensors["tokens"], tensors["centers"], report.points, source)
    if reader.specs is not None:
        raise DataCorrupted("the answer ended inside an encoding")


def reconstructed(
    responses: Iterable[pointcloud_pb2.ReconstructResponse], given: NDArray[np.float64]
) -> ReconstructedCloud:
    """The cloud that a stream brings of one whose points [N, 3] were given.

    Raises:
        DataCorrupted: it arrived damaged or incomplete.
    """
    report: pointcloud_pb2.ReconstructReport | None = None
    reader = TensorReader(MAX_ANSWER_BYTES, RECONSTRUCTION)
    with faults_of_the_service():
        for response in responses:
            if response.WhichOneof("response") == "report":
                report = response.report
            else:
                reader.feed(response.tensor)
        tensors = reader.finish()
    if report is None:
        raise DataCorrupted("the answer ended before its report")
    return ReconstructedCloud(tensors.get("visible", given), tensors["added"], Provenance.of(report.source))
