"""An ensemble of months generated from the ten training months, and the noise that a network learns to remove from it.

A member is a Gaussian anomaly, drawn from the anchor's covariance and stretched by a slowly varying random factor, plus
a displaced climatology (`tellurion_ocean.training.displacement`). The Gaussian part's amplitudes and patterns are the
residuals that each training month showed when the climatology was fitted without it; its scales are the tuned ones.
What only the other two parts hold, heavy tails and the shapes of fronts, is what a network can know beyond the anchor.
Samples are independent in time: nothing lasts from one month to the next, and the season enters by the month alone.
"""

from __future__ import annotations

import math
from collections import OrderedDict
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from tellurion_ocean.covariance import positions
from tellurion_ocean.departures import departures
from tellurion_ocean.observations import Observations
from tellurion_ocean.prior import Prior
from tellurion_ocean.samples import draw, random_waves
from tellurion_ocean.training.displacement import displaced_anomalies

GAUSSIAN = 64
"""Gaussian draws of one block."""
DISPLACED = 2
"""Displaced climatologies of one block for each calendar month."""
DISPLACED_SIZE = 0.6, 1.6
"""Least and most that a displaced climatology's anomaly is multiplied by."""
STRETCHES = 8
BLOCKS = 4
"""Blocks that a sample is put together from."""
SAMPLES_PER_BLOCK = 800
"""Samples that are drawn before the oldest block is replaced."""
MIXED = 3
"""Draws that are mixed, with weights on the unit sphere, into a new one with the same covariance."""
STRETCH_LENGTH, STRETCH_DEPTH = 25.0, 12.0
"""Degrees and √metre over which the stretching factor varies."""
STRETCH_SPREAD = 0.35
"""Standard deviation of its logarithm."""
HELD_OUT = 10**7
"""The first seed that no training uses."""


@dataclass(frozen=True, eq=False)
class Sample:
    """One clean state and one draw of noise, in units of std at the wet cells."""

    clean: NDArray[np.float32]
    """[P]."""
    noise: NDArray[np.float32]
    """[P]."""
    month: int


