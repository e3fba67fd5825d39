"""Make a corpus of procedural shapes: clouds, colours and pictures of each.

    python -m tellurion_pointcloud.training.shapes --count 8000 --points 2048 --seed 1 SHAPES

What stands there already is left as it is.
"""

from __future__ import annotations

import argparse
from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np

from tellurion_core.errors import InvalidInput
from tellurion_pointcloud.corpus import Corpus, Thing, pictured, write
from tellurion_pointcloud.shapes import shape
from tellurion_pointcloud.training import command

MOST = {"count": 10_000_000, "points": 100_000, "pictures": 64, "side": 512}


def things(count: int, points: int, pictures: int, side: int, seed: int) -> Iterator[Thing]:
    """Each a function of the seed and its number alone."""
    for index in range(count):
        made = shape(seed, index)
        cloud, colours, views = pictured(
            made.vertices,
            made.faces,
            made.face_colours,
            points=points,
            count=pictures,
            side=side,
            random=np.random.default_rng([seed, index, 1]),
        )
        name = f"{made.kind} {seed}.{index}"
        yield Thing(name, cloud, colours, views, group=name, kind=made.kind)
        if index % 500 == 499:
            print(f"{index + 1} shapes", flush=True)


def main(arguments: Sequence[str] | None = None) -> None:
    """Run the command."""
    parser = command.parser_of("shapes", __doc__.splitlines()[0])
    parser.add_argument("output", type=Path, help="folder of the corpus")
    parser.add_argument("--count", type=int, default=8000, help="of shapes (%(default)s)")
    parser.add_argument("--points", type=int, default=2048, help="of a cloud (%(default)s)")
    parser.add_argument("--pictures", type=int, default=4, help="of a shape (%(default)s)")
    parser.add_argument("--side", type=int, default=64, help="pixels of a picture (%(default)s)")
    parser.add_argument("--seed", type=int, default=1, help="(%(default)s)")
    command.run(parser, _make, arguments)


def _make(given: argparse.Namespace) -> None:
    for name, most in MOST.items():
        if not 1 <= getattr(given, name) <= most:
            raise InvalidInput.of(name, received=getattr(given, name), accepted=f"1…{most}")
    if not (given.output / "about.json").is_file():
        made = things(given.count, given.points, given.pictures, given.side, given.seed)
        write(given.output, made, given.count, f"procedural shapes, seed {given.seed}")
    print(f"{len(Corpus.open(given.output))} shapes")


if __name__ == "__main__":
    main()
