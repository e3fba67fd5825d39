"""Make backgrounds for training and test: 48-hour forecasts whose errors are those of a real cycle.

    python -m tellurion_assimilation.training.backgrounds FOLDER [--seed 7]

FOLDER is that of `tellurion_assimilation.training.simulate`, whose runs are the truth. Three stages: forecasts from
perturbed states; cycles of 3D-Var on 1 % of the cells, with the covariance of those forecasts' errors; and the cycles
that all splits are made of, with the covariance of the first cycles' errors. The training split holds the perturbed
forecasts too. Like the simulation the command continues where it stopped, and follows a simulation that grew.
"""

from __future__ import annotations

import argparse
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from tellurion_assimilation.background_errors import ZonalErrors, estimate
from tellurion_assimilation.systems.atmosphere import Atmosphere, Layout
from tellurion_assimilation.systems.atmosphere.columns import Columns, observation_errors
from tellurion_assimilation.training.simulate import HOURS, RUNS, SPLITS, Simulation
from tellurion_assimilation.training.store import Store
from tellurion_assimilation.variational_columns import Gain
from tellurion_core.errors import Conflict, InvalidInput

AHEAD = 48 // HOURS
"""Snapshots from an analysis to the background that its forecast is."""
FRACTION = 0.01
"""Of the cells, observed."""
HALF_WIDTH, MODES = 30.0, 64
"""Degrees of latitude, and eigenvectors, of the covariances that the cycles use."""
PERTURBATIONS = (0.1, 0.5)
"""Least and largest share of the difference between two states of a run that a forecast's start is off by."""


