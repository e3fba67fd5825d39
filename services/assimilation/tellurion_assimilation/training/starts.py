"""Ship the states from which held-out runs start: some of the test runs, far apart in time.

    python -m tellurion_assimilation.training.starts FOLDER [OUTPUT]

FOLDER is that of `tellurion_assimilation.training.simulate`. Values are kept as the integers of the simulation.
"""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from tellurion_assimilation.training.simulate import SPLITS, Simulation

FILE = "starts.npz"
EACH = 4
"""Of a test run, evenly over the time that it has."""


def pack(folder: Path, output: Path) -> Path:
    """Write the file; returns its path."""
    simulation = Simulation(folder)
    at = np.linspace(0, len(simulation) - 1, EACH).round().astype(int).tolist()
    states = np.stack([simulation.state(run, snapshot) for run in SPLITS["test"] for snapshot in at])
    offset, step = simulation.store.packing
    packed = np.rint((states - offset) / step).astype(np.int16)
    np.savez_compressed(output / FILE, states=packed, offset=offset.ravel(), step=step.ravel())
    return output / FILE


def main(arguments: Sequence[str] | None = None) -> None:
    """Run the command."""
    parser = argparse.ArgumentParser(prog="tellurion_assimilation.training.starts", description=__doc__.splitlines()[0])
    parser.add_argument("folder", type=Path, help="of the simulation")
    parser.add_argument("output", type=Path, nargs="?", default=Path(__file__).parents[1] / "data")
    given = parser.parse_args(arguments)
    path = pack(given.folder, given.output)
    print(f"{path.name} {path.stat().st_size / 1e6:.2f} MB")


if __name__ == "__main__":
    main()
