"""Train Gaussian2Scene on rooms: stage 1 from nothing, stage 2 from stage 1.

    python -m tellurion_pointcloud.training.gaussian2scene ROOMS/training --stage 1 --minutes 45 \\
        --output stage1.safetensors
    python -m tellurion_pointcloud.training.fitted ROOMS/training FITTED
    python -m tellurion_pointcloud.training.gaussian2scene ROOMS/training --stage 2 --minutes 30 \\
        --first stage1.safetensors --fitted FITTED

An interrupted training goes on where its checkpoint stands. No box or class of a room is looked at.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from tellurion_core.errors import InvalidInput
from tellurion_diffusion import weights
from tellurion_pointcloud.gaussian2scene import FULL, SMALL, Gaussian2Scene, Spec
from tellurion_pointcloud.gaussian2scene.losses import reconstruction, splatting
from tellurion_pointcloud.gaussian2scene.masks import complementary
from tellurion_pointcloud.rooms import Rooms
from tellurion_pointcloud.training import command
from tellurion_pointcloud.training.draws import numpy_of
from tellurion_pointcloud.training.encoders import add_size
from tellurion_pointcloud.training.fitted import fitted_means
from tellurion_pointcloud.training.loop import fit, generator_of
from tellurion_pointcloud.training.seen_rooms import Drawn, draw
from tellurion_pointcloud.unseen import shown

WEIGHTS = Path(__file__).parents[1] / "weights" / "gaussian2scene.safetensors"
BLIND = 0.25
"""Share of the scenes whose image is hidden whole, as it is where there is none."""
SCORED = 12
"""Batches that scores are means of."""


def spec_of(rooms: Rooms, size: str) -> Spec:
    """A size by its name, for images of the size that these rooms have."""
    height, width = rooms.pictures.shape[2:4]
    return replace({"small": SMALL, "full": FULL}[size], image_height=height, image_width=width)


def losses(model: Gaussian2Scene, drawn: Drawn, stage: int, random: torch.Generator) -> Mapping[str, Tensor]:
    """What a stage minimises, on a batch; `random` draws the masks."""
    masks = complementary(model.cells(drawn.seen), model.spec.image_patches, random, blind=BLIND)
    if stage == 1:
        return reconstruction(model, drawn.seen, masks)
    return splatting(model, drawn.seen, masks, drawn.fitted, drawn.others, random)


@torch.no_grad()
def scores(
    model: Gaussian2Scene, rooms: Rooms, stage: int, size: int, means: NDArray[np.float32] | None
) -> dict[str, float]:
    """Mean losses on rooms, and that of images when each is another room's."""
    sums: dict[str, float] = {}
    for index in range(SCORED):
        drawn = draw(rooms, model.spec, size, numpy_of(generator_of(0, index)), means)
        found = dict(losses(model, drawn, stage, generator_of(0, index, 1)))
        if stage == 1:
            views = replace(drawn.seen.views, images=drawn.seen.views.images.roll(1, 0))
            permuted = replace(drawn, seen=replace(drawn.seen, views=views))
            found["image of another room"] = losses(model, permuted, stage, generator_of(0, index, 1))["image"]
        for name, value in found.items():
            sums[name] = sums.get(name, 0.0) + value.item() / SCORED
    return {name: round(value, 4) for name, value in sums.items()}


def main(arguments: Sequence[str] | None = None) -> None:
    """Run the command."""
    summary = __doc__.splitlines()[0]
    parser = command.training_parser("gaussian2scene", summary, output=WEIGHTS, batch=16, learning_rate=1e-3)
    parser.add_argument("rooms", type=Path, help="folder of rooms to train on")
    parser.add_argument("--stage", type=int, choices=(1, 2), required=True)
    add_size(parser)
    parser.add_argument("--first", type=Path, help="weights file of stage 1, for stage 2")
    parser.add_argument("--fitted", type=Path, help="folder of the rooms' fitted Gaussians, for stage 2")
    parser.add_argument("--held-out", type=Path, help="folder of rooms to score on")
    parser.add_argument("--held-out-fitted", type=Path, help="folder of their fitted Gaussians, for stage 2")
    command.run(parser, _train, arguments)


def _train(given: argparse.Namespace) -> None:
    rooms, held_out = (None if path is None else Rooms.open(path) for path in (given.rooms, given.held_out))
    described = {
        "trained_on": f"{len(rooms)} rooms of {rooms.source}",
        "groups": shown("groups", rooms.group_names, given.first),
        "stage": given.stage,
        "batch": given.batch,
        "learning_rate": given.learning_rate,
    }
    torch.manual_seed(given.seed)
    means = held_out_means = None
    if given.stage == 1:
        model = Gaussian2Scene(spec_of(rooms, given.size))
    else:
        for name in ("first", "fitted", *(() if held_out is None else ("held_out_fitted",))):
            if getattr(given, name) is None:
                raise InvalidInput.of(name.replace("_", "-"), received="nothing", accepted="a path, for stage 2")
        model, described["first"] = Gaussian2Scene.load(given.first), weights.sha256(given.first)
        means = fitted_means(given.fitted, rooms)
        held_out_means = None if held_out is None else fitted_means(given.held_out_fitted, held_out)
    if (model.spec.image_height, model.spec.image_width) != rooms.pictures.shape[2:4]:
        raise InvalidInput.of("rooms", received=f"images {rooms.pictures.shape[2:4]}", accepted="those of stage 1")
    model.to(given.device)

    def loss(step: int, random: torch.Generator) -> Mapping[str, Tensor]:
        drawn = draw(rooms, model.spec, given.batch, numpy_of(random), means)
        return losses(model, drawn.on(given.device), given.stage, random)

    fitted = fit(
        loss,
        model.parameters(),
        command.schedule_of(given),
        state={"gaussian2scene": model},
        seed=given.seed,
        spec={**model.spec.stored(), **described},
        checkpoint=given.checkpoint,
    )
    card = {
        "limits": "indoor scenes of furniture, z up, made by a computer; colours help, other scenes are untried",
        **command.card_of(described, fitted, given),
    }
    model.cpu()
    if held_out is not None:
        card["scores"] = scores(model, held_out, given.stage, given.batch, held_out_means)
    model.save(given.output, given.stage, card)
    print(json.dumps(card))


if __name__ == "__main__":
    main()
