"""Make a corpus of ShapeNet-55, of ModelNet40, or of a folder of meshes or clouds with pictures.

    python -m tellurion_pointcloud.training.collection shapenet55 ShapeNet55-34 CORPUS
    python -m tellurion_pointcloud.training.collection modelnet40 modelnet40_normal_resampled CORPUS
    python -m tellurion_pointcloud.training.collection folder SCANS CORPUS --up y

Fold 0 is the published test set. What stands there already is left as it is.
"""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from tellurion_pointcloud.corpus import Corpus, write
from tellurion_pointcloud.layouts import COLLECTIONS, things
from tellurion_pointcloud.training import command


def main(arguments: Sequence[str] | None = None) -> None:
    """Run the command."""
    parser = command.parser_of("collection", __doc__.splitlines()[0])
    parser.add_argument("collection", choices=list(COLLECTIONS))
    parser.add_argument("data", type=Path, help="its folder")
    parser.add_argument("output", type=Path, help="folder of the corpus")
    parser.add_argument("--up", choices=["y", "z"], help="the axis that is up (as published; of a folder z)")
    parser.add_argument("--points", type=int, default=2048, help="of a cloud (%(default)s)")
    parser.add_argument("--pictures", type=int, default=4, help="of a thing (%(default)s)")
    parser.add_argument("--side", type=int, default=64, help="pixels of a picture (%(default)s)")
    command.run(parser, _make, arguments)


def _make(given: argparse.Namespace) -> None:
    if not (given.output / "about.json").is_file():
        listed = COLLECTIONS[given.collection](given.data)
        if given.up:
            listed = [replace(each, up=given.up) for each in listed]
        made = things(listed, points=given.points, count=given.pictures, side=given.side)
        write(given.output, made, len(listed), f"{given.collection}: {given.data.name}")
    print(f"{len(Corpus.open(given.output))} things")


if __name__ == "__main__":
    main()