class GeneratedEnsemble:
    """Samples without end; sample i is a function of the seed and i alone.

    Holds BLOCKS blocks, 40 MiB each on the 2° grid; a new block takes ten seconds there, a third of it for the noise.
    """

    def __init__(self, prior: Prior, seed: int, *, most_displaced: float = 0.9) -> None:
        """`most_displaced` is the largest share of a member's variance that the displaced part may have."""
        self.prior, self._seed, self._most_displaced = prior, seed, most_displaced
        self._blocks: OrderedDict[int, _Block] = OrderedDict()

    def sample(self, index: int) -> Sample:
        """Sample `index` ≥ 0; a share of members, one in four, has no displaced part."""
        rng, blocks = self._rng(1, index), self._blocks_of(index)
        month = int(rng.integers(1, 13))
        share = max(0.0, rng.uniform(-1 / 3, 1)) * self._most_displaced
        clean = math.sqrt(1 - share) * self._mixed(index, noise=False)
        clean *= _factor(_pick(rng, blocks).stretches[rng.integers(STRETCHES)].astype(np.float32))
        displaced = _pick(rng, blocks).displaced[DISPLACED * (month - 1) + rng.integers(DISPLACED)]
        clean += math.sqrt(share) * rng.uniform(*DISPLACED_SIZE) * displaced.astype(np.float32)
        return Sample(clean, self.noise(index), month)

    def noise(self, index: int) -> NDArray[np.float32]:
        """[P] the noise of sample `index` alone."""
        return self._mixed(index, noise=True)

    def _rng(self, use: int, index: int) -> np.random.Generator:
        return np.random.default_rng(np.random.SeedSequence(self._seed, spawn_key=(use, index)))

    def _mixed(self, index: int, *, noise: bool) -> NDArray[np.float32]:
        """[P] a mixture of draws; that for the noise shares none with that for the clean state."""
        rng, blocks = self._rng(2, index), self._blocks_of(index)
        chosen = rng.choice(BLOCKS * GAUSSIAN, 2 * MIXED, replace=False).reshape(2, MIXED)[int(noise)]
        weights = rng.standard_normal((2, MIXED))[int(noise)].astype(np.float32)
        weights /= np.linalg.norm(weights)
        total = np.zeros(len(self.prior.std), np.float32)
        for weight, draw_number in zip(weights, chosen, strict=True):
            total += weight * blocks[draw_number // GAUSSIAN].gaussian[draw_number % GAUSSIAN]
        return total

    def _blocks_of(self, index: int) -> list[_Block]:
        """The BLOCKS blocks that a sample is put together from; the least recently used ones are forgotten."""
        first = index // SAMPLES_PER_BLOCK
        for number in range(first, first + BLOCKS):
            if number not in self._blocks:
                self._blocks[number] = _Block(self.prior, self._seed, number)
            self._blocks.move_to_end(number)
        while len(self._blocks) > BLOCKS:
            self._blocks.popitem(last=False)
        return [self._blocks[number] for number in range(first, first + BLOCKS)]


class _Block:
    """What samples are mixed from, each part made when it is first asked for."""

    def __init__(self, prior: Prior, seed: int, number: int) -> None:
        self._prior = prior
        self._seeds = np.random.SeedSequence(seed, spawn_key=(0, number)).spawn(3)

    @cached_property
    def gaussian(self) -> NDArray[np.float16]:
        """[GAUSSIAN, P]."""
        return _gaussians(self._prior, np.random.default_rng(self._seeds[0]), GAUSSIAN).astype(np.float16)

    @cached_property
    def displaced(self) -> NDArray[np.float16]:
        """[12 · DISPLACED, P], January first."""
        rng = np.random.default_rng(self._seeds[1])
        months = [displaced_anomalies(self._prior, month, rng, DISPLACED) for month in range(1, 13)]
        return np.concatenate(months).astype(np.float16)

    @cached_property
    def stretches(self) -> NDArray[np.float16]:
        """[STRETCHES, P]."""
        return _stretches(self._prior, np.random.default_rng(self._seeds[2]), STRETCHES).astype(np.float16)


def displaced_truth(prior: Prior, month: int, seed: int, share: float) -> NDArray[np.float32]:
    """[P] one member whose displaced part has this share, in units of std, without any block: a truth to be found.

    The seed and the month decide it; training and its validation leave the seeds from HELD_OUT on alone.
    """
    rng = np.random.default_rng(np.random.SeedSequence(seed, spawn_key=(3, month)))
    gaussian = _gaussians(prior, rng, 1)[0] * _factor(_stretches(prior, rng, 1)[0])
    displaced = rng.uniform(*DISPLACED_SIZE) * displaced_anomalies(prior, month, rng, 1)[0]
    return (math.sqrt(1 - share) * gaussian + math.sqrt(share) * displaced).astype(np.float32)


def _gaussians(prior: Prior, rng: np.random.Generator, count: int) -> NDArray[np.float64]:
    """[count, P] draws of the anchor's covariance."""
    hyper = prior.hyperparameters
    return draw(
        prior,
        departures(prior, Observations.of([], [], [], []), 1),
        range(count),
        int(rng.integers(2**63)),
        amplitude=1.0,
        residual_variance=hyper.residual_variance,
        pattern_share=hyper.pattern_share,
    ).at_cells.T


def _stretches(prior: Prior, rng: np.random.Generator, count: int) -> NDArray[np.float64]:
    """[count, P] the slowly varying normal fields that `_factor` makes stretching factors of."""
    z, y, x = np.nonzero(prior.wet)
    places = prior.grid.lat[y], prior.grid.lon[x], prior.grid.depth[z]
    coarse = positions(*places, length_scale=STRETCH_LENGTH, depth_scale=STRETCH_DEPTH)
    return random_waves(coarse, rng, count, waves=256).T


def _factor(stretch: NDArray[np.floating]) -> NDArray[np.floating]:
    """Log-normal, of unit mean square."""
    return np.exp(-(STRETCH_SPREAD**2) + STRETCH_SPREAD * stretch)


def _pick(rng: np.random.Generator, blocks: list[_Block]) -> _Block:
    return blocks[rng.integers(len(blocks))]
