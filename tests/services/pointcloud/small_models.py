"""Weights files of the service's models, of their real classes and as small as these can be, untrained."""

from __future__ import annotations

from pathlib import Path

import torch

from tellurion_pointcloud.detection.detector import Detector, DetectorSpec
from tellurion_pointcloud.downstream.completion import Completion, CompletionSpec
from tellurion_pointcloud.gaussian2scene.model import Gaussian2Scene
from tellurion_pointcloud.gaussian2scene.spec import Spec as SceneModelSpec
from tellurion_pointcloud.mmpt import Mmpt, Spec
from tellurion_pointcloud.scene_encoder import SceneSpec

OBJECT = Spec(
    points=64,
    groups=8,
    group_size=8,
    hidden=8,
    width=24,
    depth=2,
    heads=3,
    drop_path=0.0,
    vocabulary=16,
    code_width=32,
    decoder_depth=1,
    image_size=16,
    image_width=8,
    contrast=16,
)
SCENE = SceneSpec(groups=8, group_size=8, hidden=8, width=24, depth=1, heads=3)
CLASSES = ("bed", "chair", "table")
CARD = {"trained_on": "nothing at all", "limits": "it has learned nothing"}


def write_weights(folder: Path, seed: int = 0) -> Path:
    """The four files that the service takes."""
    torch.manual_seed(seed)
    folder.mkdir(parents=True)
    Mmpt(OBJECT).save(folder / "mmpt.safetensors", CARD)
    scene = SceneModelSpec(SCENE, points=96, image_height=16, image_width=16, image_patch=8, image_depth=1)
    Gaussian2Scene(scene).save(folder / "gaussian2scene.safetensors", 1, CARD)
    completion = CompletionSpec(OBJECT, partial=32, patch_size=4, depth=1)
    Completion(completion).save(folder / "completion.safetensors", CARD)
    Detector(DetectorSpec(CLASSES, SCENE, points=128, queries=8, depth=1)).save(folder / "detector.safetensors", CARD)
    return folder
