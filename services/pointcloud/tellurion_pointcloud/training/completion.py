"""Train the completion of clouds of which one viewpoint's half is left.

    python -m tellurion_pointcloud.training.completion CORPUS… --encoder mmpt.safetensors --minutes 40

Things that belong to a labelled group are left out, unless `--folds` names the folds to show; the card tells the error
on those of the other folds. An interrupted training goes on where its checkpoint stands.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from tellurion_pointcloud import evaluate
from tellurion_pointcloud.corpus import Corpus
from tellurion_pointcloud.downstream.completion import Completion, CompletionSpec, errors, halved
from tellurion_pointcloud.downstream.crops import even_directions, random_directions
from tellurion_pointcloud.training import command
from tellurion_pointcloud.training.corpora import add_corpora, draws_of, held_out_folds
from tellurion_pointcloud.training.encoders import add_encoder, backbone_of
from tellurion_pointcloud.training.loop import fit

WEIGHTS = Path(__file__).parents[1] / "weights" / "completion.safetensors"


def main(arguments: Sequence[str] | None = None) -> None:
    """Run the command."""
    parser = command.training_parser(
        "completion", __doc__.splitlines()[0], output=WEIGHTS, batch=32, learning_rate=1e-3
    )
    add_corpora(parser)
    add_encoder(parser)
    command.run(parser, _train, arguments)


def _train(given: argparse.Namespace) -> None:
    draws, described = draws_of(given)
    torch.manual_seed(given.seed)
    backbone, encoder = backbone_of(given, held_out_folds(draws, given))
    spec = CompletionSpec(backbone.spec)
    network = Completion(spec, backbone).to(given.device)
    described |= {
        "encoder": encoder,
        "learning_rate": given.learning_rate,
    }

    def loss(step: int, random: torch.Generator) -> dict[str, Tensor]:
        clouds, directions = draws.whole(2 * spec.partial, random), random_directions(given.batch, random)
        return network.loss(*halved(clouds.to(given.device), directions.to(given.device)))

    fitted = fit(
        loss,
        network.parameters(),
        command.schedule_of(given),
        state={"completion": network},
        seed=given.seed,
        spec={**asdict(spec), **described},
        checkpoint=given.checkpoint,
    )
    network.cpu()
    card = {
        "limits": "single objects, z up, of which one viewpoint sees about half; thin and rare shapes come out blurred",
        **command.card_of(described, fitted, given),
        "held_out": [scores for corpus in draws.corpora if (scores := _held_out(network, corpus, given.folds))],
    }
    network.save(given.output, card)
    print(json.dumps(card))


def _held_out(network: Completion, corpus: Corpus, folds: Sequence[int]) -> dict[str, Any] | None:
    """Chamfer-L2 of a corpus' labelled things that were not shown; none where it has none."""
    if not any(corpus.classes):
        return None
    things = evaluate.labelled(corpus, points=2 * network.spec.partial, samplings=1, seed=0)
    unseen = torch.from_numpy(things.clouds[0][~np.isin(things.folds, [-1, *folds])])
    if not len(unseen):
        return None
    found = errors(network, unseen, even_directions(evaluate.VIEWPOINTS))
    means = {"partial": found.partial, "completed": found.completed}
    chamfer = {name: round(float(each.mean()), 6) for name, each in means.items()}
    return {"source": corpus.source, "things": len(unseen), "chamfer_l2": chamfer, "ratio": round(found.ratio, 4)}


if __name__ == "__main__":
    main()
