"""The covariance of scaled anomalies: Matérn of smoothness 3/2 in chord across the sphere and root of depth.

k(r) = (1 + √3 r) exp(−√3 r), with r the Euclidean distance of two positions in four dimensions: the unit sphere's
three, divided by a length, and √depth divided by a depth scale. A positive definite function of a Euclidean distance
stays positive definite on the sphere inside it, and knows no seam in longitude and no pole. Source: Rasmussen and
Williams, Gaussian Processes for Machine Learning (2006), eq. 4.17; the chord on the sphere: Gneiting (2013), Strictly
and non-strictly positive definite functions on spheres, section 2.
"""

from __future__ import annotations

import math
from collections.abc import Callable

import numba
import numpy as np
from numpy.typing import NDArray

from tellurion_core.kernels import compiled
from tellurion_core.predictor import CancelCheck
from tellurion_ocean.cancellation import never, stop_if

BLOCK_BYTES = 64 * 2**20
"""Largest block of a cross-covariance that is ever held."""

FAST = {"contract", "reassoc", "nsz", "arcp"}
"""Licences for the compiler that let it use vector units, without assuming that values are finite."""

EXPONENTIAL_SERIES = tuple(1 / math.factorial(k) for k in range(8))
"""exp(−a) = 1 / exp(a/16)¹⁶, and this series for exp(a/16): within 1e-8 of k(r) everywhere, and it vectorises."""


def positions(
    latitude: NDArray[np.float64],  # [N] degrees north
    longitude: NDArray[np.float64],  # [N] degrees east
    depth: NDArray[np.float64],  # [N] metres
    *,
    length_scale: float,
    depth_scale: float,
) -> NDArray[np.float64]:
    """Positions [N, 4] in units of the covariance's scales.

    `length_scale` is in degrees of arc, `depth_scale` in √metre.
    """
    phi, lam = np.radians(latitude), np.radians(longitude)
    sphere = np.stack([np.cos(phi) * np.cos(lam), np.cos(phi) * np.sin(lam), np.sin(phi)], axis=1)
    return np.column_stack([sphere / np.radians(length_scale), np.sqrt(depth) / depth_scale])


@compiled(inline="always")
def matern(squared_distance: float) -> float:
    """(1 + √3 r) exp(−√3 r) of r²."""
    a = math.sqrt(3.0 * squared_distance)
    return (1.0 + a) * math.exp(-a)


@compiled(inline="always")
def squared_distance(a: NDArray[np.float64], i: int, b: NDArray[np.float64], j: int) -> float:
    """Of row `i` of `a` [·, 4] and row `j` of `b` [·, 4]."""
    d0, d1, d2, d3 = a[i, 0] - b[j, 0], a[i, 1] - b[j, 1], a[i, 2] - b[j, 2], a[i, 3] - b[j, 3]
    return d0 * d0 + d1 * d1 + d2 * d2 + d3 * d3


@compiled(parallel=True)
def covariance_matrix(at: NDArray[np.float64]) -> NDArray[np.float64]:
    """[N, N] covariances of positions [N, 4] with each other, symmetric, unit diagonal."""
    n = at.shape[0]
    matrix = np.empty((n, n))
    for i in numba.prange(n):
        for j in range(n):
            matrix[i, j] = matern(squared_distance(at, i, at, j))
    return matrix


def covariance_product(
    targets: NDArray[np.float64],  # [G, 4]
    sources: NDArray[np.float64],  # [N, 4]
    weights: NDArray[np.float64],  # [N, V]
    *,
    precision: type[np.floating] = np.float32,
    cancelled: CancelCheck = never,
    progress: Callable[[float], None] = lambda fraction: None,
) -> NDArray[np.float64]:
    """K(targets, sources) · weights, [G, V], over every pair, with blocks of at most BLOCK_BYTES of K in memory.

    `precision` is that of the covariances and the sums.
    Raises Cancelled soon after `cancelled()` turns true.
    """
    targets_t, sources_t = targets.astype(precision), np.ascontiguousarray(sources.T, dtype=precision)
    weights_t, series = weights.astype(precision), np.array(EXPONENTIAL_SERIES, dtype=precision)
    height = max(1, BLOCK_BYTES // max(1, len(sources) * np.dtype(precision).itemsize))
    block = np.empty((min(height, len(targets)), len(sources)), dtype=precision)
    product = np.empty((len(targets), weights.shape[1]))
    for start in range(0, len(targets), height):
        stop_if(cancelled)
        rows = targets_t[start : start + height]
        _covariances(rows, sources_t, series, block)
        product[start : start + height] = block[: len(rows)] @ weights_t
        progress(min(1.0, (start + height) / len(targets)))
    return product


@compiled(parallel=True, fastmath=FAST)
def _covariances(targets, sources, series, out):  # [B, 4], [4, N], [8], [≥B, N]; one dtype throughout
    one, sixteenth, three = series[0], series.dtype.type(0.0625), series.dtype.type(3.0)
    for i in numba.prange(targets.shape[0]):
        t0, t1, t2, t3 = targets[i, 0], targets[i, 1], targets[i, 2], targets[i, 3]
        for j in range(sources.shape[1]):
            d0, d1, d2, d3 = t0 - sources[0, j], t1 - sources[1, j], t2 - sources[2, j], t3 - sources[3, j]
            a = np.sqrt(three * (d0 * d0 + d1 * d1 + d2 * d2 + d3 * d3))
            t = a * sixteenth
            e = series[7]
            e = e * t + series[6]
            e = e * t + series[5]
            e = e * t + series[4]
            e = e * t + series[3]
            e = e * t + series[2]
            e = e * t + series[1]
            e = e * t + series[0]
            e *= e
            e *= e
            e *= e
            e *= e
            out[i, j] = (one + a) / e
