"""Train the latent prior p(z | x_b).

    python -m tellurion_assimilation.training.prior DATA --minutes 90 --checkpoint prior.ckpt

An interrupted training goes on where its checkpoint stands. The climate is the same at all longitudes and in both
hemispheres, so that every sample is turned round the globe and mirrored at random. On a CPU that others use too, set
OMP_WAIT_POLICY=passive.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from functools import partial
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from tellurion_assimilation.autoencoder import Autoencoder
from tellurion_assimilation.prior import AUTOENCODER_FILE, PRIORS, Climate, Prior, channels, generator_of, white
from tellurion_assimilation.training.autoencoder import increments
from tellurion_assimilation.training.backgrounds import Backgrounds
from tellurion_core.errors import InvalidInput, TellurionError
from tellurion_diffusion import Batch, DiT, DiTSpec, LogUniform, Recipe, Report, Trainer, correction_loss, weights

LEVELS = LogUniform(0.01, 80.0)
"""Of σ, beyond both ends of what sampling uses."""
VALIDATION_SIGMAS = (0.1, 0.3, 1.0, 3.0, 10.0, 50.0)
VALIDATION_BATCHES = 16
CHUNK = 64
"""States read at once."""


@dataclass(frozen=True)
class Symmetry:
    """One of those of the climate: a turn round the globe, with or without the mirror image in the equator."""

    turn: float
    """Share of the globe."""
    mirrored: bool

    @classmethod
    def draw(cls, random: np.random.Generator, columns: int) -> Symmetry:
        """Any, by whole columns."""
        return cls(int(random.integers(columns)) / columns, bool(random.random() < 0.5))

    def of(self, field: Tensor, mirror: Tensor) -> Tensor:
        """[…, C, rows, columns] of the same: a state, an increment or a latent; `mirror` [C] holds the signs."""
        turned = field.roll(round(self.turn * field.shape[-1]), dims=-1)
        return mirror[:, None, None] * turned.flip(-2) if self.mirrored else turned


@dataclass(frozen=True, eq=False)
class Batches:
    """Errors of backgrounds with noise and condition; batch i is a function of (seed, i) alone."""

    prior: Prior
    backgrounds: Callable[[NDArray[np.intp]], NDArray[np.float32]]
    """[k, C, Y, X] of indices [k]."""
    latents: Tensor
    """[n, C, h, w] of all backgrounds' errors."""
    size: int
    seed: int

    def __call__(self, index: int) -> Batch:
        """Batch `index`."""
        random = np.random.default_rng([self.seed, index])
        chosen = np.sort(random.integers(len(self.latents), size=self.size))
        shape, mirror = self.prior.autoencoder.latent_shape, self.prior.autoencoder.mirror
        symmetries = [Symmetry.draw(random, shape[2]) for _ in chosen]
        backgrounds = torch.from_numpy(self.backgrounds(chosen))
        latents, states = (
            torch.stack([symmetry.of(field, mirror) for symmetry, field in zip(symmetries, fields, strict=True)])
            for fields in (self.latents[chosen], backgrounds)
        )
        generators = [generator_of(self.seed, index * self.size + k) for k in range(self.size)]
        return Batch(latents, white(generators, shape), self.prior.climate.condition(states, shape))


def climate(backgrounds: Backgrounds, mirror: Tensor) -> Climate:
    """The climate of the training backgrounds and of their mirror images."""
    count = backgrounds.count("train")
    total = squares = torch.zeros(())
    for first in range(0, count, CHUNK):
        state = torch.from_numpy(backgrounds.pairs("train", slice(first, first + CHUNK))[1]).double()
        total, squares = total + state.mean(3).sum(0), squares + state.square().mean(3).sum(0)
    mean, square = total / count, squares / count
    mean, square = (mean + mirror[:, None] * mean.flip(1)) / 2, (square + square.flip(1)) / 2
    return Climate(mean.float(), torch.sqrt(square - mean.square()).float())


@torch.no_grad()
def encoded(autoencoder: Autoencoder, backgrounds: Backgrounds, split: str) -> Tensor:
    """Latents [n, C, h, w] of the errors of a split's backgrounds."""
    return torch.cat([autoencoder.encode(each) for each in increments(backgrounds, split, autoencoder.std)])


def like_cycled(latents: Tensor, cycled: int) -> Tensor:
    """[n, C, h, w] errors, those before the last `cycled` ones scaled to the mean square of these.

    The errors of forecasts from perturbed states come in all sizes, those of a cycle in one; while errors are small
    they grow in proportion to themselves, so that a smaller one could have been the error as well.
    """
    squares = latents.square().mean((1, 2, 3), keepdim=True)
    scale = torch.sqrt(squares[-cycled:].mean() / squares)
    scale[-cycled:] = 1
    return scale * latents


