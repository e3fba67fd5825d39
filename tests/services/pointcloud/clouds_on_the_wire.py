"""Asks the point-cloud service as any gRPC client would: clouds into messages, messages into arrays."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

import numpy as np

from tellurion.pointcloud.v1 import pointcloud_pb2, pointcloud_pb2_grpc
from tellurion_core.status import rpc_errors
from tellurion_core.tensors import TensorReader, encode

TIMEOUT = 100.0
ENCODED = {"embedding", "tokens", "centers"}


def messages(kind: Any, cloud: np.ndarray, colours: np.ndarray | None = None, label: str = "") -> list[Any]:
    """One cloud as messages of a request."""
    begin = kind(cloud=pointcloud_pb2.Cloud(coloured=colours is not None, label=label))
    parts = [*encode("points", cloud), *([] if colours is None else encode("colours", colours))]
    return [begin, *(kind(tensor=part) for part in parts)]


def answers(responses: Iterable[Any]) -> Iterator[tuple[Any, dict[str, np.ndarray]]]:
    """Report and tensors of each cloud that a stream answers."""
    report, reader = None, TensorReader(1 << 28)
    for response in responses:
        if response.WhichOneof("response") == "report":
            report, reader = response.report, TensorReader(1 << 28)
        else:
            reader.feed(response.tensor)
            if reader.tensors.keys() >= ENCODED:
                yield report, reader.finish()


class Asked:
    """The service in its process."""

    def __init__(self, served: Any) -> None:
        self.stub = pointcloud_pb2_grpc.PointCloudServiceStub(served.channel)

    def encode(self, *clouds: np.ndarray, **spec: Any) -> list[dict[str, np.ndarray]]:
        return [tensors for _, tensors in self.encodings(*clouds, **spec)]

    def encodings(self, *clouds: np.ndarray, model: str = "mmpt", **spec: Any) -> list[Any]:
        kind = pointcloud_pb2.EncodeRequest
        stream = [kind(spec=pointcloud_pb2.EncodeSpec(model=model, **spec))]
        for cloud in clouds:
            stream += messages(kind, *(cloud if isinstance(cloud, tuple) else (cloud,)))
        return [*answers(self.ask("Encode", stream))]

    def reconstruct(self, cloud: np.ndarray, **spec: Any) -> tuple[Any, dict[str, np.ndarray]]:
        kind = pointcloud_pb2.ReconstructRequest
        first, *rest = self.ask(
            "Reconstruct", [kind(spec=pointcloud_pb2.ReconstructSpec(**spec)), *messages(kind, cloud)]
        )
        reader = TensorReader(1 << 28)
        for response in rest:
            reader.feed(response.tensor)
        return first.report, reader.finish()

    def classify(self, *clouds: tuple[np.ndarray, str], **spec: Any) -> list[dict[str, float]]:
        kind = pointcloud_pb2.ClassifyRequest
        stream = [kind(spec=pointcloud_pb2.ClassifySpec(**{"model": "mmpt", **spec}))]
        for cloud, label in clouds:
            stream += messages(kind, cloud, label=label)
        told = self.ask("Classify", stream)
        return [{each.label: each.probability for each in response.classes} for response in told]

    def detect(self, cloud: np.ndarray, colours: np.ndarray | None = None, **spec: Any) -> Any:
        kind = pointcloud_pb2.DetectRequest
        return self.ask("Detect", [kind(spec=pointcloud_pb2.DetectSpec(**spec)), *messages(kind, cloud, colours)])

    def ask(self, method: str, request: Any) -> Any:
        """The answer, of a stream all of it."""
        with rpc_errors():
            answer = getattr(self.stub, method)(
                iter(request) if isinstance(request, list) else request, timeout=TIMEOUT
            )
            return answer if hasattr(answer, "DESCRIPTOR") else [*answer]
