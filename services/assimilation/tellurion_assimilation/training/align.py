"""Align the prior to preferences, by Diffusion-DPO or IPO.

    python -m tellurion_assimilation.training.align DATA PAIRS --alignment M --checkpoint aligned-m.ckpt

An interrupted training goes on where its checkpoint stands. Starting values are those of Align-DA.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Callable, Sequence
from copy import deepcopy
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from tellurion_assimilation.alignment import ALIGNMENTS
from tellurion_assimilation.prior import AUTOENCODER_FILE, PRIORS, Prior, generator_of, white
from tellurion_assimilation.training.backgrounds import Backgrounds
from tellurion_assimilation.training.prior import LEVELS, VALIDATION_BATCHES, VALIDATION_SIGMAS, Symmetry, report
from tellurion_core.errors import InvalidInput, TellurionError
from tellurion_diffusion import LOSSES, Batch, PreferenceTrainer, Recipe, implicit_accuracy, margins, pairs

HELD_OUT = 10
"""The last background of so many is kept to measure with, all in one piece."""


@dataclass(frozen=True, eq=False)
class Preferences:
    """Pairs of members with the background that they were drawn for; batch i is a function of (seed, i) alone."""

    prior: Prior
    backgrounds: Callable[[NDArray[np.intp]], NDArray[np.float32]]
    """[k, C, Y, X] of indices [k]."""
    indices: NDArray[np.intp]
    """[n] of each pair's background."""
    latents: Tensor
    """[n, 2, C, h, w] float16, the winner and the loser."""
    size: int
    seed: int

    @classmethod
    def read(cls, files: Sequence[Path], alignment: str, **others: Any) -> Preferences:
        """Those of files that `preferences` wrote."""
        indices, latents = [], []
        for path in files:
            with np.load(path) as file:
                latents.append(torch.from_numpy(file["latents"][file[alignment]]))
                indices.append(np.full(len(latents[-1]), int(path.stem)))
        return cls(indices=np.concatenate(indices), latents=torch.cat(latents), **others)

    def __call__(self, index: int) -> Batch:
        """Batch `index` of pairs."""
        random = np.random.default_rng([self.seed, index])
        chosen = random.integers(len(self.indices), size=self.size)
        shape, mirror = self.prior.autoencoder.latent_shape, self.prior.autoencoder.mirror
        symmetries = [Symmetry.draw(random, shape[2]) for _ in chosen]
        states, both = (
            torch.stack([symmetry.of(field, mirror) for symmetry, field in zip(symmetries, fields, strict=True)])
            for fields in (torch.from_numpy(self.backgrounds(self.indices[chosen])), self.latents[chosen].float())
        )
        generators = [generator_of(self.seed, index * self.size + k) for k in range(self.size)]
        condition = self.prior.climate.condition(states, shape)
        return pairs(both[:, 0], both[:, 1], white(generators, shape), condition)


@torch.inference_mode()
def accuracy(network: nn.Module, reference: nn.Module, preferences: Preferences) -> dict[str, float]:
    """By σ: the share of these pairs in which the network prefers the winner more than the reference does."""
    batches = [preferences(index) for index in range(VALIDATION_BATCHES)]
    found = {}
    for sigma in VALIDATION_SIGMAS:
        level = torch.full((preferences.size,), sigma)
        preferred = torch.cat([margins(network, reference, batch, level) for batch in batches])
        found[f"{sigma:g}"] = round(implicit_accuracy(preferred), 3)
    return found


def main(arguments: Sequence[str] | None = None) -> None:
    """Run the command."""
    parser = _parser()
    given = parser.parse_args(arguments)
    try:
        _align(given)
    except TellurionError as error:
        parser.exit(error.exit_code, f"{parser.prog}: error: {error}\n")


def _align(given: argparse.Namespace) -> None:
    output = given.output or given.prior.with_name(PRIORS[given.alignment])
    if not output.parent.is_dir():
        raise InvalidInput.of("output", received=output.name, accepted="a file in a folder that exists")
    files = sorted(given.pairs.glob("*.npz"))
    if len(files) < HELD_OUT:
        raise InvalidInput.of("pairs", received=f"{len(files)} files", accepted=f"at least {HELD_OUT}")
    learned_from, held_out = np.split(np.array(files), [-(len(files) // HELD_OUT)])
    prior, backgrounds = Prior.load(given.prior, given.autoencoder, device=given.device), Backgrounds(given.data)
    states = partial(backgrounds.states, "preference")
    learned, unseen = (
        Preferences.read(part, given.alignment, prior=prior, backgrounds=states, size=given.batch, seed=given.seed)
        for part in (learned_from, held_out)
    )
    recipe = Recipe(
        steps=given.steps,
        learning_rate=given.learning_rate,
        warmup=given.steps // 20,
        average=0.99,
        levels=LEVELS,
        seed=given.seed,
        report_every=10,
        checkpoint_seconds=120.0,
    )
    aligned = {
        "prior": prior.sha256,
        "alignment": given.alignment,
        "loss": given.loss,
        "beta": given.beta,
        "learning_rate": given.learning_rate,
        "batch": given.batch,
        "backgrounds": len(learned_from),
        "pairs": len(learned.indices),
        "seed": given.seed,
    }
    reference = deepcopy(prior.network)
    trainer = PreferenceTrainer(
        prior.network,
        reference,
        aligned,
        learned,
        recipe,
        beta=given.beta,
        loss=given.loss,
        checkpoint=given.checkpoint,
    )
    trainer.run(report)
    trainer.average.copy_to(prior.network.cpu())
    card = {
        **aligned,
        "steps": trainer.step,
        "minutes": round(trainer.seconds / 60, 1),
        "implicit_accuracy_by_sigma": accuracy(prior.network.eval(), reference.cpu(), unseen),
    }
    prior.save(output, given.autoencoder, card)
    print(json.dumps(card))


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="tellurion_assimilation.training.align", description=__doc__.splitlines()[0])
    folder = Path(__file__).parents[1] / "weights"
    parser.add_argument("data", type=Path, help="folder of the simulated backgrounds")
    parser.add_argument("pairs", type=Path, help="folder of the preference pairs")
    parser.add_argument("--alignment", choices=ALIGNMENTS, required=True, help="by physics alone, or by all rewards")
    parser.add_argument("--loss", choices=LOSSES, default="dpo", help="(%(default)s)")
    parser.add_argument("--beta", type=float, default=8000.0, help="(%(default)s)")
    parser.add_argument("--learning-rate", type=float, default=1e-5, help="(%(default)s)")
    parser.add_argument("--batch", type=int, default=32, help="pairs of one step (%(default)s)")
    parser.add_argument("--steps", type=int, default=500, help="(%(default)s)")
    parser.add_argument("--device", default="cuda" if torch.cuda.is_available() else "cpu", help="(%(default)s)")
    parser.add_argument("--seed", type=int, default=0, help="(%(default)s)")
    parser.add_argument("--prior", type=Path, default=folder / PRIORS["none"], help="weights to begin with")
    parser.add_argument(
        "--autoencoder", type=Path, default=folder / AUTOENCODER_FILE, help="weights of its autoencoder"
    )
    parser.add_argument("--checkpoint", type=Path, help="file to go on from, written every two minutes")
    parser.add_argument("--output", type=Path, help="weights file (beside the prior's)")
    return parser


if __name__ == "__main__":
    main()
