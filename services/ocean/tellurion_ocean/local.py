"""Local optimal interpolation: each cell is analysed from the observations nearest to it.

x̂ = w·y and remaining variance = σ²k(0) − w·(σ²k), with (σ²K + R) w = σ²k over the nearest observations only. Fewer
observations leave more variance, so the variance is an upper bound of that of the full analysis. Source: Bretherton,
Davis and Fandry (1976), A technique for objective analysis, eqs. 7–9; the nearest few: Vecchia (1988).
"""

from __future__ import annotations

from collections.abc import Callable

import numba
import numpy as np
from numpy.typing import NDArray
from scipy.spatial import cKDTree

from tellurion_core.predictor import CancelCheck
from tellurion_ocean.cancellation import never, stop_if
from tellurion_ocean.covariance import matern, squared_distance
from tellurion_ocean.kernels import compiled

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
    cancelled: CancelCheck = never,
    progress: Callable[[float], None] = lambda fraction: None,
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Interpolated values [G, V] and their remaining variance [G], for a field of the given prior variance.

    Raises Cancelled soon after `cancelled()` turns true.
    """
    tree = cKDTree(sources, balanced_tree=False, compact_nodes=False)
    estimate, remaining = np.empty((len(targets), values.shape[1])), np.empty(len(targets))
    values = np.ascontiguousarray(values)
    for start in range(0, len(targets), TILE):
        stop_if(cancelled)
        tile = slice(start, start + TILE)
        count = min(neighbours, len(sources))
        _, nearest = tree.query(targets[tile], k=range(1, count + 1), workers=numba.get_num_threads())
        _solve(targets[tile], sources, noise, values, nearest, variance, estimate[tile], remaining[tile])
        progress(min(1.0, (start + TILE) / len(targets)))
    return estimate, remaining


@compiled(parallel=True, fastmath={"contract", "reassoc"})
def _solve(targets, sources, noise, values, nearest, variance, estimate, remaining):
    count = nearest.shape[1]
    for g in numba.prange(targets.shape[0]):
        near = nearest[g]
        factor = np.empty((count, count))
        weight = np.empty(count)
        explained = 0.0
        for i in range(count):
            for j in range(i):
                factor[i, j] = variance * matern(squared_distance(sources, near[i], sources, near[j]))
            factor[i, i] = variance + noise[near[i]]
            weight[i] = variance * matern(squared_distance(targets, g, sources, near[i]))
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
        for v in range(values.shape[1]):
            s = 0.0
            for i in range(count):
                s += weight[i] * values[near[i], v]
            estimate[g, v] = s
        remaining[g] = max(variance - explained, 0.0)
