"""Draws from the prior, at the cells and at the observations at once: the beginning of every ensemble member.

A draw is modes b + g, b ~ N(0, I), with g a sum of random Fourier waves: g(x) = Σ (uⱼ cos ωⱼ·x + vⱼ sin ωⱼ·x) / √J.
The frequencies of the Matérn covariance with ν = 3/2 follow Student's t with 3 degrees of freedom. Sources: Rahimi and
Recht (2007), Random features for large-scale kernel machines; Rasmussen and Williams (2006), eq. 4.15.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numba
import numpy as np
import torch
from numpy.typing import NDArray

from tellurion_core.kernels import compiled
from tellurion_core.predictor import CancelCheck
from tellurion_ocean import gpu
from tellurion_ocean.cancellation import never, stop_if
from tellurion_ocean.covariance import FAST
from tellurion_ocean.departures import Departures
from tellurion_ocean.prior import Prior

WAVES = 1024
MODULATING_WAVES = 256
"""Of the slowly varying weights of the patterns; fewer, since there are as many of these fields as patterns."""
TILE = 4096
"""Positions whose waves are held at once."""
SINE_SERIES = (6.2831853, -41.341702, 81.605249, -76.705860, 42.058694, -15.094643, 3.8199526)
"""sin 2πt = Σ cₖ t²ᵏ⁺¹ for |t| ≤ ¼: Taylor's series, to 6e-8."""


@dataclass(frozen=True, eq=False)
class PriorDraws:
    """M draws from the prior in units of std; what an instrument would have read of each, with its error."""

    at_cells: NDArray[np.float64]
    """[P, M]."""
    observed: NDArray[np.float64]
    """[N, M] draws at the observations plus a draw of the observations' error."""


def draw(
    prior: Prior,
    departures: Departures,
    draws: Sequence[int],
    seed: int,
    *,
    amplitude: float,
    residual_variance: float,
    pattern_share: float = 0.0,
    cancelled: CancelCheck = never,
) -> PriorDraws:
    """The draws of these numbers from amplitude · (modes modesᵀ + residual_variance · Matérn).

    `pattern_share` of the residual variance goes to the localised patterns of `tellurion_ocean.local.Patterns`.
    Draw k comes from a generator of its own, (seed, k), so it does not depend on the others; the frequencies are the
    seed's, the same for all draws. `departures.modes` may have no columns: then the EOFs take no part.
    Raises Cancelled.
    """
    dimensions, modes, patterns = departures.positions.shape[1], departures.modes.shape[1], prior.patterns.shape[1]
    patterns *= pattern_share > 0
    frequencies = _matern_frequencies(np.random.default_rng(np.random.SeedSequence(seed)), dimensions)
    count = len(draws)
    amplitudes, waves = np.empty((modes, count)), np.empty((2 * WAVES, count))
    modulation = np.empty((2 * MODULATING_WAVES, patterns, count))
    errors = np.empty((len(departures.values), count))
    scale = np.sqrt(amplitude * residual_variance)
    for k, number in enumerate(draws):
        rng = np.random.default_rng(np.random.SeedSequence(seed, spawn_key=(number,)))
        amplitudes[:, k] = np.sqrt(amplitude) * rng.standard_normal(modes)
        waves[:, k] = scale * np.sqrt((1 - pattern_share) / WAVES) * rng.standard_normal(2 * WAVES)
        errors[:, k] = np.sqrt(departures.error_variance) * rng.standard_normal(len(errors))
        modulation[:, :, k] = rng.standard_normal(modulation.shape[:2])
    modulation *= scale * np.sqrt(pattern_share / MODULATING_WAVES)
    slow = frequencies[:, :MODULATING_WAVES] / prior.hyperparameters.localisation

    def at(
        positions: NDArray[np.float64], modes_there: NDArray[np.float64], patterns_there: NDArray[np.float64]
    ) -> NDArray[np.float64]:
        field = sum_of_waves(positions, frequencies, waves, cancelled)
        field += modes_there @ amplitudes
        if patterns:
            field += modulated_waves(positions, slow, modulation, patterns_there, cancelled)
        return field

    observed = at(departures.positions, departures.modes, departures.patterns) + errors
    return PriorDraws(at(prior.cell_positions, prior.modes[:, :modes], prior.patterns), observed)


def _matern_frequencies(rng: np.random.Generator, dimensions: int, waves: int = WAVES) -> NDArray[np.float64]:
    """[dimensions, waves] radians per unit of position: Student's t, as normal over the root of a mean of squares."""
    normal = rng.standard_normal((dimensions, waves))
    return normal / np.sqrt(rng.chisquare(3, waves) / 3)


