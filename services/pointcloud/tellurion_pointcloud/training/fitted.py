"""Fit Gaussians to the views of each room: what the second stage of Gaussian2Scene is supervised by.

    python -m tellurion_pointcloud.training.fitted ROOMS/training OUT

One file for each room, whole or not there at all; those that are there are not made again.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from tellurion_core.errors import InvalidInput
from tellurion_core.whole_files import placed, write_whole
from tellurion_pointcloud.gaussian2scene.fitting import fitted_gaussians
from tellurion_pointcloud.rooms import Rooms
from tellurion_pointcloud.training import command

ABOUT = "about.json"
REPORT_EVERY = 20
"""Rooms."""
MOST_GAUSSIANS = 1 << 17


def fit_rooms(rooms: Rooms, output: Path, *, count: int, steps: int, seed: int) -> None:
    """Writes what is not there yet of the Gaussians of all rooms.

    Raises InvalidInput where the folder holds Gaussians of other rooms or of another fit.
    """
    about = {"rooms": rooms.digest(), "count": count, "steps": steps, "seed": seed}
    if not (output / ABOUT).exists():
        write_whole(output / ABOUT, json.dumps(about).encode())
    elif (found := json.loads((output / ABOUT).read_text())) != about:
        raise InvalidInput.of("output", received=found, accepted=f"a new folder, or one of {about}")
    for index in range(len(rooms)):
        path = _file(output, index)
        if not path.exists():
            fitted = fitted_gaussians(rooms.frames(index), count=count, steps=steps, seed=seed)
            names = ("means", "quats", "scales", "opacities", "sh")
            with placed(path) as place, place.open("wb") as file:
                np.savez(file, **{name: getattr(fitted, name) for name in names})
        if (index + 1) % REPORT_EVERY == 0 or index + 1 == len(rooms):
            print(f"{index + 1} of {len(rooms)} rooms", flush=True)


def fitted_means(folder: Path, rooms: Rooms) -> NDArray[np.float32]:
    """[R, M, 3] places of the Gaussians of each room, in its own frame; of a room that has fewer they are repeated.

    Raises InvalidInput for a folder that does not hold Gaussians of all these rooms.
    """
    try:
        about = json.loads((folder / ABOUT).read_text())
        if about["rooms"] != rooms.digest():
            raise InvalidInput.of("fitted", received="Gaussians of other rooms", accepted=f"those of {rooms.source}")
        means = np.empty((len(rooms), int(about["count"]), 3), np.float32)
        for index in range(len(rooms)):
            with np.load(_file(folder, index)) as file:
                means[index] = np.resize(file["means"], means.shape[1:])
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise InvalidInput.of("fitted", received=folder.name, accepted="a folder of `training.fitted`") from error
    return means


def _file(folder: Path, index: int) -> Path:
    return folder / f"{index:05d}.npz"


def main(arguments: Sequence[str] | None = None) -> None:
    """Run the command."""
    parser = command.parser_of("fitted", __doc__.splitlines()[0])
    parser.add_argument("rooms", type=Path, help="folder of rooms")
    parser.add_argument("output", type=Path, help="folder, new or to go on with")
    parser.add_argument("--count", type=int, default=4096, help="Gaussians of a room, at most (%(default)s)")
    parser.add_argument("--steps", type=int, default=30, help="of the descent (%(default)s)")
    parser.add_argument("--seed", type=int, default=0, help="of the pixels that Gaussians are put at (%(default)s)")
    command.run(parser, _make, arguments)


def _make(given: argparse.Namespace) -> None:
    if not 1 <= given.count <= MOST_GAUSSIANS:
        raise InvalidInput.of("count", received=given.count, accepted=f"1…{MOST_GAUSSIANS}")
    rooms = Rooms.open(given.rooms)
    fit_rooms(rooms, given.output, count=given.count, steps=given.steps, seed=given.seed)


if __name__ == "__main__":
    main()
