"""Pre-train MMPT on clouds and their pictures, by all three tasks or some of them.

    python -m tellurion_pointcloud.training.pretrain CORPUS… --tokenizer tokenizer.safetensors --minutes 40

Things that belong to a labelled group are left out, unless `--folds` names the folds to show. An interrupted training
goes on where its checkpoint stands.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Mapping, Sequence
from pathlib import Path

import torch
from torch import Tensor

from tellurion_core.errors import InvalidInput
from tellurion_diffusion import weights
from tellurion_pointcloud.mmpt import Mmpt
from tellurion_pointcloud.mmpt.tasks import TASKS, Deformed, Seen, losses
from tellurion_pointcloud.training import command
from tellurion_pointcloud.training.corpora import add_corpora, draws_of, held_out_folds
from tellurion_pointcloud.training.loop import fit
from tellurion_pointcloud.training.tokenizer import load_tokenizer
from tellurion_pointcloud.unseen import check_unseen

WEIGHTS = Path(__file__).parents[1] / "weights" / "mmpt.safetensors"


def main(arguments: Sequence[str] | None = None) -> None:
    """Run the command."""
    parser = command.training_parser("pretrain", __doc__.splitlines()[0], output=WEIGHTS, batch=64, learning_rate=1e-3)
    add_corpora(parser)
    parser.add_argument("--tokenizer", type=Path, help="weights file of `training.tokenizer`, for the task `tokens`")
    parser.add_argument("--tasks", nargs="+", choices=TASKS, default=list(TASKS), help="(all)")
    parser.add_argument(
        "--weights", type=float, nargs=3, default=[1.0, 1.0, 1.0], metavar=("TOKENS", "POINTS", "CONTRAST"),
        help="what each task's loss is multiplied by (1 1 1)",
    )  # fmt: skip
    command.run(parser, _train, arguments)


def _train(given: argparse.Namespace) -> None:
    draws, described = draws_of(given)
    tasks = tuple(task for task in TASKS if task in given.tasks)
    factors = dict(zip(TASKS, given.weights, strict=True))
    torch.manual_seed(given.seed)
    model = Mmpt(draws.spec)
    described |= {"tasks": {task: factors[task] for task in tasks}, "learning_rate": given.learning_rate}
    if "tokens" in tasks:
        if given.tokenizer is None:
            raise InvalidInput.of("tokenizer", received="nothing", accepted="a weights file, for the task tokens")
        check_unseen("tokenizer", weights.card(given.tokenizer), "folds", held_out_folds(draws, given))
        model.tokenizer = load_tokenizer(given.tokenizer, draws.spec).requires_grad_(False)
        described["tokenizer"] = weights.sha256(given.tokenizer)
    model.to(given.device)

    def loss(step: int, random: torch.Generator) -> Mapping[str, Tensor]:
        found = losses(model, _on(draws.seen(random), given.device), tasks, random)
        return {task: factors[task] * value for task, value in found.items()}

    fitted = fit(
        loss,
        [each for each in model.parameters() if each.requires_grad],
        command.schedule_of(given),
        state={"mmpt": model},
        seed=given.seed,
        spec={**draws.spec.stored(), **described},
        checkpoint=given.checkpoint,
    )
    limits = "single objects, z up, as a computer draws them; noise, holes and clutter of real scans are untried"
    card = {"limits": limits, **command.card_of(described, fitted, given)}
    model.cpu().save(given.output, card)
    print(json.dumps(card))


def _on(seen: Seen, device: str) -> Seen:
    first, second = (Deformed(each.patches.to(device), each.centres.to(device)) for each in (seen.first, seen.second))
    return Seen(first, second, seen.pictures.to(device))


if __name__ == "__main__":
    main()
