"""The point-cloud service, as a client sees it."""

from __future__ import annotations

import os
from collections.abc import Collection, Iterable, Iterator, Mapping
from contextlib import contextmanager
from itertools import chain
from typing import TYPE_CHECKING, Any, TypeAlias

import numpy as np
from numpy.typing import ArrayLike

from tellurion.pointcloud.v1 import pointcloud_pb2, pointcloud_pb2_grpc
from tellurion_client.answers import reported
from tellurion_client.clouds import Cloud, read_cloud
from tellurion_client.options import check_seed, check_timeout, check_within
from tellurion_client.pointcloud_results import (
    CloudEncoding,
    Detections,
    PointCloudModel,
    PointCloudScores,
    ReconstructedCloud,
)
from tellurion_client.pointcloud_wire import Requests, encodings, reconstructed
from tellurion_core.call import call_metadata
from tellurion_core.errors import InvalidInput

if TYPE_CHECKING:
    from tellurion_client.client import Client
    from tellurion_client.ocean import Progress

SERVICE = "pointcloud"
ENCODERS = ("mmpt", "gaussian2scene")
"""Models that encode: of objects, and of scenes with colours."""
DEFAULT_MODEL = ENCODERS[0]
MOST_POINTS = 1 << 23
"""Of a cloud, which is 226 MB with its colours."""
MOST_SAMPLED = 1 << 16
"""Points that a cloud can be sampled to."""
MOST_CLASSES = 256
"""That clouds are told apart as."""
LONGEST_LABEL = 128
"""Characters of the name of a class."""
EVALUATIONS = ("svm", "fewshot", "completion", "detection")
"""Protocols by which the models are scored."""

CloudGiven: TypeAlias = str | os.PathLike[str] | Cloud | ArrayLike
"""A file of a cloud or a mesh, a cloud, or points [N, 3]."""


class PointCloudClient:
    """Encodes, completes and classifies clouds of points, and finds objects in scenes. Got from `Client.pointcloud`."""

    def __init__(self, client: Client) -> None:
        self._client = client

    def encode(
        self,
        clouds: Iterable[CloudGiven],
        *,
        model: str = DEFAULT_MODEL,
        points: int | None = None,
        seed: int = 0,
        timeout: float | None = None,
    ) -> Iterator[CloudEncoding]:
        """An encoding of each cloud in their order, as soon as it is there; memory does not grow with their number.

        `mmpt` encodes objects; `gaussian2scene` scenes with z up, which are grey to it without colours. Where a cloud
        stands and how large it is do not matter. Each is sampled to so many `points`, the model's own number where
        None. `seed` draws the points of meshes. The clouds may come from a generator, which gRPC asks from a thread of
        its own; whoever takes no more encodings ends it.

        Raises:
            InvalidInput: an option or a cloud that cannot be used.
            DeadlineExceeded: not done within `timeout` seconds.
            Unavailable: the service cannot be reached or started.
            DataCorrupted: an encoding arrived damaged.
        """
        check_encoding(model, points, seed)
        _check_several(clouds)
        check_timeout(timeout)
        spec = pointcloud_pb2.EncodeSpec(model=model, points=points or 0)
        requests = Requests(pointcloud_pb2.EncodeRequest, spec, ((cloud_of(each, seed=seed), "") for each in clouds))
        return self._encodings(requests, timeout)

    def complete(self, cloud: CloudGiven, *, seed: int = 0, timeout: float | None = None) -> ReconstructedCloud:
        """The whole of an object of which one side was seen; `seed` draws the points of a mesh.

        Raises:
            InvalidInput, DeadlineExceeded, Unavailable, DataCorrupted: as for `encode`.
        """
        return self._reconstruct(pointcloud_pb2.TASK_COMPLETE, cloud, seed, timeout)

    def unmask(self, cloud: CloudGiven, *, seed: int = 0, timeout: float | None = None) -> ReconstructedCloud:
        """A cloud most of whose patches, drawn by `seed`, were hidden from `mmpt`: what it has learned to expect.

        Raises:
            InvalidInput, DeadlineExceeded, Unavailable, DataCorrupted: as for `encode`.
        """
        return self._reconstruct(pointcloud_pb2.TASK_UNMASK, cloud, seed, timeout)

    def classify(
        self,
        examples: Mapping[str, Iterable[CloudGiven]],
        clouds: Iterable[CloudGiven],
        *,
        model: str = DEFAULT_MODEL,
        points: int | None = None,
        seed: int = 0,
        timeout: float | None = None,
    ) -> Iterator[dict[str, float]]:
        """The probability of each class, the most probable first, of each cloud in their order.

        `examples` are a few clouds of each class. `model`, `points` and `seed` are those of `encode`.

        Raises:
            InvalidInput: fewer than two classes, or as for `encode`.
            DeadlineExceeded, Unavailable, DataCorrupted: as for `encode`.
        """
        check_encoding(model, points, seed)
        check_classes(examples)
        for given in (clouds, *examples.values()):
            _check_several(given)
        check_timeout(timeout)
        labelled = ((each, label) for label, given in examples.items() for each in given)
        sent = ((cloud_of(each, seed=seed), label) for each, label in chain(labelled, ((each, "") for each in clouds)))
        spec = pointcloud_pb2.ClassifySpec(model=model, points=points or 0)
        return self._classified(Requests(pointcloud_pb2.ClassifyRequest, spec, sent), timeout)

    def detect(
        self, scene: CloudGiven, *, min_score: float = 0.0, seed: int = 0, timeout: float | None = None
    ) -> Detections:
        """The objects in a scene, in metres with z up, of this score at least; `seed` draws the points of a mesh.

        Scores below 0.01 are not answered.

        Raises:
            InvalidInput: a scene that cannot be used.
            DeadlineExceeded, Unavailable: as for `encode`.
        """
        check_score(min_score)
        check_seed(seed)
        spec = pointcloud_pb2.DetectSpec(min_score=min_score)
        requests = Requests(pointcloud_pb2.DetectRequest, spec, [(cloud_of(scene, seed=seed), "")])
        with self._call("Detect", requests, timeout) as answer:
            return Detections.of(answer)

    def models(self, *, timeout: float | None = None) -> tuple[PointCloudModel, ...]:
        """The models that the service has.

        Raises:
            DeadlineExceeded, Unavailable: as for `encode`.
        """
        with self._call("ListModels", pointcloud_pb2.ListModelsRequest(), timeout) as answer:
            return tuple(map(PointCloudModel.of, answer.models))

    def evaluate(
        self, task: str, *, seed: int = 0, progress: Progress | None = None, timeout: float | None = None
    ) -> PointCloudScores:
        """Scores of the models on held-out data that the service has: `svm`, `fewshot`, `completion` or `detection`.

        Raises:
            InvalidInput: an option that cannot be used.
            NotFound: the service has no such data.
            DeadlineExceeded, Unavailable: as for `encode`.
            DataCorrupted: the answer ended early.
        """
        check_evaluation(task, seed)
        protocol = pointcloud_pb2.Protocol.Value(f"PROTOCOL_{task.upper()}")
        request = pointcloud_pb2.EvaluateRequest(protocol=protocol, seed=seed)
        with self._call("Evaluate", request, timeout) as responses:
            return PointCloudScores.of(reported(responses, progress))

    def _encodings(self, requests: Any, timeout: float | None) -> Iterator[CloudEncoding]:
        with self._call("Encode", requests, timeout) as responses:
            yield from encodings(responses)

    def _reconstruct(
        self, task: pointcloud_pb2.Task.ValueType, cloud: CloudGiven, seed: int, timeout: float | None
    ) -> ReconstructedCloud:
        check_seed(seed)
        spec, read = pointcloud_pb2.ReconstructSpec(task=task, seed=seed), cloud_of(cloud, seed=seed)
        requests = Requests(pointcloud_pb2.ReconstructRequest, spec, [(read, "")])
        with self._call("Reconstruct", requests, timeout) as responses:
            return reconstructed(responses, read.points)

    def _classified(self, requests: Any, timeout: float | None) -> Iterator[dict[str, float]]:
        with self._call("Classify", requests, timeout) as responses:
            for response in responses:
                yield {each.label: each.probability for each in response.classes}

    @contextmanager
    def _call(self, method: str, request: Any, timeout: float | None) -> Iterator[Any]:
        """A call's answer, cancelled in the service when the block is left before its end.

        Raises what the request stream failed with in place of what the service says of its end.
        """
        check_timeout(timeout)
        stub = pointcloud_pb2_grpc.PointCloudServiceStub(self._client.channel(SERVICE))
        try:
            with self._client.calling(SERVICE):
                answer = getattr(stub, method)(request, timeout=timeout, metadata=call_metadata())
                try:
                    yield answer
                finally:
                    if hasattr(answer, "cancel"):
                        answer.cancel()
        except Exception:
            _raise_failure(request)
            raise
        _raise_failure(request)


