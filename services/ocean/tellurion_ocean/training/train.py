"""Train the learned correction of `posterior`.

    python -m tellurion_ocean.training.train --minutes 60 --checkpoint correction.ckpt

An interrupted training goes on where its checkpoint stands. The corpus is the ensemble generated from the ten training
months (`tellurion_ocean.training.generated`) or, with --cmip6, the months of a CMIP6 archive; the noise is that of the
generated one in both cases. The network is measured with new draws of the same corpus, which for an archive are the
months it has learned from unless --held-out keeps members apart. February and August of the atlas are never opened. On
a GPU, wider and longer is worth while: --width 128 --blocks 3 --batch 32.
"""

from __future__ import annotations

import argparse
import json
import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from tellurion_core.errors import InvalidInput, TellurionError
from tellurion_diffusion import (
    Batch,
    LogUniform,
    Recipe,
    Report,
    Trainer,
    UNet,
    UNetSpec,
    correction_loss,
    weights,
)
from tellurion_geo import area_weights
from tellurion_ocean.atlas import TRAINING_MONTHS, training_atlas
from tellurion_ocean.network import SHIPPED_FILE, input_channels, spec_of
from tellurion_ocean.prior import Hyperparameters, Prior
from tellurion_ocean.surroundings import season, surroundings
from tellurion_ocean.training import cmip6
from tellurion_ocean.training.anomalies import Anomalies, anomalies
from tellurion_ocean.training.corpus import Corpus
from tellurion_ocean.training.generated import HELD_OUT, GeneratedEnsemble, Sample
from tellurion_ocean.training.simulated import SimulatedEnsemble

LEVELS = LogUniform(0.03, 12.0)
"""Of σ, beyond both ends of what sampling uses."""
VALIDATION_SEED = 10**6
LARGEST_SEED = HELD_OUT - VALIDATION_SEED - 1
"""So that neither the training nor its validation uses a seed of the truths that are held out."""
VALIDATION_SIGMAS = (0.1, 0.3, 0.7, 1.5, 3.0)
VALIDATION_BATCHES = 6


@dataclass(frozen=True, eq=False)
class Batches:
    """Samples on the grid, with what the network is told beside them; batch i is a function of i alone."""

    prior: Prior
    sample: Callable[[int], Sample]
    size: int

    def __call__(self, index: int) -> Batch:
        """Of samples index · size to (index + 1) · size."""
        samples = [self.sample(index * self.size + k) for k in range(self.size)]
        return Batch(
            clean=self._on_grid([sample.clean for sample in samples]),
            noise=self._on_grid([sample.noise for sample in samples]),
            static=_tensor(np.stack([self._surroundings[sample.month - 1] for sample in samples])),
            features=_tensor(np.stack([season(sample.month) for sample in samples])),
        )

    @cached_property
    def _surroundings(self) -> list[NDArray[np.float32]]:
        return [surroundings(self.prior, month) for month in range(1, 13)]

    def _on_grid(self, cells: Sequence[NDArray[np.float32]]) -> Tensor:
        fields = np.zeros((len(cells), *self.prior.grid.shape), np.float32)
        fields[:, self.prior.wet] = np.stack(cells)
        return _tensor(fields)


def loss_weights(prior: Prior) -> Tensor:
    """[Z, Y, X]: a wet cell's area times its std, between scaled errors (std²) and errors in °C (none); land 0."""
    field = np.nan_to_num(prior.to_field(prior.std)) * area_weights(prior.grid)
    return _tensor(field / field.sum())


def _tensor(array: NDArray[np.floating]) -> Tensor:
    """In PyTorch's own memory, which always begins at the same boundary: where it does not, kernels round otherwise."""
    return torch.tensor(array, dtype=torch.float32)


@torch.inference_mode()
def improvement(network: torch.nn.Module, batches: Batches, weighting: Tensor) -> dict[str, float]:
    """By σ: the share of the anchor's squared error that the network removes, on these samples."""
    held_out = [batches(index) for index in range(VALIDATION_BATCHES)]
    network.eval()
    removed = {}
    for sigma in VALIDATION_SIGMAS:
        level = torch.full((batches.size,), sigma)
        learned = sum(float(correction_loss(network, batch, level, weighting)) for batch in held_out)
        anchor = sum(float(correction_loss(_zero, batch, level, weighting)) for batch in held_out)
        removed[f"{sigma:g}"] = round(1 - learned / anchor, 4)
    return removed


def _zero(x: Tensor, *_: object) -> Tensor:
    return torch.zeros_like(x)


def main(arguments: Sequence[str] | None = None) -> None:
    """Run the command."""
    parser = _parser()
    given = parser.parse_args(arguments)
    for option in ("held_out", "models"):
        if getattr(given, option) and given.cmip6 is None:
            parser.error(f"--{option.replace('_', '-')} needs --cmip6")
    try:
        _train(given)
    except TellurionError as error:
        parser.exit(error.exit_code, f"{parser.prog}: error: {error}\n")