def random_waves(
    positions: NDArray[np.float64],  # [N, 4]
    rng: np.random.Generator,
    count: int,
    *,
    waves: int = WAVES,
) -> NDArray[np.float64]:
    """`count` Matérn random fields of unit variance at the positions, [N, count]."""
    frequencies = _matern_frequencies(rng, positions.shape[1], waves)
    return sum_of_waves(positions, frequencies, rng.standard_normal((2 * waves, count)) / np.sqrt(waves))


def modulated_waves(
    positions: NDArray[np.float64],  # [N, 4]
    frequencies: NDArray[np.float64],  # [4, J]
    weights: NDArray[np.float64],  # [2J, M, K]
    patterns: NDArray[np.float64],  # [N, M]
    cancelled: CancelCheck = never,
) -> NDArray[np.float64]:
    """Sum of the patterns, each times a slowly varying random field of its own, [N, K]: a modulated ensemble.

    Source: Bishop and Hodyss (2009), Ensemble covariances adaptively localized with ECO-RAP, part 2.
    """
    if (where := gpu.device()) is not None:
        return _on(where, positions, frequencies, weights, patterns)
    total = np.empty((len(positions), weights.shape[2]))
    flat = weights.reshape(len(weights), -1)
    for start in range(0, len(positions), TILE):
        tile = slice(start, start + TILE)
        fields = sum_of_waves(positions[tile], frequencies, flat, cancelled)
        total[tile] = np.einsum("nm,nmk->nk", patterns[tile], fields.reshape(len(fields), *weights.shape[1:]))
    return total


def sum_of_waves(
    positions: NDArray[np.float64],  # [N, 4]
    frequencies: NDArray[np.float64],  # [4, J]
    weights: NDArray[np.float64],  # [2J, M], those of the cosines first
    cancelled: CancelCheck = never,
) -> NDArray[np.float64]:
    """Σⱼ (uⱼ cos ωⱼ·x + vⱼ sin ωⱼ·x), [N, M], in single precision.

    Raises Cancelled soon after `cancelled()` turns true.
    """
    if (where := gpu.device()) is not None:
        return _on(where, positions, frequencies, weights[:, None], np.ones((len(positions), 1)))
    turns = (frequencies / (2 * np.pi)).astype(np.float32)
    series, weights = np.array(SINE_SERIES, dtype=np.float32), weights.astype(np.float32)
    block = np.empty((min(TILE, len(positions)), len(weights)), dtype=np.float32)
    total = np.empty((len(positions), weights.shape[1]))
    for start in range(0, len(positions), TILE):
        stop_if(cancelled)
        rows = positions[start : start + TILE].astype(np.float32)
        _waves(rows, turns, series, block)
        total[start : start + TILE] = block[: len(rows)] @ weights
    return total


def _on(where: torch.device, *arrays: NDArray[np.float64]) -> NDArray[np.float64]:
    """`gpu.sum_of_waves` of arrays, in single precision as the kernels'."""
    tensors = (torch.from_numpy(array.astype(np.float32)).to(where) for array in arrays)
    return gpu.sum_of_waves(*tensors).cpu().numpy().astype(np.float64)


@compiled(parallel=True, fastmath=FAST)
def _waves(positions, turns, series, out):  # [B, 4], [4, J], [7], [≥B, 2J]; all float32
    count = turns.shape[1]
    quarter = np.float32(0.25)
    for i in numba.prange(positions.shape[0]):
        x0, x1, x2, x3 = positions[i, 0], positions[i, 1], positions[i, 2], positions[i, 3]
        for j in range(count):
            phase = x0 * turns[0, j] + x1 * turns[1, j] + x2 * turns[2, j] + x3 * turns[3, j]
            phase -= np.rint(phase)
            size = abs(phase)
            c = quarter - size  # cos 2πt = sin 2π(¼ − |t|), and for |t| > ¼ sin 2πt = sin 2π(½ − |t|)
            s = np.copysign(quarter - abs(c), phase)
            c2, s2 = c * c, s * s
            cosine, sine = series[6], series[6]
            cosine, sine = cosine * c2 + series[5], sine * s2 + series[5]
            cosine, sine = cosine * c2 + series[4], sine * s2 + series[4]
            cosine, sine = cosine * c2 + series[3], sine * s2 + series[3]
            cosine, sine = cosine * c2 + series[2], sine * s2 + series[2]
            cosine, sine = cosine * c2 + series[1], sine * s2 + series[1]
            cosine, sine = cosine * c2 + series[0], sine * s2 + series[0]
            out[i, j] = cosine * c
            out[i, count + j] = sine * s
