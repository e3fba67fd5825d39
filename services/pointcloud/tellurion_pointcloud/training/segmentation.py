"""Train part segmentation on ShapeNetPart, beginning from a pre-trained encoder.

    python -m tellurion_pointcloud.training.segmentation SHAPENETPART --encoder mmpt.safetensors --minutes 60

The card tells the mean intersection over union on the published test set: over clouds, and over the classes' means. An
interrupted training goes on where its checkpoint stands.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional

from tellurion_pointcloud.downstream.part_layout import Parted, parts_of, shapenet_part
from tellurion_pointcloud.downstream.segmentation import PartSegmenter, mean_iou
from tellurion_pointcloud.specs import saved
from tellurion_pointcloud.training import command
from tellurion_pointcloud.training.draws import deformed, numpy_of
from tellurion_pointcloud.training.encoders import add_encoder, add_size, backbone_of
from tellurion_pointcloud.training.loop import fit

POINTS = 2048
"""Of a cloud, as PointNet++ has it."""


def main(arguments: Sequence[str] | None = None) -> None:
    """Run the command."""
    parser = command.training_parser(
        "segmentation",
        __doc__.splitlines()[0],
        output=Path("segmentation.safetensors"),
        batch=16,
        learning_rate=2e-4,
    )
    parser.add_argument("data", type=Path, help="folder of ShapeNetPart")
    add_size(parser)
    add_encoder(parser)
    command.run(parser, _train, arguments)


def _train(given: argparse.Namespace) -> None:
    models, unseen = shapenet_part(given.data, "train"), shapenet_part(given.data, "test")
    known = parts_of(models + unseen)
    torch.manual_seed(given.seed)
    backbone, encoder = backbone_of(given)
    spec = {"encoder": backbone.spec.stored(), "parts": 1 + int(max(parts.max() for parts in known.values()))}
    network = PartSegmenter(backbone, spec["parts"]).to(given.device)
    described = {
        "trained_on": f"{len(models)} models of {given.data.name}",
        "encoder": encoder,
        "batch": given.batch,
        "learning_rate": given.learning_rate,
    }

    def loss(step: int, random: torch.Generator) -> Tensor:
        numbers = numpy_of(random)
        drawn = [_sampled(models[index], numbers) for index in numbers.integers(len(models), size=given.batch)]
        clouds = torch.from_numpy(deformed(np.stack([cloud for cloud, _ in drawn]), numbers)).to(given.device)
        parts = torch.from_numpy(np.stack([parts for _, parts in drawn])).to(given.device)
        return functional.cross_entropy(network(clouds).transpose(1, 2), parts)

    fitted = fit(
        loss,
        network.parameters(),
        command.schedule_of(given),
        state={"segmentation": network},
        seed=given.seed,
        spec={**spec, **described},
        checkpoint=given.checkpoint,
    )
    card = {
        **command.card_of(described, fitted, given),
        "test_mean_iou": scores(network.cpu(), unseen, known),
    }
    saved(given.output, network, "segmentation", spec, card)
    print(json.dumps(card))


@torch.inference_mode()
def scores(network: PartSegmenter, models: Sequence[Parted], known: dict[str, np.ndarray]) -> dict[str, float]:
    """Mean intersection over union: over clouds, and over the means of classes; a class's parts are known."""
    numbers, found = np.random.default_rng(0), dict[str, list[float]]()
    for model in models:
        cloud, parts = _sampled(model, numbers)
        possible = known[model.kind]
        told = possible[network(torch.from_numpy(cloud)[None])[0][:, possible].argmax(-1).numpy()]
        found.setdefault(model.kind, []).append(mean_iou(told, parts, possible))
    by_class = {kind: float(np.mean(each)) for kind, each in found.items()}
    return {
        "clouds": float(np.mean(np.concatenate(list(found.values())))),
        "classes": float(np.mean(list(by_class.values()))),
        **by_class,
    }


def _sampled(model: Parted, numbers: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    """POINTS of a model's points, repeated where it has fewer, and their parts."""
    index = numbers.choice(len(model.parts), POINTS, replace=len(model.parts) < POINTS)
    return model.cloud[index], model.parts[index]


if __name__ == "__main__":
    main()
