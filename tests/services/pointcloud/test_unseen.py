"""What weights were shown goes from card to card, and does not judge them."""

from __future__ import annotations

from pathlib import Path

import pytest
from small_corpus import write_corpus
from small_models import CLASSES, OBJECT, SCENE
from small_rooms import furniture

from tellurion.pointcloud.v1 import pointcloud_pb2
from tellurion_core.errors import InvalidInput
from tellurion_pointcloud.detection.detector import Detector, DetectorSpec
from tellurion_pointcloud.downstream.completion import Completion, CompletionSpec
from tellurion_pointcloud.mmpt import Mmpt
from tellurion_pointcloud.models import weights_files
from tellurion_pointcloud.scoring import evaluated
from tellurion_pointcloud.training.rooms import compose
from tellurion_pointcloud.unseen import shown


def test_a_training_was_shown_what_those_before_it_were(tmp_path: Path) -> None:
    for name, folds in (("one", [0, 2]), ("other", [])):
        Mmpt(OBJECT).save(tmp_path / name, {"folds": folds})
    Mmpt(OBJECT).save(tmp_path / "silent", {})
    before = [tmp_path / name for name in ("one", "other", "silent")]
    assert shown("folds", [1, 2], *before, None) == [0, 1, 2]
    assert shown("folds", []) == []


@pytest.mark.parametrize(
    ("protocol", "judged"),
    [
        (pointcloud_pb2.PROTOCOL_SVM, "mmpt: received one that was shown the folds [1]"),
        (pointcloud_pb2.PROTOCOL_FEWSHOT, "mmpt: received one that was shown the folds [1]"),
        (pointcloud_pb2.PROTOCOL_COMPLETION, "completion: received one that was shown the folds [2]"),
        (pointcloud_pb2.PROTOCOL_DETECTION, "detector: received one that was shown the groups ['b "),
    ],
)
def test_served_weights_are_not_judged_by_what_they_were_shown(
    tmp_path: Path, protocol: pointcloud_pb2.Protocol.ValueType, judged: str
) -> None:
    folder = tmp_path / "weights"
    folder.mkdir()
    Mmpt(OBJECT).save(folder / "mmpt.safetensors", {"folds": [1]})
    Completion(CompletionSpec(OBJECT, partial=32, patch_size=4, depth=1)).save(
        folder / "completion.safetensors", {"folds": [2]}
    )
    spec = DetectorSpec(CLASSES, SCENE, points=128, queries=8, depth=1)
    Detector(spec).save(folder / "detector.safetensors", {"groups": [piece.group for piece in furniture("b")]})
    data = tmp_path / "data" / "pointcloud"
    data.mkdir(parents=True)
    write_corpus(data / "furniture")
    compose(data / "rooms", (1, 1), (furniture("a"), furniture("b")), 0, "cuboids")
    with pytest.raises(InvalidInput) as refused:
        evaluated(protocol, tmp_path / "data", weights_files(folder), 0, lambda *_: None)
    assert judged in str(refused.value)