@dataclass(frozen=True)
class Stage:
    """One kind of background: the runs that it is made for, and the snapshots at which its backgrounds are valid."""

    name: str
    runs: slice
    first: int
    stride: int
    used: int = 0
    """Backgrounds before this one are never read: their cycle has not settled."""
    limit: int | None = None
    """Of backgrounds of a run."""

    def snapshot(self, n: int) -> int:
        """At which its nth backgrounds are valid."""
        return self.first + n * self.stride

    def available(self, simulation: Simulation) -> int:
        """Backgrounds of a run for which there is a truth by now."""
        return min(max(0, 1 + (len(simulation) - 1 - self.first) // self.stride), self.limit or len(simulation))

    def store(self, folder: Path) -> Store:
        """Where they are."""
        return Store(folder / self.name)


LEAST_SNAPSHOTS = 60
"""That a simulation must have."""
TRAINING = slice(0, len(SPLITS["train"]))
PERTURBED = Stage("perturbed", TRAINING, first=AHEAD + 2, stride=8)
FIRST = Stage("first", TRAINING, first=AHEAD + 2, stride=AHEAD, used=8, limit=60)
CYCLED = Stage("cycled", slice(0, RUNS), first=AHEAD, stride=AHEAD, used=10)


@dataclass(frozen=True)
class Backgrounds:
    """The pairs of truth and background in a folder, by split: train, cycled, preference, validation, test.

    `train` holds the forecasts from perturbed states, then those of `cycled`. Pairs are ordered by kind, run and time:
    as they stand when a split is first asked for.
    """

    folder: Path

    @cached_property
    def simulation(self) -> Simulation:
        """The truth."""
        return Simulation(self.folder)

    @property
    def layout(self) -> Layout:
        """Of the states. Raises NotFound where there is no simulation."""
        return self.simulation.store.layout

    @property
    def description(self) -> str:
        """What they are, for a model card."""
        errors = observation_errors(self.layout)
        return (
            f"Held–Suarez T{self.layout.truncation} L{self.layout.levels}: {AHEAD * HOURS}-h forecasts from 3D-Var"
            f" cycles on {FRACTION:.0%} of the cells (errors {errors[0]:g} m/s, {errors[-2]:g} K, {errors[-1]:g} Pa),"
            " and for training from perturbed states too"
        )

    def count(self, split: str) -> int:
        """Pairs of a split."""
        return len(self._split(split))

    def pairs(self, split: str, at: slice | NDArray[np.integer]) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        """Truth and background, [K, C, Y, X] each."""
        truth = [self.simulation.state(run, stage.snapshot(n)) for stage, run, n in self._chosen(split, at)]
        return np.array(truth).reshape(-1, *self.layout.shape), self.states(split, at)

    def states(self, split: str, at: slice | NDArray[np.integer]) -> NDArray[np.float32]:
        """The backgrounds [K, C, Y, X]."""
        states = [self._stores[stage.name].states(run, n) for stage, run, n in self._chosen(split, at)]
        return np.array(states, dtype=np.float32).reshape(-1, *self.layout.shape)

    def _chosen(self, split: str, at: slice | NDArray[np.integer]) -> list[tuple[Stage, int, int]]:
        pairs = self._split(split)
        return pairs[at] if isinstance(at, slice) else [pairs[i] for i in at]

    def _split(self, split: str) -> list[tuple[Stage, int, int]]:
        if split not in self._splits:
            raise InvalidInput.of("split", received=split, accepted=f"one of {', '.join(self._splits)}")
        return self._splits[split]

    @cached_property
    def _splits(self) -> dict[str, list[tuple[Stage, int, int]]]:
        _ = len(self.simulation)  # what is missing first is what must be made first

        def of(stage: Stage, runs: Iterable[int]) -> list[tuple[Stage, int, int]]:
            return [(stage, run, n) for run in runs for n in range(stage.used, len(self._stores[stage.name]))]

        splits = {split: of(CYCLED, runs) for split, runs in SPLITS.items()}
        return splits | {"cycled": splits["train"], "train": of(PERTURBED, SPLITS["train"]) + splits["train"]}

    @cached_property
    def _stores(self) -> dict[str, Store]:
        return {stage.name: stage.store(self.folder) for stage in (PERTURBED, CYCLED)}


@dataclass(frozen=True)
class Maker:
    """Makes the stages of a folder, one after another."""

    folder: Path
    atmosphere: Atmosphere
    seed: int

    @cached_property
    def simulation(self) -> Simulation:
        """The truth."""
        return Simulation(self.folder)

    def perturbed(self) -> None:
        """Forecasts from the truth plus a random share of the difference of two random states of the same run."""
        for n, store, rng in self._missing(PERTURBED):
            truth = self.simulation.states(PERTURBED.runs, PERTURBED.snapshot(n) - AHEAD)
            share = rng.uniform(*PERTURBATIONS, size=(len(truth), 1, 1, 1)).astype(np.float32)
            start = truth + share * (self._random(PERTURBED, n, rng) - self._random(PERTURBED, n, rng))
            store.append(self.atmosphere.forecast(start, AHEAD * HOURS))

    def cycle(self, stage: Stage, errors: ZonalErrors) -> None:
        """Analysis, forecast, analysis, …; each run begins with another of its states as the background."""
        for n, store, rng in self._missing(stage):
            at = stage.snapshot(n) - AHEAD
            truth = self.simulation.states(stage.runs, at)
            background = store.states(slice(None), n - 1) if n else self._random(stage, n, rng)
            seen = [Columns.of(state, errors.layout, FRACTION, rng) for state in truth]
            analyses = np.stack([
                Gain.of(columns, errors).analysis(state) for columns, state in zip(seen, background, strict=True)
            ])  # fmt: skip
            store.append(self.atmosphere.forecast(analyses, AHEAD * HOURS))
            if n % 10 == 0:
                print(f"{stage.name} {n}: {rmse(analyses - truth, errors.layout)}", flush=True)

    def errors(self, stage: Stage) -> ZonalErrors:
        """The covariance of a stage's errors on the training runs, estimated once and kept in the folder."""
        path = self.folder / f"{stage.name}_errors.npz"
        if not path.exists():
            samples = departures(self.folder, stage)
            estimate(samples, self.atmosphere.layout, half_width=HALF_WIDTH, count=MODES).save(path)
        return ZonalErrors.load(path)

    def _missing(self, stage: Stage) -> Iterator[tuple[int, Store, np.random.Generator]]:
        runs, capacity = len(range(RUNS)[stage.runs]), self.simulation.store.capacity // stage.stride
        store = Store.opened(self.folder / stage.name, self.atmosphere.layout, runs, stage.limit or capacity)
        while (n := len(store)) < stage.available(self.simulation):
            yield n, store, np.random.default_rng([self.seed, stage.first, stage.stride, n])

    def _random(self, stage: Stage, n: int, rng: np.random.Generator) -> NDArray[np.float32]:
        known = max(LEAST_SNAPSHOTS, stage.snapshot(n))  # not all that there are: a longer simulation changes nothing
        return self.simulation.states(stage.runs, int(rng.integers(known)))


def departures(folder: Path, stage: Stage) -> NDArray[np.float32]:
    """[K, C, Y, X] the errors of a stage's backgrounds of the training runs."""
    store, simulation = stage.store(folder), Simulation(folder)
    pairs = [(run, n) for run in SPLITS["train"] for n in range(stage.used, len(store))]
    return np.stack([store.states(run, n) - simulation.state(run, stage.snapshot(n)) for run, n in pairs])


def rmse(departures: NDArray[np.floating], layout: Layout) -> str:
    """Root mean square over the sphere, all levels and samples [K, C, Y, X], by variable."""
    squares = (departures.astype(np.float64) ** 2).mean(axis=(0, 3)) @ layout.area
    wind, heat = squares[: 2 * layout.levels].mean() ** 0.5, squares[2 * layout.levels : -1].mean() ** 0.5
    return f"wind {wind:.2f} m/s  temperature {heat:.2f} K  pressure {squares[-1] ** 0.5:.0f} Pa"


def make(folder: Path, seed: int) -> None:
    """All stages, as far as the simulation goes."""
    layout = Simulation(folder).store.layout
    maker = Maker(folder, Atmosphere(layout.truncation, layout.levels), seed)
    if len(maker.simulation) < LEAST_SNAPSHOTS:
        raise Conflict(f"only {len(maker.simulation)} snapshots as yet: let the simulation go on")
    maker.perturbed()
    maker.cycle(FIRST, maker.errors(PERTURBED))
    maker.cycle(CYCLED, maker.errors(FIRST))


def main(arguments: Sequence[str] | None = None) -> None:
    """Run the command."""
    parser = argparse.ArgumentParser(
        prog="tellurion_assimilation.training.backgrounds", description=__doc__.splitlines()[0]
    )
    parser.add_argument("folder", type=Path, help="of the simulation")
    parser.add_argument("--seed", type=int, default=7, help="(%(default)s)")
    given = parser.parse_args(arguments)
    make(given.folder, given.seed)


if __name__ == "__main__":
    main()
