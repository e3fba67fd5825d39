"""Figures of methods over the same cases, and intervals that know that the cases are paired.

What differs between two methods is far smaller than what differs between two cases. Every resample therefore draws the
same cases for all methods, in blocks of cases that follow each other, since weather remembers: Carlstein (1986), The
use of subseries values for estimating the variance of a general statistic from a stationary sequence; Wilks (1997),
Resampling hypothesis tests for autocorrelated fields.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType

import numpy as np
from numpy.typing import NDArray

from tellurion_core.errors import InvalidInput

Array = NDArray[np.float64]

BLOCK = 4
"""Cases of a run that are drawn together; six days apart, they span three weeks."""
RESAMPLES = 10_000
COVERED = (0.025, 0.975)
COMPONENTS = ("square", "square_later", "square_member", "square_members", "variance", "crps", "physics")
"""Of a case: mean square error of the analysis, of its forecast, of a single member and of the members' mean, and
variance of the members times (N + 1)/N, which should equal the one before, in units of the climate's variance; CRPS in
units of its standard deviation; the members' mean physics score. Winds have no forecast and no physics; theirs are in
m/s, and `square_eastward` and `square_northward` are of a component."""
FIGURES: Mapping[str, tuple[Callable[..., Array], tuple[str, ...]]] = MappingProxyType(
    {
        "mse_analysis": (np.positive, ("square",)),
        "mse_member": (np.positive, ("square_member",)),
        "rmse_analysis": (np.sqrt, ("square",)),
        "rmse_eastward": (np.sqrt, ("square_eastward",)),
        "rmse_northward": (np.sqrt, ("square_northward",)),
        "rmse_forecast": (np.sqrt, ("square_later",)),
        "crps": (np.positive, ("crps",)),
        "spread_skill": (lambda variance, square: np.sqrt(variance / square), ("variance", "square_members")),
        "physics": (np.positive, ("physics",)),
    }
)
"""What is told of a method, from the means of these components over cases, where it has them."""


@dataclass(frozen=True)
class Figure:
    """A value and its 95 % interval."""

    value: float
    low: float
    high: float


@dataclass(frozen=True)
class Compared:
    """One method."""

    figures: Mapping[str, Figure]
    differences: Mapping[str, Figure]
    """Its figures less those of the reference, paired; empty for the reference."""


@dataclass(frozen=True)
class Cases:
    """What the methods made of them."""

    components: Mapping[str, Mapping[str, Array]]
    """By method, each of COMPONENTS [cases]."""
    runs: Sequence[Hashable]
    """[cases] the run that each is of; a run's cases are in order of time."""
    seconds: Mapping[str, float]
    """Of an analysis, by method."""

    @classmethod
    def together(cls, parts: Sequence[Cases]) -> Cases:
        """Cases of the same methods that were made apart, none of them on a run of another's."""
        methods = parts[0].components
        components = {
            name: {part: np.concatenate([each.components[name][part] for each in parts]) for part in methods[name]}
            for name in methods
        }
        runs = [(number, run) for number, each in enumerate(parts) for run in each.runs]
        counts = [len(each.runs) for each in parts]
        seconds = {name: float(np.average([each.seconds[name] for each in parts], weights=counts)) for name in methods}
        return cls(components, runs, seconds)

    def compared(self, reference: str, seed: int) -> Mapping[str, Compared]:
        """Figures of every method, and their paired differences from those of one of them. Raises InvalidInput."""
        return compared(self.components, self.runs, reference, np.random.default_rng(seed))


def compared(
    components: Mapping[str, Mapping[str, Array]],  # of each method, each [cases]
    runs: Sequence[Hashable],  # [cases] the run of each; a run's cases are in order of time
    reference: str,
    rng: np.random.Generator,
) -> dict[str, Compared]:
    """Figures of all methods, and what they differ by from the reference.

    Raises InvalidInput for fewer than two blocks of cases, from which no interval can be had.
    """
    blocks = _blocks(runs)
    if (count := blocks.max() + 1) < 2:
        accepted = "enough for two blocks, of one run up to four cases each"
        raise InvalidInput.of("cases", received=len(runs), accepted=accepted)
    drawn = rng.multinomial(count, np.full(count, 1 / count), size=RESAMPLES).astype(np.float64)  # times each is drawn
    resampled = {name: _figures(each, blocks, drawn) for name, each in components.items()}
    whole = {name: _figures(each, blocks, np.ones((1, count))) for name, each in components.items()}

    def of(name: str, less: str | None = None) -> dict[str, Figure]:
        found = {}
        for figure in whole[name]:
            value, draws = whole[name][figure], resampled[name][figure]
            if less is not None:
                value, draws = value - whole[less][figure], draws - resampled[less][figure]
            found[figure] = Figure(float(value[0]), *map(float, np.quantile(draws, COVERED)))
        return found

    return {name: Compared(of(name), of(name, reference) if name != reference else {}) for name in components}


def _figures(components: Mapping[str, Array], blocks: NDArray[np.intp], drawn: Array) -> dict[str, Array]:
    """Each figure [R] where block b counts drawn[r, b] times."""
    cases = drawn @ np.bincount(blocks)
    mean = {name: drawn @ np.bincount(blocks, of_cases) / cases for name, of_cases in components.items()}
    return {
        name: figure(*(mean[part] for part in parts))
        for name, (figure, parts) in FIGURES.items()
        if mean.keys() >= set(parts)
    }


def _blocks(runs: Iterable[Hashable]) -> NDArray[np.intp]:
    """[cases] the number of each case's block, counted over all runs."""
    seen: dict[Hashable, int] = {}
    numbers: dict[tuple[Hashable, int], int] = {}
    of_cases = []
    for run in runs:
        place = seen[run] = seen.get(run, -1) + 1
        of_cases.append(numbers.setdefault((run, place // BLOCK), len(numbers)))
    return np.array(of_cases)