def _train(given: argparse.Namespace) -> None:
    if not given.output.parent.is_dir():
        raise InvalidInput.of("output", received=given.output.name, accepted="a file in a folder that exists")
    atlas = training_atlas()
    prior = Prior.fit(atlas.temperature, atlas.months, atlas.grid, Hyperparameters.shipped())
    spec = UNetSpec(
        in_channels=input_channels(prior.grid),
        out_channels=len(prior.grid.depth),
        width=given.width,
        multipliers=(1, 2),
        blocks=given.blocks,
        middle_attention=False,
        patch=2,
        periodic=True,
        features=2,
    )
    recipe = Recipe(
        steps=given.steps,
        seconds=None if given.minutes is None else 60 * given.minutes,
        learning_rate=given.learning_rate,
        schedule="cosine",
        warmup=200,
        weight_decay=1e-4,
        average=0.999,
        levels=LEVELS,
        bf16=given.bf16,
        seed=given.seed,
        report_every=50,
        checkpoint_seconds=120.0,
    )
    torch.manual_seed(given.seed)
    network = UNet(spec).to(given.device)
    runs = _runs(given)
    ensembles = _ensembles(runs, prior, given.seed)
    learned, unseen = (Batches(prior, ensemble.sample, given.batch) for ensemble in ensembles)
    weighting = loss_weights(prior)
    trained = {
        "corpus": "CMIP6" if runs else "generated from the months",
        "months": list(TRAINING_MONTHS),
        "experiments": given.experiments if runs else [],
        "runs": len(runs[0]) if runs else 0,
        "runs_sha256": cmip6.digest(runs[0]) if runs else None,
        "held_out": given.held_out,
        "batch": given.batch,
        "learning_rate": given.learning_rate,
        "average": recipe.average,
        "bf16": given.bf16,
        "seed": given.seed,
    }
    # what it is trained on is part of the checkpoint's spec: a training goes on only as it began
    identity = {**spec_of(spec, prior.grid), "trained": trained}
    trainer = Trainer(network, identity, learned, recipe, weights=weighting, checkpoint=given.checkpoint)
    trainer.run(_print)
    trainer.average.copy_to(network)
    card = {
        **trained,
        "samples": trainer.step * given.batch,
        "minutes": round(trainer.seconds / 60, 1),
        "improvement_by_sigma": improvement(network.cpu(), unseen, weighting),
    }
    weights.save(given.output, network, spec_of(spec, prior.grid), card, half=True)
    print(json.dumps(card))


def _runs(given: argparse.Namespace) -> tuple[list[cmip6.Run], list[cmip6.Run]] | None:
    """The runs of the archive to learn from and those held out; None without an archive. Raises InvalidInput."""
    if given.cmip6 is None:
        return None
    found = cmip6.find(given.cmip6, experiments=given.experiments, models=given.models)
    return cmip6.split(found, held_out=given.held_out)


def _ensembles(
    runs: tuple[list[cmip6.Run], list[cmip6.Run]] | None, prior: Prior, seed: int
) -> Sequence[GeneratedEnsemble | SimulatedEnsemble]:
    """What is learned from and what it is measured with: the members held out, else new draws from the same corpus."""
    seeds = seed, seed + VALIDATION_SEED
    generated = [GeneratedEnsemble(prior, one) for one in seeds]
    if runs is None:
        return generated
    training, held_out = runs
    months = anomalies(Corpus(training, prior.grid))
    unseen = Anomalies(Corpus(held_out, prior.grid), months.climatologies) if held_out else months
    return list(map(SimulatedEnsemble, (months, unseen), generated, seeds))


def _print(report: Report) -> None:
    print(f"step {report.step}  loss {report.loss:.5f}  {report.seconds / 60:.1f} min", flush=True)


def _within(least: int, most: float = math.inf) -> Callable[[str], int]:
    """The type of an argument that is an integer between these two, both included."""

    def integer(text: str) -> int:
        if not least <= (value := int(text)) <= most:
            raise argparse.ArgumentTypeError(f"{value} is not in {least}…{most}")
        return value

    return integer


def _device(text: str) -> torch.device:
    """The type of an argument that is a device of this machine."""
    try:
        return torch.empty(0, device=text).device
    except (RuntimeError, AssertionError) as error:
        raise argparse.ArgumentTypeError(f"{text} is no device of this machine") from error


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="tellurion_ocean.training.train", description=__doc__.splitlines()[0])
    parser.add_argument("--minutes", type=float, help="train for so long in all")
    parser.add_argument("--steps", type=int, help="train for so many steps in all")
    parser.add_argument("--batch", type=_within(1), default=4, help="samples of one step (%(default)s)")
    parser.add_argument("--width", type=int, default=64, help="channels at the finest resolution (%(default)s)")
    parser.add_argument("--blocks", type=int, default=1, help="residual blocks of a resolution (%(default)s)")
    parser.add_argument("--learning-rate", type=float, default=1e-3, help="(%(default)s)")
    parser.add_argument("--bf16", action="store_true", help="compute in bfloat16: faster where the processor has it")
    parser.add_argument(
        "--device", type=_device, default="cuda" if torch.cuda.is_available() else "cpu", help="(%(default)s)"
    )
    seeds = _within(0, LARGEST_SEED)
    parser.add_argument("--seed", type=seeds, default=0, help=f"0…{LARGEST_SEED} (%(default)s)")
    parser.add_argument("--cmip6", type=Path, metavar="FOLDER", help="learn from the thetao of this archive instead")
    parser.add_argument("--models", nargs="+", metavar="NAME", help="of the archive, such as MRI-ESM2-0 (all)")
    parser.add_argument("--held-out", nargs="+", default=[], metavar="MEMBER", help="members kept to measure with")
    parser.add_argument(
        "--experiments", nargs="+", default=["historical"], metavar="NAME", help="of the archive (%(default)s)"
    )
    parser.add_argument("--checkpoint", type=Path, help="file to go on from, written every two minutes")
    default = Path(__file__).parents[1] / "weights" / SHIPPED_FILE
    parser.add_argument("--output", type=Path, default=default, help=f"weights file (weights/{SHIPPED_FILE})")
    return parser


if __name__ == "__main__":
    main()
