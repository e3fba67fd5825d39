"""Write scans of ScanNet, or views of SUN RGB-D, as a folder of rooms.

    python -m tellurion_pointcloud.training.scans OUT --scannet scans --labels scannetv2-labels.combined.tsv
    python -m tellurion_pointcloud.training.scans OUT --sun-rgbd SUNRGBD

What rooms an experiment trains on and what it holds out is said by the folders that are given.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path

import numpy as np

from tellurion_core.errors import InvalidInput
from tellurion_core.whole_files import placed
from tellurion_pointcloud.rooms import CLASSES, Room, write
from tellurion_pointcloud.rooms.scannet import read_labels, read_scannet
from tellurion_pointcloud.rooms.sun_rgbd import read_sun_rgbd
from tellurion_pointcloud.training import command

MOST_OBJECTS = 256
"""Of a scan; halls have many chairs."""

Read = Callable[[Path, np.random.Generator], Room]


def convert(output: Path, folders: Sequence[Path], read: Read, seed: int, source: str) -> None:
    """Writes the room that is read of each folder; `output` is there whole or not at all.

    Raises InvalidInput where something stands there, where there is no folder, and what `read` raises.
    """
    if not output.parent.is_dir() or output.exists():
        raise InvalidInput.of("output", received=output.name, accepted="a new folder in one that exists")
    if not folders:
        raise InvalidInput.of("rooms", received="none", accepted="a folder of them in their published layout")
    rooms = (read(folder, np.random.default_rng([seed, index])) for index, folder in enumerate(folders))
    with placed(output) as place:
        write(place, rooms, len(folders), CLASSES, source, most=MOST_OBJECTS)


def main(arguments: Sequence[str] | None = None) -> None:
    """Run the command."""
    parser = command.parser_of("scans", __doc__.splitlines()[0])
    parser.add_argument("output", type=Path, help="a new folder")
    given_by = parser.add_mutually_exclusive_group(required=True)
    given_by.add_argument("--scannet", type=Path, help="folder of scans, scene….")
    given_by.add_argument("--sun-rgbd", type=Path, help="SUNRGBD, or a folder in it")
    parser.add_argument("--labels", type=Path, help="scannetv2-labels.combined.tsv, for ScanNet")
    parser.add_argument("--seed", type=int, default=1, help="of the points that are drawn (%(default)s)")
    command.run(parser, _make, arguments)


def _make(given: argparse.Namespace) -> None:
    if given.scannet is not None:
        if given.labels is None or not given.labels.is_file():
            raise InvalidInput.of("labels", received=given.labels, accepted="the file of ScanNet's labels")
        read: Read = partial(_scannet, labels=read_labels(given.labels))
        convert(given.output, sorted(given.scannet.glob("scene*")), read, given.seed, "ScanNet")
    else:
        found = sorted(path.parent for path in given.sun_rgbd.rglob("annotation3Dfinal"))
        convert(given.output, found, read_sun_rgbd, given.seed, "SUN RGB-D")


def _scannet(folder: Path, random: np.random.Generator, *, labels: dict[str, int]) -> Room:
    return read_scannet(folder, labels, random)


if __name__ == "__main__":
    main()
