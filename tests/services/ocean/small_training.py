"""`tellurion_ocean.training.train` on a small ocean: FIELDS KILLED_AT [its own arguments].

At batch KILLED_AT it says so and waits for its end. It keeps a checkpoint of every fourth step, and cannot open the
months that are evaluated with.
"""

from __future__ import annotations

import sys
from functools import partial
from pathlib import Path

import numpy as np
import torch

from tellurion_geo import Grid
from tellurion_ocean import atlas
from tellurion_ocean.training import generated, train


def prepare(fields: Path) -> None:
    """Puts the months of FIELDS in place of the atlas, and small blocks in place of large ones."""
    with np.load(fields) as stored:
        grid = Grid(depth=stored["depth"], lat=stored["lat"], lon=stored["lon"])
        months = atlas.Atlas(grid, tuple(stored["months"].tolist()), stored["temperature"])
    train.training_atlas = lambda: months
    train.Recipe = partial(train.Recipe, checkpoint_every=4)
    atlas._read = refuse
    generated.GAUSSIAN, generated.DISPLACED, generated.BLOCKS, generated.SAMPLES_PER_BLOCK = 4, 1, 2, 8


def refuse(name: str) -> None:
    """In place of the reading of the shipped atlas."""
    raise AssertionError(f"{name} was opened")


def waiting(index: int, batch: object) -> object:
    """Passes on a batch, or waits to be killed."""
    if index == int(sys.argv[2]):
        print("waiting", flush=True)
        sys.stdin.read()
    return batch


if __name__ == "__main__":
    torch.set_num_threads(1)
    prepare(Path(sys.argv[1]))
    batch_of = train.Batches.__call__
    train.Batches.__call__ = lambda self, index: waiting(index, batch_of(self, index))
    train.main(sys.argv[3:])
