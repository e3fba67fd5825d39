"""Samples from CMIP6: a simulation's own anomalies in place of the generated ones, beside the same noise."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from tellurion_ocean.training.generated import GeneratedEnsemble, Sample


class SimulatedEnsemble:
    """Samples without end from months of simulations; sample i is a function of the months, the seed and i."""

    def __init__(
        self, months: Sequence[tuple[NDArray[np.float32], int]], generated: GeneratedEnsemble, seed: int
    ) -> None:
        """`months` are scaled anomalies [Z, Y, X] and their calendar month, as `Anomalies` gives them."""
        self._months, self._generated, self._seed = months, generated, seed

    def sample(self, index: int) -> Sample:
        """Sample `index` ≥ 0: a month drawn at random.

        Coastlines differ: where the simulation has land and we have ocean it is 0, the mean of its months; where it has
        ocean and we have land it is left out.
        """
        rng = np.random.default_rng(np.random.SeedSequence(self._seed, spawn_key=(4, index)))
        field, month = self._months[int(rng.integers(len(self._months)))]
        clean = np.nan_to_num(field[self._generated.prior.wet]).astype(np.float32)
        return Sample(clean, self._generated.noise(index), month)
