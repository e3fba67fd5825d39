"""Compose rooms of furniture and see them with RGB-D cameras.

    python -m tellurion_pointcloud.training.rooms OUT --rooms 400 --held-out 80 --seed 1

OUT/training is made of the models of four folds, OUT/held-out of those of the fifth alone; TELLURION_DATA names the
folder that holds the furniture. Room i of a part is a function of (seed, part, i) alone.
"""

from __future__ import annotations

import argparse
from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np

from tellurion_core.errors import InvalidInput
from tellurion_core.whole_files import placed
from tellurion_pointcloud.furniture import models
from tellurion_pointcloud.labels import FOLDS, LABELS
from tellurion_pointcloud.rooms import CLASSES, Piece, Room, arranged, pieces, room, write
from tellurion_pointcloud.training import command

PARTS = ("training", "held-out")
MOST_ROOMS = 100_000


def compose(output: Path, counts: Sequence[int], parts: Sequence[Sequence[Piece]], seed: int, source: str) -> None:
    """Writes rooms of each part's pieces as the folders PARTS of `output`, which is there whole or not at all.

    Raises InvalidInput where something stands there, or for counts below 1 or above MOST_ROOMS.
    """
    if not output.parent.is_dir() or output.exists():
        raise InvalidInput.of("output", received=output.name, accepted="a new folder in one that exists")
    for name, count in zip(PARTS, counts, strict=True):
        if not 1 <= count <= MOST_ROOMS:
            raise InvalidInput.of(f"{name} rooms", received=count, accepted=f"1…{MOST_ROOMS}")
    with placed(output) as folder:
        folder.mkdir()
        for part, name in enumerate(PARTS):
            write(
                folder / name,
                _rooms(parts[part], counts[part], (seed, part), name),
                counts[part],
                CLASSES,
                f"{source}, {name}",
            )


def _rooms(furniture: Sequence[Piece], count: int, seed: tuple[int, int], name: str) -> Iterator[Room]:
    for index in range(count):
        random = np.random.default_rng([*seed, index])
        yield room(arranged(furniture, random), random)
        if (index + 1) % 20 == 0 or index + 1 == count:
            print(f"{name}: {index + 1} of {count} rooms", flush=True)


def main(arguments: Sequence[str] | None = None) -> None:
    """Run the command."""
    parser = command.parser_of("rooms", __doc__.splitlines()[0])
    parser.add_argument("output", type=Path, help="a new folder")
    parser.add_argument("--rooms", type=int, default=400, help="to train on (%(default)s)")
    parser.add_argument("--held-out", type=int, default=80, help="to evaluate on (%(default)s)")
    parser.add_argument("--fold", type=int, default=FOLDS - 1, choices=range(FOLDS), help="held out (%(default)s)")
    parser.add_argument("--seed", type=int, default=1, help="of all random numbers (%(default)s)")
    command.run(parser, _make, arguments)


def _make(given: argparse.Namespace) -> None:
    furniture = [(model, LABELS[model.name]) for model in models() if model.name in LABELS]
    parts = (
        pieces(furniture, lambda label: label.fold != given.fold),
        pieces(furniture, lambda label: label.fold == given.fold),
    )
    source = f"{len(parts[0])} and {len(parts[1])} furniture models, fold {given.fold} held out, seed {given.seed}"
    compose(given.output, (given.rooms, given.held_out), parts, given.seed, source)


if __name__ == "__main__":
    main()
