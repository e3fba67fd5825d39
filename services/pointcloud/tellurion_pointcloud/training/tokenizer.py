"""Train the tokenizer of MMPT on clouds alone.

    python -m tellurion_pointcloud.training.tokenizer CORPUS… --minutes 6 --output tokenizer.safetensors

Its choice of words sharpens from even shares to one of each patch, and an even use of the vocabulary by all patches
together is asked for more and more, as Point-BERT's code has it. The card says how much the words tell. An interrupted
training goes on where its checkpoint stands.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Sequence
from pathlib import Path

import torch
from torch import Tensor
from torch.nn import functional

from tellurion_core.errors import InvalidInput
from tellurion_diffusion import weights
from tellurion_pointcloud.geometry.distances import chamfer_l1
from tellurion_pointcloud.mmpt import Spec
from tellurion_pointcloud.mmpt.tokenizer import Tokenizer
from tellurion_pointcloud.specs import check_model
from tellurion_pointcloud.training import command
from tellurion_pointcloud.training.corpora import add_corpora, draws_of
from tellurion_pointcloud.training.loop import fit

ANNEALED = 500
"""Steps until the words' shares are sharpest and their even use weighs most."""
SHARPEST = 0.25
"""Temperature of the words' shares then; 1 at the beginning."""
SPREAD = 0.02
"""Weight of the words' even use then; 0 at the beginning."""


def main(arguments: Sequence[str] | None = None) -> None:
    """Run the command."""
    parser = command.training_parser(
        "tokenizer", __doc__.splitlines()[0], output=Path("tokenizer.safetensors"), batch=64, learning_rate=2e-3
    )
    add_corpora(parser)
    command.run(parser, _train, arguments)


def _train(given: argparse.Namespace) -> None:
    draws, described = draws_of(given)
    torch.manual_seed(given.seed)
    tokenizer = Tokenizer(draws.spec).to(given.device)

    def loss(step: int, random: torch.Generator) -> Tensor:
        shown = draws.clouds(random)
        done = min(step / ANNEALED, 1.0)
        return tokenizer.loss(
            shown.patches.to(given.device), shown.centres.to(given.device), SHARPEST**done, SPREAD * done, random
        )

    spec = {"model": "tokenizer", **draws.spec.stored()}
    fitted = fit(
        loss,
        tokenizer.parameters(),
        command.schedule_of(given, weight_decay=5e-4),
        state={"tokenizer": tokenizer},
        seed=given.seed,
        spec={**spec, **described},
        checkpoint=given.checkpoint,
    )
    shown = draws.clouds(torch.Generator().manual_seed(given.seed))
    card = {**command.card_of(described, fitted, given), **told(tokenizer.cpu(), shown.patches, shown.centres)}
    weights.save(given.output, tokenizer, spec, card)
    print(json.dumps(card))


@torch.inference_mode()
def told(tokenizer: Tokenizer, patches: Tensor, centres: Tensor) -> dict[str, float]:
    """How much the words of patches [B, G, K, 3] at centres [B, G, 3] tell.

    Their number, what they tell in nats, and Chamfer-L1 of the patches as their own words and as another's draw them.
    """
    words = tokenizer.words(patches, centres).argmax(-1)
    exchanged = words.flatten()[torch.randperm(words.numel(), generator=torch.Generator().manual_seed(0))].view_as(
        words
    )

    def apart(said: Tensor) -> float:
        drawn = tokenizer.drawn(functional.one_hot(said, tokenizer.spec.vocabulary).float(), centres)
        return round(chamfer_l1(drawn.fine.flatten(0, 1), patches.flatten(0, 1)).mean().item(), 5)

    return {
        "words_used": len(words.unique()),
        "information": round(tokenizer.information(patches, centres), 3),
        "chamfer_l1": apart(words),
        "chamfer_l1_of_exchanged_words": apart(exchanged),
    }


def load_tokenizer(path: Path, spec: Spec) -> Tokenizer:
    """The tokenizer of a weights file. Raises InvalidInput where it is not one for networks of this spec."""
    tensors, stored = weights.load(path)
    check_model(stored, "tokenizer")
    if Spec.of(stored) != spec:
        raise InvalidInput.of("tokenizer", received=stored, accepted=f"one of {spec.stored()}")
    tokenizer = Tokenizer(spec)
    weights.fill(tokenizer, tensors)
    return tokenizer.eval()


if __name__ == "__main__":
    main()
