"""Fine-tune a classifier on the labelled things of a corpus, beginning from a pre-trained encoder.

    python -m tellurion_pointcloud.training.fine_tuning FURNITURE --fold 0 --encoder mmpt.safetensors --steps 400

Things of the fold are held out; the card tells the accuracy on them. An interrupted training goes on where its
checkpoint stands.
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

from tellurion_core.errors import InvalidInput
from tellurion_pointcloud.clouds import resampled
from tellurion_pointcloud.corpus import Corpus
from tellurion_pointcloud.downstream.classification import Classifier
from tellurion_pointcloud.evaluate import BATCH, labelled
from tellurion_pointcloud.specs import saved
from tellurion_pointcloud.training import command
from tellurion_pointcloud.training.draws import evenly, numpy_of
from tellurion_pointcloud.training.encoders import add_encoder, add_size, backbone_of
from tellurion_pointcloud.training.loop import fit
from tellurion_pointcloud.unseen import shown


def main(arguments: Sequence[str] | None = None) -> None:
    """Run the command."""
    parser = command.training_parser(
        "fine_tuning", __doc__.splitlines()[0], output=Path("classifier.safetensors"), batch=32, learning_rate=5e-4
    )
    parser.add_argument("corpus", type=Path, help="folder of a corpus with classes and folds")
    parser.add_argument("--fold", type=int, default=0, help="that is held out (%(default)s)")
    add_size(parser)
    add_encoder(parser)
    command.run(parser, _train, arguments)


def _train(given: argparse.Namespace) -> None:
    corpus = Corpus.open(given.corpus)
    things = labelled(corpus, points=corpus.clouds.shape[1], samplings=1, seed=given.seed)
    clouds, held_out = things.clouds[0], things.folds == given.fold
    if held_out.all() or not held_out.any():
        raise InvalidInput.of(
            "fold", received=given.fold, accepted=f"one of {np.unique(things.folds)}, not the only one"
        )
    torch.manual_seed(given.seed)
    backbone, encoder = backbone_of(given, [given.fold])
    points = backbone.spec.points
    spec = {"encoder": backbone.spec.stored(), "classes": sorted({kind for kind in corpus.classes if kind})}
    network = Classifier(backbone, len(spec["classes"])).to(given.device)
    described = {
        "trained_on": f"{np.count_nonzero(~held_out)} labelled things of {corpus.source}",
        "held_out_fold": given.fold,
        "folds": shown("folds", things.folds[~held_out].tolist(), given.encoder),
        "encoder": encoder,
        "batch": given.batch,
        "learning_rate": given.learning_rate,
    }

    def loss(step: int, random: torch.Generator) -> Tensor:
        numbers = numpy_of(random)
        drawn = numbers.choice(np.flatnonzero(~held_out), given.batch)
        told = network(torch.from_numpy(evenly(clouds[drawn], points, numbers)).to(given.device))
        return functional.cross_entropy(told, torch.from_numpy(things.labels[drawn]).to(given.device))

    fitted = fit(
        loss,
        network.parameters(),
        command.schedule_of(given),
        state={"classifier": network},
        seed=given.seed,
        spec={**spec, **described},
        checkpoint=given.checkpoint,
    )
    unseen = torch.from_numpy(np.stack([resampled(cloud, points)[1].points for cloud in clouds[held_out]]))
    with torch.inference_mode():
        told = torch.cat([network.cpu()(batch).argmax(-1) for batch in unseen.split(BATCH)]).numpy()
    right = float(np.mean(told == things.labels[held_out]))
    card = {**command.card_of(described, fitted, given), "held_out": {"things": len(told), "accuracy": round(right, 4)}}
    saved(given.output, network, "classifier", spec, card)
    print(json.dumps(card))


if __name__ == "__main__":
    main()
