"""The protocols by which the served models are scored, and the data that each takes."""

from __future__ import annotations

from pathlib import Path

from tellurion.pointcloud.v1 import pointcloud_pb2
from tellurion_core.errors import InvalidInput, NotFound
from tellurion_core.progress import Progress
from tellurion_pointcloud.corpus import Corpus
from tellurion_pointcloud.detection.average_precision import THRESHOLDS
from tellurion_pointcloud.detection.detector import Detector
from tellurion_pointcloud.detection.evaluation import detected
from tellurion_pointcloud.detection.evaluation import evaluated as matched
from tellurion_pointcloud.evaluate import Scores, completion, fewshot, svm
from tellurion_pointcloud.models import Weights
from tellurion_pointcloud.rooms import Rooms
from tellurion_pointcloud.unseen import check_unseen

FURNITURE, ROOMS = Path("furniture"), Path("rooms", "held-out")
"""Of the labelled corpus and of held-out rooms, in `pointcloud` of the data; the first part names the command too."""


def evaluated(
    protocol: pointcloud_pb2.Protocol.ValueType, data: Path, weights: Weights, seed: int, told: Progress
) -> Scores:
    """The scores of the served models by a protocol.

    Raises:
        NotFound: the data folder has no such data.
        InvalidInput: data that cannot be used, weights that were shown them, or no such protocol.
    """
    match protocol:
        case pointcloud_pb2.PROTOCOL_SVM:
            return svm(_furniture(data, weights, "mmpt"), weights["mmpt"].network(), seed, told)
        case pointcloud_pb2.PROTOCOL_FEWSHOT:
            return fewshot(_furniture(data, weights, "mmpt"), weights["mmpt"].network(), seed, told)
        case pointcloud_pb2.PROTOCOL_COMPLETION:
            return completion(_furniture(data, weights, "completion"), weights["completion"].network(), seed, told)
        case pointcloud_pb2.PROTOCOL_DETECTION:
            rooms = Rooms.open(_folder(data, ROOMS))
            check_unseen("detector", weights["detector"].card, "groups", rooms.group_names)
            return _detection(rooms, weights["detector"].network(), told)
    accepted = ", ".join(pointcloud_pb2.Protocol.keys()[1:])
    raise InvalidInput.of("protocol", received=protocol, accepted=accepted)


def _detection(rooms: Rooms, detector: Detector, told: Progress) -> Scores:
    """Average precision at overlaps of 0.25 and 0.5."""
    evaluation = matched(detected(detector, rooms, told), rooms)
    return Scores({f"ap{round(100 * at)}": evaluation.interval(at) for at in THRESHOLDS}, len(rooms))


def _furniture(data: Path, weights: Weights, judged: str) -> Corpus:
    """The labelled things. Raises InvalidInput where the weights that they judge were shown some of them."""
    corpus = Corpus.open(_folder(data, FURNITURE))
    check_unseen(judged, weights[judged].card, "folds", corpus.folds[corpus.folds >= 0].tolist())
    return corpus


def _folder(data: Path, place: Path) -> Path:
    path = data / "pointcloud" / place
    if not path.is_dir():
        made = f"`python -m tellurion_pointcloud.training.{place.parts[0]} pointcloud/{place.parts[0]}` makes it there"
        raise NotFound(f"there is no folder pointcloud/{place.as_posix()} in TELLURION_DATA; {made}")
    return path
