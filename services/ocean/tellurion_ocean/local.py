"""Local optimal interpolation: each cell is analysed from the observations nearest to it.

x̂ = w·y and remaining variance = σ²k(0) − w·(σ²k), with (σ²K + R) w = σ²k over the nearest observations only. Fewer
observations leave more variance, so the variance is an upper bound of that of the full analysis. Source: Bretherton,
Davis and Fandry (1976), A technique for objective analysis, eqs. 7–9; the nearest few: Vecchia (1988).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cached_property

import numba
import numpy as np
import torch
from numpy.typing import NDArray
from scipy.spatial import cKDTree

from tellurion_core.kernels import compiled
from tellurion_core.predictor import CancelCheck
from tellurion_ocean import gpu
from tellurion_ocean.cancellation import never, stop_if
from tellurion_ocean.covariance import matern, squared_distance

TILE = 16_384
"""Cells that are analysed at once; bounds memory and the wait after a cancel."""


def interpolate_locally(
    targets: NDArray[np.float64],  # [G, 4] positions
    sources: NDArray[np.float64],  # [N, 4] positions, N ≥ 1
    noise: NDArray[np.float64],  # [N] variance of the observations' errors, above 0
    values: NDArray[np.float64],  # [N, V] several sets of observed values
    *,
    variance: float,
    neighbours: int,
    patterns: Patterns | None = None,
    cancelled: CancelCheck = never,
    progress: Callable[[float], None] = lambda fraction: None,
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Interpolated values [G, V] and their remaining variance [G], for a field of the given prior covariance.

    Raises Cancelled soon after `cancelled()` turns true.
    """
    estimate, remaining = np.empty((len(targets), values.shape[1])), np.empty(len(targets))
    values = np.ascontiguousarray(values)
    for tile, nearest, weights, left in _solved_tiles(
        targets, sources, noise, variance, neighbours, patterns, cancelled, progress
    ):
        remaining[tile] = left
        _weigh(nearest, weights, values, estimate[tile])
    return estimate, remaining


@dataclass(frozen=True, eq=False)
class Patterns:
    """Adds localised patterns to the covariance: matern(r / localisation) · ⟨e, e'⟩, e being the patterns at a place.

    A sample covariance of few fields, times a function that falls off with distance: Hamill and Snyder (2000), A hybrid
    ensemble Kalman filter – 3D variational analysis scheme; Houtekamer and Mitchell (2001).
    """

    targets: NDArray[np.float64]
    """[G, M]."""
    sources: NDArray[np.float64]
    """[N, M]."""
    localisation: float
    """Multiple of the Matérn covariance's own scales."""

    @classmethod
    def sharing(
        cls, targets: NDArray[np.float64], sources: NDArray[np.float64], variance: float, localisation: float
    ) -> Patterns | None:
        """Patterns of unit variance scaled to carry `variance`; None when that is zero."""
        root = np.sqrt(variance)
        return cls(root * targets, root * sources, localisation) if variance else None


@dataclass(frozen=True, eq=False)
class LocalWeights:
    """The weights of every cell's local analysis, kept to be applied many times; 8 · n bytes a cell."""

    nearest: NDArray[np.int32]
    """[G, n] observations that each cell is analysed from."""
    weights: NDArray[np.float32]
    """[G, n]."""
    remaining: NDArray[np.float64]
    """[G] remaining variance."""

    @classmethod
    def solve(
        cls,
        targets: NDArray[np.float64],  # [G, 4]
        sources: NDArray[np.float64],  # [N, 4]
        noise: NDArray[np.float64],  # [N]
        *,
        variance: float,
        neighbours: int,
        patterns: Patterns | None = None,
        cancelled: CancelCheck = never,
        progress: Callable[[float], None] = lambda fraction: None,
    ) -> LocalWeights:
        """The weights with which `interpolate_locally` would interpolate. Raises Cancelled."""
        shape = len(targets), min(neighbours, len(sources))
        found = cls(np.empty(shape, np.int32), np.empty(shape, np.float32), np.empty(len(targets)))
        for tile, nearest, weights, left in _solved_tiles(
            targets, sources, noise, variance, neighbours, patterns, cancelled, progress
        ):
            found.nearest[tile], found.weights[tile], found.remaining[tile] = nearest, weights, left
        return found

    def __getitem__(self, cells: slice) -> LocalWeights:
        """Those of some cells, without copying them."""
        return LocalWeights(self.nearest[cells], self.weights[cells], self.remaining[cells])

    def __matmul__(self, values: NDArray[np.float32]) -> NDArray[np.float32]:
        """Interpolated values [G, V] of observed values [N, V]."""
        values = np.ascontiguousarray(values, np.float32)
        if (where := gpu.device()) is not None:
            return gpu.weigh(*self._moved, torch.from_numpy(values).to(where)).cpu().numpy()
        estimate = np.empty((len(self.nearest), values.shape[1]), np.float32)
        _weigh(self.nearest, self.weights, values, estimate)
        return estimate

    @cached_property
    def _moved(self) -> tuple[torch.Tensor, torch.Tensor]:
        """The observations and their weights where the GPU has them; moved once."""
        where = gpu.device()
        return torch.from_numpy(self.nearest).to(where), torch.from_numpy(self.weights).to(where)


