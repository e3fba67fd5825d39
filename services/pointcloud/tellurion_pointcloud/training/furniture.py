"""Make the corpus of the furniture models: clouds, colours and twelve pictures of each.

    TELLURION_DATA=DATA python -m tellurion_pointcloud.training.furniture FURNITURE

What stands there already is left as it is. Of the things of fold −1 none is a near-duplicate of a labelled one.
"""

from __future__ import annotations

import argparse
from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np

from tellurion_pointcloud import furniture
from tellurion_pointcloud.corpus import Corpus, Thing, pictured, write
from tellurion_pointcloud.labels import LABELS, fold_of, group_of
from tellurion_pointcloud.training import command


def things(folder: Path | None, points: int, pictures: int, side: int) -> Iterator[Thing]:
    """Each model with its label, as far as it has one."""
    for index, model in enumerate(furniture.models(folder)):
        cloud, colours, views = pictured(
            model.vertices,
            model.faces,
            model.face_colours,
            points=points,
            count=pictures,
            side=side,
            random=np.random.default_rng(index),
        )
        group, label = group_of(model.name), LABELS.get(model.name)
        kind = label.kind if label else ""
        yield Thing(model.name, cloud, colours, views, group, kind, fold_of(group), model.entry.size)
        if index % 50 == 49:
            print(f"{index + 1} models", flush=True)


def main(arguments: Sequence[str] | None = None) -> None:
    """Run the command."""
    parser = command.parser_of("furniture", __doc__.splitlines()[0])
    parser.add_argument("output", type=Path, help="folder of the corpus")
    parser.add_argument("--data", type=Path, help="folder of the archives (where TELLURION_DATA has them)")
    parser.add_argument("--points", type=int, default=8192, help="of a cloud (%(default)s)")
    parser.add_argument("--pictures", type=int, default=12, help="of a model (%(default)s)")
    parser.add_argument("--side", type=int, default=64, help="pixels of a picture (%(default)s)")
    command.run(parser, _make, arguments)


def _make(given: argparse.Namespace) -> None:
    if not (given.output / "about.json").is_file():
        made = things(given.data, given.points, given.pictures, given.side)
        write(given.output, made, len(furniture.catalogue(given.data)), "furniture of Sweet Home 3D")
    print(f"{len(Corpus.open(given.output))} models")


if __name__ == "__main__":
    main()
