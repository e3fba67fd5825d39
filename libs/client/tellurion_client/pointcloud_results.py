"""What the point-cloud service answers: encodings, whole clouds, classes, boxes, models and scores."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from tellurion.pointcloud.v1 import pointcloud_pb2


@dataclass(frozen=True)
class Provenance:
    """Where an answer comes from."""

    model: str
    """Name of the model."""
    weights_sha256: str
    """SHA-256 of its weights."""
    version: str
    """Version of the software."""

    @classmethod
    def of(cls, wire: pointcloud_pb2.Source) -> Provenance:
        """From the wire."""
        return cls(wire.model, wire.weights_sha256, wire.version)


@dataclass(frozen=True, eq=False)
class CloudEncoding:
    """What a model says of a cloud."""

    embedding: NDArray[np.float32]
    """[D] of the whole cloud."""
    tokens: NDArray[np.float32]
    """[G, C] of its patches."""
    centers: NDArray[np.float64]
    """[G, 3] where the patches stand, in the coordinates of the cloud."""
    points: int
    """How many points the cloud has."""
    source: Provenance
    """By what it was encoded."""


@dataclass(frozen=True, eq=False)
class ReconstructedCloud:
    """A whole cloud, made of one that is not, in its coordinates."""

    given: NDArray[np.float64]
    """[V, 3] the cloud that was completed; of one that was masked, what the model was shown."""
    added: NDArray[np.float64]
    """[M, 3] what the model adds."""
    source: Provenance
    """By what it was made."""

    @property
    def points(self) -> NDArray[np.float64]:
        """[V + M, 3] both."""
        return np.concatenate([self.given, self.added])


@dataclass(frozen=True)
class ObjectBox:
    """An object in a scene, by the box around it."""

    label: str
    """Its class."""
    score: float
    """How sure the detector is, 0 to 1."""
    center: tuple[float, float, float]
    """Its middle, metres."""
    size: tuple[float, float, float]
    """How long it is along its own axes, metres."""
    yaw: float
    """How far its own x axis is turned from that of the scene, about z, radians."""

    @classmethod
    def of(cls, wire: pointcloud_pb2.Box) -> ObjectBox:
        """From the wire."""
        return cls(wire.label, wire.score, _lengths(wire.center), _lengths(wire.size), wire.yaw)


@dataclass(frozen=True)
class Detections:
    """What was found in a scene."""

    boxes: tuple[ObjectBox, ...]
    """The highest score first."""
    points: int
    """How many points the scene has."""
    source: Provenance
    """By what it was found."""
    notes: tuple[str, ...]
    """What makes the scene unlike those that the detector was taught by; boxes are then worth less."""

    @classmethod
    def of(cls, wire: pointcloud_pb2.DetectResponse) -> Detections:
        """From the wire."""
        return cls(tuple(map(ObjectBox.of, wire.boxes)), wire.points, Provenance.of(wire.source), tuple(wire.notes))


@dataclass(frozen=True)
class PointCloudModel:
    """One model of the service."""

    name: str
    """Name to ask for it by."""
    description: str
    """What it is, in a sentence."""
    tasks: tuple[str, ...]
    """What it is for: `encode`, `complete`, `unmask`, `detect`."""
    colours: bool
    """Whether it reads colours; a cloud without them is grey to it."""
    trained_on: str
    """What it was trained on."""
    limits: str
    """What it is not good for."""
    points: int
    """Points that a cloud is sampled to where nothing else is asked for."""
    groups: int
    """Patches of a cloud, G."""
    token_width: int
    """Numbers of a token, C; 0 where it does not encode."""
    embedding_width: int
    """Numbers of an embedding, D; 0 where it does not encode."""
    parameters: int
    """Number of its parameters."""
    weights_sha256: str
    """SHA-256 of its weights."""

    @classmethod
    def of(cls, wire: pointcloud_pb2.Model) -> PointCloudModel:
        """From the wire."""
        return cls(
            wire.name,
            wire.description,
            tuple(pointcloud_pb2.Task.Name(task).removeprefix("TASK_").lower() for task in wire.tasks),
            wire.colours,
            wire.trained_on,
            wire.limits,
            wire.points,
            wire.groups,
            wire.token_width,
            wire.embedding_width,
            wire.parameters,
            wire.weights_sha256,
        )


@dataclass(frozen=True)
class Estimate:
    """A figure, and how well it is known."""

    value: float
    """The figure."""
    ci95: tuple[float, float] | None
    """Ends of its 95 % interval, where one is known."""


@dataclass(frozen=True)
class PointCloudScores:
    """Scores of the models on held-out data."""

    task: str
    """`svm`, `fewshot`, `completion` or `detection`."""
    seed: int
    """Seed of what was drawn."""
    figures: Mapping[str, Estimate]
    """By name."""
    samples: int
    """Clouds, or scenes, that were scored."""
    seconds: float
    """Time it took."""
    version: str
    """Version of the software."""

    @classmethod
    def of(cls, wire: pointcloud_pb2.EvaluateReport) -> PointCloudScores:
        """From the wire."""
        figures = {
            name: Estimate(of.value, (of.low, of.high) if of.HasField("low") and of.HasField("high") else None)
            for name, of in sorted(wire.figures.items())
        }
        task = pointcloud_pb2.Protocol.Name(wire.protocol).removeprefix("PROTOCOL_").lower()
        return cls(task, wire.seed, figures, wire.samples, wire.seconds, wire.version)


def _lengths(wire: pointcloud_pb2.Vector) -> tuple[float, float, float]:
    return wire.x, wire.y, wire.z
