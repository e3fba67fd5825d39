"""Simulate the atmosphere: the truth for training and test, eight independent runs with a snapshot every 12 hours.

    python -m tellurion_assimilation.training.simulate FOLDER [--days 1000] [--seed 5]

Every run starts from its own noise, and its first 200 days are never read. A run belongs to one split and no other, so
that no year is shared. The command continues where it stopped; others can read what is there.
"""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from tellurion_assimilation.systems.atmosphere import Atmosphere
from tellurion_assimilation.training.store import Store

SPLITS = {"train": (0, 1, 2, 3), "preference": (4,), "validation": (5,), "test": (6, 7)}
"""The runs of each."""
RUNS = 8
HOURS = 12
"""Between snapshots."""
SPIN_UP = 200
"""Days, as in Held and Suarez (1994)."""
PER_DAY = 24 // HOURS


@dataclass(frozen=True)
class Simulation:
    """The runs in a folder, from the end of their spin-up."""

    folder: Path

    @cached_property
    def store(self) -> Store:
        """Of all snapshots, those of the spin-up too."""
        return Store(self.folder / "truth")

    def __len__(self) -> int:
        """Snapshots of each run by now."""
        return max(0, len(self.store) - self._dropped)

    def state(self, run: int, snapshot: int) -> NDArray[np.float32]:
        """[C, Y, X] one snapshot of a run."""
        return self.store.states(run, self._dropped + snapshot)

    def states(self, runs: slice, snapshot: int) -> NDArray[np.float32]:
        """[R, C, Y, X] a snapshot of several runs."""
        return self.store.states(runs, self._dropped + snapshot)

    @cached_property
    def _dropped(self) -> int:
        return self.store.dropped


def simulate(folder: Path, atmosphere: Atmosphere, days: int, seed: int, *, spin_up: int = SPIN_UP) -> None:
    """Run, or go on with, all runs up to `days` after the spin-up; each snapshot is the forecast of the one before."""
    dropped, total = spin_up * PER_DAY, (spin_up + days) * PER_DAY
    store = Store.opened(folder / "truth", atmosphere.layout, RUNS, total, dropped)
    if not len(store):
        store.append(np.stack([atmosphere.start(rng) for rng in np.random.default_rng(seed).spawn(RUNS)]))
    while (count := len(store)) < total:
        store.append(atmosphere.forecast(store.states(slice(None), count - 1), HOURS))
        if count % (10 * PER_DAY) == 0:
            print(f"day {(count - dropped) / PER_DAY:g}", flush=True)


def main(arguments: Sequence[str] | None = None) -> None:
    """Run the command."""
    parser = argparse.ArgumentParser(
        prog="tellurion_assimilation.training.simulate", description=__doc__.splitlines()[0]
    )
    parser.add_argument("folder", type=Path)
    parser.add_argument("--days", type=int, default=1000, help="after the spin-up (%(default)s)")
    parser.add_argument("--seed", type=int, default=5, help="of the starts (%(default)s)")
    given = parser.parse_args(arguments)
    simulate(given.folder, Atmosphere(), given.days, given.seed)


if __name__ == "__main__":
    main()
