"""A small training with checkpoints: a function, and a program that is killed: PROGRAM CHECKPOINT STEPS KILLED_AT."""

from __future__ import annotations

import sys
from dataclasses import asdict
from pathlib import Path

import torch

from tellurion_diffusion import Batch, LogUniform, Recipe, Report, Trainer, UNet, UNetSpec

SPEC = UNetSpec(
    in_channels=3,
    out_channels=2,
    width=8,
    multipliers=(1, 2),
    blocks=1,
    heads=2,
    periodic=True,
    features=2,
    dropout=0.2,
)


def batch(index: int) -> Batch:
    """Waves of random phase in white noise, with a static field and a month."""
    generator = torch.Generator().manual_seed(1000 + index)
    phase = 2 * torch.pi * torch.rand(4, 2, 1, 1, generator=generator)
    longitude = 2 * torch.pi * torch.arange(16) / 16
    clean = 1.4 * torch.cos(longitude + phase).expand(4, 2, 8, 16)
    return Batch(
        clean,
        torch.randn(clean.shape, generator=generator),
        static=torch.ones(1, 1, 8, 16),
        features=torch.rand(4, 2, generator=generator),
    )


def trainer(checkpoint: Path | None, steps: int) -> Trainer:
    """The training, begun or gone on with."""
    with torch.random.fork_rng():
        torch.manual_seed(5)
        network = UNet(SPEC)
    recipe = Recipe(
        steps=steps,
        learning_rate=2e-3,
        schedule="cosine",
        warmup=3,
        weight_decay=0.01,
        average=0.99,
        levels=LogUniform(0.05, 20.0),
        report_every=1,
        checkpoint_every=4,
        seed=7,
    )
    return Trainer(network, asdict(SPEC), batch, recipe, weights=torch.ones(8, 16), checkpoint=checkpoint)


def waits_to_be_killed(report: Report) -> None:
    """A line for the test; then, at the step to be killed at, nothing more."""
    print(report.step, flush=True)
    if report.step == int(sys.argv[3]):
        sys.stdin.read()


if __name__ == "__main__":
    torch.set_num_threads(1)
    trainer(Path(sys.argv[1]), int(sys.argv[2])).run(waits_to_be_killed)