def _solved_tiles(
    targets: NDArray[np.float64],
    sources: NDArray[np.float64],
    noise: NDArray[np.float64],
    variance: float,
    neighbours: int,
    patterns: Patterns | None,
    cancelled: CancelCheck,
    progress: Callable[[float], None],
) -> Iterator[tuple[slice, NDArray[np.int64], NDArray[np.float64], NDArray[np.float64]]]:
    """Tile by tile: its slice of the targets, the nearest observations [B, n], their weights [B, n], what is left."""
    patterns = patterns or Patterns(np.empty((len(targets), 0)), np.empty((len(sources), 0)), 1.0)
    tree = cKDTree(sources, balanced_tree=False, compact_nodes=False)
    count = min(neighbours, len(sources))
    for start in range(0, len(targets), TILE):
        stop_if(cancelled)
        tile = slice(start, start + TILE)
        _, nearest = tree.query(targets[tile], k=range(1, count + 1), workers=numba.get_num_threads())
        weights, remaining = np.empty(nearest.shape), np.empty(len(nearest))
        _solve(
            targets[tile],
            sources,
            noise,
            nearest,
            variance,
            patterns.targets[tile],
            patterns.sources,
            patterns.localisation**-2,
            weights,
            remaining,
        )
        yield tile, nearest, weights, remaining
        progress(min(1.0, (start + TILE) / len(targets)))


@compiled(inline="always")
def _covariance(a, i, b, j, variance, a_patterns, b_patterns, narrowing):
    """Of row `i` of `a` and row `j` of `b`."""
    r2 = squared_distance(a, i, b, j)
    k = variance * matern(r2)
    count = a_patterns.shape[1]
    if count:
        alike = 0.0
        for m in range(count):
            alike += a_patterns[i, m] * b_patterns[j, m]
        k += alike * matern(r2 * narrowing)
    return k


@compiled(parallel=True, fastmath={"contract", "reassoc"})
def _solve(targets, sources, noise, nearest, variance, target_patterns, source_patterns, narrowing, weights, remaining):
    count = nearest.shape[1]
    for g in numba.prange(targets.shape[0]):
        near, weight = nearest[g], weights[g]
        factor = np.empty((count, count))
        prior = _covariance(targets, g, targets, g, variance, target_patterns, target_patterns, narrowing)
        explained = 0.0
        for i in range(count):
            for j in range(i + 1):
                factor[i, j] = _covariance(
                    sources, near[i], sources, near[j], variance, source_patterns, source_patterns, narrowing
                )
            factor[i, i] += noise[near[i]]
            weight[i] = _covariance(targets, g, sources, near[i], variance, target_patterns, source_patterns, narrowing)
        for i in range(count):  # Cholesky factor L, and L⁻¹k beside it
            for j in range(i):
                s = factor[i, j]
                for q in range(j):
                    s -= factor[i, q] * factor[j, q]
                factor[i, j] = s / factor[j, j]
            s, t = factor[i, i], weight[i]
            for q in range(i):
                s -= factor[i, q] * factor[i, q]
                t -= factor[i, q] * weight[q]
            factor[i, i] = np.sqrt(s)
            weight[i] = t / factor[i, i]
            explained += weight[i] * weight[i]
        for i in range(count - 1, -1, -1):  # L⁻ᵀ
            weight[i] /= factor[i, i]
            for q in range(i):
                weight[q] -= factor[i, q] * weight[i]
        remaining[g] = max(prior - explained, 0.0)


@compiled(parallel=True, fastmath={"contract", "reassoc"})
def _weigh(nearest, weights, values, estimate):  # [G, n], [G, n], [N, V], [G, V]
    for g in numba.prange(nearest.shape[0]):
        estimate[g, :] = 0.0
        for i in range(nearest.shape[1]):
            weight, row = weights[g, i], nearest[g, i]
            for v in range(values.shape[1]):
                estimate[g, v] += weight * values[row, v]
