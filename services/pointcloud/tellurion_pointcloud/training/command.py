"""What the commands share: options of the loop, the beginning of a model card, errors told in a line."""

from __future__ import annotations

import argparse
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import torch

from tellurion_core.errors import InvalidInput, TellurionError
from tellurion_pointcloud.training.loop import Fitted, Schedule


def parser_of(module: str, summary: str) -> argparse.ArgumentParser:
    """A parser of the command `module` in `training`."""
    parser = argparse.ArgumentParser(prog=f"tellurion_pointcloud.training.{module}", description=summary)
    parser.set_defaults(module=module)
    return parser


def training_parser(
    module: str, summary: str, *, output: Path, batch: int, learning_rate: float
) -> argparse.ArgumentParser:
    """A parser with the options that every training has."""
    parser = parser_of(module, summary)
    parser.add_argument("--minutes", type=float, help="train for so long in all")
    parser.add_argument("--steps", type=int, help="train for so many steps in all")
    parser.add_argument("--batch", type=int, default=batch, help="samples of one step (%(default)s)")
    parser.add_argument("--learning-rate", type=float, default=learning_rate, help="the highest (%(default)s)")
    parser.add_argument("--device", default="cuda" if torch.cuda.is_available() else "cpu", help="(%(default)s)")
    parser.add_argument("--bfloat16", action="store_true", help="multiply in bfloat16, faster where the processor can")
    parser.add_argument("--seed", type=int, default=0, help="of all random numbers (%(default)s)")
    parser.add_argument("--checkpoint", type=Path, help="file to go on from, written every two minutes")
    parser.add_argument("--output", type=Path, default=output, help=f"weights file ({output.name})")
    return parser


def schedule_of(given: argparse.Namespace, *, weight_decay: float = 0.05, clip: float = 10.0) -> Schedule:
    """The schedule that the options ask for."""
    return Schedule(
        steps=given.steps,
        minutes=given.minutes,
        learning_rate=given.learning_rate,
        weight_decay=weight_decay,
        clip=clip,
        bfloat16=given.bfloat16,
    )


def card_of(described: Mapping[str, Any], fitted: Fitted, given: argparse.Namespace) -> dict[str, Any]:
    """The beginning of a model card: what was trained on, and how long, where, how and with which seed."""
    return {
        **described,
        "steps": fitted.steps,
        "minutes": round(fitted.seconds / 60, 1),
        "device": given.device,
        "bfloat16": given.bfloat16,
        "seed": given.seed,
        "command": f"python -m tellurion_pointcloud.training.{given.module}",
    }


def run(
    parser: argparse.ArgumentParser, work: Callable[[argparse.Namespace], None], arguments: Sequence[str] | None
) -> None:
    """Does what the options say, an `output` among them; an error ends the program with its exit code and one line."""
    given = parser.parse_args(arguments)
    try:
        if not given.output.parent.is_dir():
            raise InvalidInput.of("output", received=given.output.name, accepted="a place in a folder that exists")
        work(given)
    except TellurionError as error:
        parser.exit(error.exit_code, f"{parser.prog}: error: {error}\n")
