"""What is told of clouds, on the wire."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from importlib.metadata import version

import numpy as np

from tellurion.pointcloud.v1 import pointcloud_pb2
from tellurion_core.tensors import Array
from tellurion_pointcloud.evaluate import Scores
from tellurion_pointcloud.models import COLOURED, ENCODERS, Weights, WeightsFile
from tellurion_pointcloud.preparation import Prepared

DISTRIBUTION = "tellurion-pointcloud"


@dataclass(frozen=True)
class Offer:
    """What a model is, and what for."""

    description: str
    tasks: tuple[pointcloud_pb2.Task.ValueType, ...]


OFFERS: Mapping[str, Offer] = {
    "mmpt": Offer(
        "Encodes objects: a transformer over patches, trained by three tasks without labels (MMPT)",
        (pointcloud_pb2.TASK_ENCODE, pointcloud_pb2.TASK_UNMASK),
    ),
    "gaussian2scene": Offer(
        "Encodes scenes: a transformer over coloured patches, trained on views and Gaussians (Gaussian2Scene)",
        (pointcloud_pb2.TASK_ENCODE,),
    ),
    "completion": Offer(
        "Completes objects that were seen from one side, on top of MMPT's encoder", (pointcloud_pb2.TASK_COMPLETE,)
    ),
    "detector": Offer(
        "Finds furniture in rooms as a set of boxes, with an encoder like Gaussian2Scene's",
        (pointcloud_pb2.TASK_DETECT,),
    ),
}
"""Of each weights file."""


def models(files: Weights) -> pointcloud_pb2.ListModelsResponse:
    """What the models are, by their cards."""
    return pointcloud_pb2.ListModelsResponse(models=[_model(name, of) for name, of in files.items()])


def source(name: str, files: Weights) -> pointcloud_pb2.Source:
    """Where an answer comes from."""
    return pointcloud_pb2.Source(model=name, weights_sha256=files[name].sha256, version=version(DISTRIBUTION))


def classified(probabilities: Iterable[tuple[str, float]]) -> pointcloud_pb2.ClassifyResponse:
    """Classes and how probable they are."""
    classes = (pointcloud_pb2.ClassProbability(label=label, probability=of) for label, of in probabilities)
    return pointcloud_pb2.ClassifyResponse(classes=classes)


def detected(
    outputs: Mapping[str, Array], scene: Prepared, classes: Sequence[str], least: float
) -> list[pointcloud_pb2.Box]:
    """The boxes of this score at least, in the scene's own coordinates."""
    boxes = outputs["boxes"].astype(np.float64)
    centers = scene.placed(boxes[:, :3])
    return [
        pointcloud_pb2.Box(
            label=classes[outputs["classes"][row]],
            score=outputs["scores"][row],
            center=_vector(centers[row]),
            size=_vector(boxes[row, 3:6]),
            yaw=boxes[row, 6],
        )
        for row in range(len(boxes))
        if outputs["scores"][row] >= least
    ]


def evaluate_report(
    request: pointcloud_pb2.EvaluateRequest, scores: Scores, seconds: float
) -> pointcloud_pb2.EvaluateReport:
    """Scores on the wire."""
    figures = {
        name: pointcloud_pb2.Figure(value=of.mean, low=of.low, high=of.high) for name, of in scores.figures.items()
    }
    return pointcloud_pb2.EvaluateReport(
        protocol=request.protocol,
        seed=request.seed,
        figures=figures,
        samples=scores.samples,
        seconds=seconds,
        version=version(DISTRIBUTION),
    )


def _model(name: str, of: WeightsFile) -> pointcloud_pb2.Model:
    offer, shape = OFFERS[name], of.shape
    encodes = name in ENCODERS
    return pointcloud_pb2.Model(
        name=name,
        description=offer.description,
        tasks=offer.tasks,
        colours=name in COLOURED,
        trained_on=str(of.card.get("trained_on", "")),
        limits=str(of.card.get("limits", "")),
        points=shape.points,
        groups=shape.groups,
        token_width=shape.width if encodes else 0,
        embedding_width=2 * shape.width if encodes else 0,
        parameters=sum(each.numel() for each in of.network().parameters()),
        weights_sha256=of.sha256,
    )


def _vector(lengths: Array) -> pointcloud_pb2.Vector:
    x, y, z = lengths.tolist()
    return pointcloud_pb2.Vector(x=x, y=y, z=z)