def _raise_failure(request: Any) -> None:
    if isinstance(request, Requests) and request.failure is not None:
        raise request.failure from None


def _check_several(clouds: object) -> None:
    """Raises InvalidInput of one cloud where several are taken: a name is no list of files."""
    if isinstance(clouds, str | os.PathLike | Cloud) or not isinstance(clouds, Iterable):
        raise InvalidInput.of("clouds", received=clouds, accepted="several clouds; one as [cloud]")


def cloud_of(given: CloudGiven, *, seed: int) -> Cloud:
    """A cloud however it is given. Raises InvalidInput where it is none, or cannot be sent."""
    if isinstance(given, Cloud):
        return given
    if isinstance(given, str | os.PathLike):
        return read_cloud(given, most=MOST_POINTS, seed=seed)
    try:
        points = np.asarray(given, np.float64)
    except (TypeError, ValueError):
        raise InvalidInput.of("points", received=given, accepted="numbers [N, 3]") from None
    if points.ndim != 2 or points.shape[1] != 3:
        raise InvalidInput.of("points", received=list(points.shape), accepted="[N, 3]")
    return Cloud(points)


def check_encoding(model: str, points: int | None, seed: int) -> None:
    """Raises InvalidInput unless this is a model that encodes, and clouds can be sampled so."""
    if model not in ENCODERS:
        raise InvalidInput.of("model", received=model, accepted=" or ".join(ENCODERS))
    if points is not None:
        check_within("points", points, 1, MOST_SAMPLED)
    check_seed(seed)


def check_classes(labels: Collection[str]) -> None:
    """Raises InvalidInput unless clouds can be told apart as these."""
    if not 2 <= len(labels) <= MOST_CLASSES:
        raise InvalidInput.of("examples", received=f"{len(labels)} classes", accepted=f"2…{MOST_CLASSES}")
    for label in labels:
        if not isinstance(label, str) or not 1 <= len(label) <= LONGEST_LABEL:
            raise InvalidInput.of("examples", received=label, accepted=f"classes of 1 to {LONGEST_LABEL} characters")


def check_evaluation(task: str, seed: int) -> None:
    """Raises InvalidInput unless models can be scored by this protocol."""
    if task not in EVALUATIONS:
        raise InvalidInput.of("task", received=task, accepted=", ".join(EVALUATIONS))
    check_seed(seed)


def check_score(score: float) -> None:
    """Raises InvalidInput unless this is a score."""
    if not 0 <= score <= 1:
        raise InvalidInput.of("min_score", received=score, accepted="0 to 1")
