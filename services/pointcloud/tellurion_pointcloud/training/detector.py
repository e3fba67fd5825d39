"""Train the detector on rooms, from nothing or from the encoder of Gaussian2Scene.

    python -m tellurion_pointcloud.training.detector ROOMS/training --held-out ROOMS/held-out --steps 2000
    python -m tellurion_pointcloud.training.detector … --encoder gaussian2scene.safetensors

Rooms are turned by quarters, mirrored, stretched and worn at random, so that their boxes stay exact. An interrupted
training goes on where its checkpoint stands.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Sequence
from dataclasses import asdict, replace
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from tellurion_core.errors import InvalidInput
from tellurion_diffusion import weights
from tellurion_pointcloud.detection.average_precision import THRESHOLDS
from tellurion_pointcloud.detection.detector import Detector, DetectorSpec, full
from tellurion_pointcloud.detection.evaluation import detected, evaluated
from tellurion_pointcloud.detection.set_loss import Target, set_loss
from tellurion_pointcloud.rooms import Rooms
from tellurion_pointcloud.scene_encoder import ScenePatches, load_encoder, scene_patches
from tellurion_pointcloud.training import command
from tellurion_pointcloud.training.draws import numpy_of
from tellurion_pointcloud.training.encoders import add_size
from tellurion_pointcloud.training.loop import fit
from tellurion_pointcloud.training.room_changes import light, lit, some_points, turn
from tellurion_pointcloud.unseen import check_unseen, shown

WEIGHTS = Path(__file__).parents[1] / "weights" / "detector.safetensors"
NOISE = 0.005
"""Standard deviation of coordinates, metres."""
CLIP = 1.0
"""Norm to which a gradient is cut: that of a few objects far from their queries is large."""

Floats = NDArray[np.floating]


def batch(
    rooms: Rooms, spec: DetectorSpec, size: int, random: np.random.Generator
) -> tuple[ScenePatches, list[Target]]:
    """`size` rooms drawn and changed at random, and what stands in them, in the frame of their patches."""
    shown = [_shown(rooms, int(index), spec.points, random) for index in random.integers(len(rooms), size=size)]
    cut = scene_patches(np.stack([each[0] for each in shown]), np.stack([each[1] for each in shown]), spec.encoder)
    targets = [
        Target(torch.from_numpy(kinds), torch.from_numpy(centres).float() - origin, torch.from_numpy(sizes).float())
        for (_, _, kinds, centres, sizes), origin in zip(shown, cut.origin, strict=True)
    ]
    return cut, targets


def _shown(
    rooms: Rooms, index: int, count: int, random: np.random.Generator
) -> tuple[Floats, NDArray[np.uint8], NDArray[np.int64], Floats, Floats]:
    """Points, colours, and kinds, centres and sizes of objects of a room after one of the square's eight symmetries."""
    chosen = some_points(rooms, index, count, random)
    points, colours = rooms.points[index][chosen], rooms.colours[index][chosen]
    boxes = rooms.aligned(index)
    change = turn(random)
    points = points @ change + random.normal(0, NOISE, points.shape)
    kinds = rooms.kinds[index][rooms.objects(index)]
    return points, lit(colours, light(random)), kinds, boxes.centres @ change, boxes.sizes @ np.abs(change)


def main(arguments: Sequence[str] | None = None) -> None:
    """Run the command."""
    parser = command.training_parser("detector", __doc__.splitlines()[0], output=WEIGHTS, batch=8, learning_rate=1e-3)
    parser.add_argument("rooms", type=Path, help="folder of rooms to train on")
    parser.add_argument("--held-out", type=Path, help="folder of rooms to evaluate in")
    parser.add_argument("--encoder", type=Path, help="weights file of Gaussian2Scene to begin with")
    add_size(parser)
    command.run(parser, _train, arguments)


def _train(given: argparse.Namespace) -> None:
    rooms, held_out = (None if path is None else Rooms.open(path) for path in (given.rooms, given.held_out))
    if held_out is not None and held_out.classes != rooms.classes:
        raise InvalidInput.of("held-out", received=held_out.classes, accepted=f"the classes {rooms.classes}")
    encoder = None if given.encoder is None else load_encoder(given.encoder)
    groups = shown("groups", rooms.group_names, given.encoder)
    if held_out is not None:
        check_unseen("rooms", {"groups": groups}, "groups", held_out.group_names)
    spec = full(tuple(rooms.classes)) if given.size == "full" else DetectorSpec(tuple(rooms.classes))
    if encoder is not None:
        spec = replace(spec, encoder=encoder.spec, queries=min(spec.queries, encoder.spec.groups))
    torch.manual_seed(given.seed)
    detector = Detector(spec)
    if encoder is not None:
        detector.encoder.load_state_dict(encoder.state_dict())
    detector.to(given.device)
    described = {
        "trained_on": f"{len(rooms)} rooms of {rooms.source}",
        "limits": "rooms of furniture in metres, z up, made by a computer; boxes along the axes; no scan was tried",
        "groups": groups,
        "encoder": "from nothing" if given.encoder is None else weights.sha256(given.encoder),
        "batch": given.batch,
        "learning_rate": given.learning_rate,
    }

    def loss(step: int, random: torch.Generator) -> dict[str, Tensor]:
        cut, targets = batch(rooms, spec, given.batch, numpy_of(random))
        predictions = detector(cut.patches.to(given.device), cut.centres.to(given.device))
        return set_loss(predictions, [Target(*(each.to(given.device) for each in target)) for target in targets])

    fitted = fit(
        loss,
        detector.parameters(),
        command.schedule_of(given, clip=CLIP),
        state={"detector": detector},
        seed=given.seed,
        spec={**spec.stored(), **described},
        checkpoint=given.checkpoint,
    )
    card = command.card_of(described, fitted, given)
    if held_out is not None:
        evaluation = evaluated(detected(detector, held_out), held_out)
        for threshold in THRESHOLDS:
            name, of_classes = f"AP{100 * threshold:.0f}", evaluation.of_classes(threshold)
            card[name] = {each: round(value, 4) for each, value in asdict(evaluation.interval(threshold)).items()}
            card[f"{name} by class"] = dict(zip(spec.classes, np.round(of_classes, 4).tolist(), strict=True))
    detector.cpu().save(given.output, card)
    print(json.dumps(card))


if __name__ == "__main__":
    main()