@torch.inference_mode()
def improvement(network: nn.Module, batches: Batches) -> dict[str, float]:
    """By σ: the share of the Gaussian's squared error that the network removes, on these samples."""
    held_out = [batches(index) for index in range(VALIDATION_BATCHES)]
    network.eval()
    removed = {}
    for sigma in VALIDATION_SIGMAS:
        level = torch.full((batches.size,), sigma)
        learned = sum(float(correction_loss(network, batch, level)) for batch in held_out)
        gaussian = sum(float(correction_loss(_zero, batch, level)) for batch in held_out)
        removed[f"{sigma:g}"] = round(1 - learned / gaussian, 4)
    return removed


def _zero(x: Tensor, *_: object) -> Tensor:
    return torch.zeros_like(x)


def main(arguments: Sequence[str] | None = None) -> None:
    """Run the command."""
    parser = _parser()
    given = parser.parse_args(arguments)
    try:
        _train(given)
    except TellurionError as error:
        parser.exit(error.exit_code, f"{parser.prog}: error: {error}\n")


def _train(given: argparse.Namespace) -> None:
    if not given.output.parent.is_dir():
        raise InvalidInput.of("output", received=given.output.name, accepted="a file in a folder that exists")
    backgrounds, autoencoder = Backgrounds(given.data), Autoencoder.load(given.autoencoder)
    latent, static = channels(autoencoder)
    spec = DiTSpec(channels=latent, static=static, width=given.width, depth=given.depth, heads=given.width // 32)
    torch.manual_seed(given.seed)
    prior = Prior(DiT(spec).to(given.device), autoencoder, climate(backgrounds, autoencoder.mirror))
    errors = {split: encoded(autoencoder, backgrounds, split) for split in ("train", "validation")}
    errors["train"] = like_cycled(errors["train"], backgrounds.count("cycled"))
    learned, unseen = (
        Batches(prior, partial(backgrounds.states, split), latents, given.batch, given.seed)
        for split, latents in errors.items()
    )
    recipe = Recipe(
        steps=given.steps,
        seconds=None if given.minutes is None else 60 * given.minutes,
        learning_rate=given.learning_rate,
        schedule="cosine",
        warmup=100,
        weight_decay=1e-2,
        average=0.999,
        levels=LEVELS,
        seed=given.seed,
        report_every=50,
        checkpoint_seconds=120.0,
    )
    trained = {
        "data": backgrounds.description,
        "pairs": len(learned.latents),
        "batch": given.batch,
        "learning_rate": given.learning_rate,
        "seed": given.seed,
    }
    # what it is trained on is part of the checkpoint's spec: a training goes on only as it began
    identity = {"network": asdict(spec), "autoencoder": weights.sha256(given.autoencoder), "trained": trained}
    trainer = Trainer(prior.network, identity, learned, recipe, checkpoint=given.checkpoint)
    trainer.run(report)
    trainer.average.copy_to(prior.network.cpu())
    card = {
        **trained,
        "samples": trainer.step * given.batch,
        "minutes": round(trainer.seconds / 60, 1),
        "improvement_by_sigma": improvement(prior.network, unseen),
    }
    prior.save(given.output, given.autoencoder, card)
    print(json.dumps(card))


def report(at: Report) -> None:
    """Prints how a training stands."""
    print(f"step {at.step}  loss {at.loss:.5f}  {at.seconds / 60:.1f} min", flush=True)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="tellurion_assimilation.training.prior", description=__doc__.splitlines()[0])
    folder = Path(__file__).parents[1] / "weights"
    parser.add_argument("data", type=Path, help="folder of the simulated backgrounds")
    parser.add_argument("--minutes", type=float, help="train for so long in all")
    parser.add_argument("--steps", type=int, help="train for so many steps in all")
    parser.add_argument("--batch", type=int, default=16, help="samples of one step (%(default)s)")
    parser.add_argument("--width", type=int, default=192, help="channels of a token, a multiple of 32 (%(default)s)")
    parser.add_argument("--depth", type=int, default=6, help="blocks (%(default)s)")
    parser.add_argument("--learning-rate", type=float, default=1e-3, help="(%(default)s)")
    parser.add_argument("--device", default="cuda" if torch.cuda.is_available() else "cpu", help="(%(default)s)")
    parser.add_argument("--seed", type=int, default=0, help="(%(default)s)")
    parser.add_argument("--autoencoder", type=Path, default=folder / AUTOENCODER_FILE, help="its weights file")
    parser.add_argument("--checkpoint", type=Path, help="file to go on from, written every two minutes")
    parser.add_argument("--output", type=Path, default=folder / PRIORS["none"], help="weights file")
    return parser


if __name__ == "__main__":
    main()
