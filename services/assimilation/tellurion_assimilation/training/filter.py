"""Tune the ensemble of held-out cases and the LETKF that is compared on them.

    python -m tellurion_assimilation.training.filter FOLDER [--cases 24]

FOLDER is that of `tellurion_assimilation.training.simulate`; cases are those of its validation run. Prints the mean
square error of the analysis over that of the background, for every stretch of the ensemble and every localization. What
is best stands in `held_out.STRETCH` and `compare.FILTER_OPTIONS`.
"""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from itertools import product
from pathlib import Path

import numpy as np

from tellurion_assimilation.background_errors import ZonalErrors
from tellurion_assimilation.compare import FILTER_MEMBERS
from tellurion_assimilation.held_out import STRETCH, held_out
from tellurion_assimilation.localization import Sphere
from tellurion_assimilation.methods.letkf import LETKF
from tellurion_assimilation.systems.atmosphere import Atmosphere
from tellurion_assimilation.systems.atmosphere.normalisation import Normalisation
from tellurion_assimilation.training.simulate import SPLITS, Simulation

STRETCHES = (0.6, 0.8, 1.0, 1.25, 1.5)
LOCALIZATIONS = (400.0, 600.0, 800.0, 1000.0, 1500.0, 2000.0, 3000.0, 4500.0)
"""Kilometres."""
RUNS = 4
"""That the cases are of: they go on from states of the validation run."""
FRACTION = 0.01
"""Of the cells, observed."""


def tune(folder: Path, cases: int) -> dict[tuple[float, float], float]:
    """Relative mean square error by stretch and localization."""
    simulation = Simulation(folder)
    layout = simulation.store.layout
    at = np.linspace(0, len(simulation) - 1, RUNS).round().astype(int).tolist()
    begin = np.stack([simulation.state(run, snapshot) for run in SPLITS["validation"] for snapshot in at])
    latitude, longitude = np.meshgrid(layout.latitude, layout.longitude, indexing="ij")
    sphere = Sphere(latitude.ravel(), longitude.ravel())
    weights = (
        np.broadcast_to(layout.area[:, None], layout.shape).ravel()
        / np.repeat(Normalisation.shipped(layout).std, layout.shape[1] * layout.shape[2]) ** 2
    )
    grid = list(product(STRETCHES, LOCALIZATIONS))
    left, before = np.zeros(len(grid)), 0.0
    known = held_out(
        Atmosphere(layout.truncation, layout.levels),
        ZonalErrors.shipped(layout),
        observed=FRACTION,
        cases=cases,
        members=FILTER_MEMBERS,
        seed=0,
        begin=begin,
    )
    for case in known:
        truth, background = (state.ravel().astype(np.float64) for state in (case.truth, case.background))
        anomalies = (case.ensemble.reshape(FILTER_MEMBERS, -1) - background) / STRETCH
        before += (background - truth) ** 2 @ weights
        for index, (stretch, localization) in enumerate(grid):
            letkf = LETKF(domain=sphere, radius=localization)
            analysed = letkf.assimilate(background + stretch * anomalies, case.observations, np.random.default_rng(0))
            left[index] += (analysed.mean(axis=0) - truth) ** 2 @ weights
    return dict(zip(grid, left / before, strict=True))


def main(arguments: Sequence[str] | None = None) -> None:
    """Run the command."""
    parser = argparse.ArgumentParser(prog="tellurion_assimilation.training.filter", description=__doc__.splitlines()[0])
    parser.add_argument("folder", type=Path, help="of the simulation")
    parser.add_argument("--cases", type=int, default=24, help="of the validation run (%(default)s)")
    given = parser.parse_args(arguments)
    found = tune(given.folder, given.cases)
    for (stretch, localization), error in sorted(found.items(), key=lambda each: each[1]):
        print(
            f"stretch {stretch:g}  localization {localization:g} km  mean square error {error:.4f} of the background's"
        )


if __name__ == "__main__":
    main()
