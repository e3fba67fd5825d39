"""(I + G)^-½ times a few vectors, for a small symmetric G ≥ 0, in compiled loops.

x^-½ is the integral (2/π) ∫ dt / (t² + x) over t > 0. An elliptic substitution makes the midpoint rule converge so fast
that the error is about exp(−2π² P / (log κ + 3)) with P nodes and the condition number κ: Hale, Higham and Trefethen
(2008), Computing A^α, log(A), and related matrix functions by contour integrals, method 3. What is left is to solve
with I + G + t², for all nodes t side by side, once G is made tridiagonal by reflections: Golub and Van Loan, Matrix
Computations, section 8.3.1. Eigenvectors by LAPACK give the same and take several times as long.
"""

from __future__ import annotations

import math
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray
from scipy.special import ellipj, ellipkm1

from tellurion_core.kernels import compiled

ACCURACY = 1e-13
"""Relative error of the quadrature, about."""
FAST = {"contract", "reassoc", "nsz", "arcp"}
"""Licences for the compiler that let it use vector units, without assuming that values are finite."""


@lru_cache
def quadrature(octaves: int) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Shifts t² [P] and weights [P] with Σ weight / (t² + x) = x^-½ for x in 1…κ, κ = 2^octaves.

    The nodes come in pairs t and √κ / t, so that only those are computed that a small argument gives accurately.
    """
    kappa = 2.0**octaves
    pairs = math.ceil((math.log(kappa) + 3) * -math.log(ACCURACY) / (4 * math.pi**2))
    quarter_period = ellipkm1(1 / kappa)
    sn, cn, dn, _ = ellipj((np.arange(pairs) + 0.5) * quarter_period / (2 * pairs), 1 - 1 / kappa)
    t = np.concatenate([sn / cn, math.sqrt(kappa) * cn / sn])
    dt = np.concatenate([dn / cn**2, math.sqrt(kappa) * dn / sn**2])
    return t**2, dt * quarter_period / (math.pi * pairs)


@compiled(fastmath=FAST)
def times_inverse_root(
    g: NDArray[np.float64],  # [N, N]
    vectors: NDArray[np.float64],  # [K, N]
    shifts: NDArray[np.float64],  # [P]
    weights: NDArray[np.float64],  # [P]
    scratch: NDArray[np.float64],  # [3, N]
    sweeps: NDArray[np.float64],  # [2, N, P]
) -> None:
    """Overwrites each row v of `vectors` by (I + G)^-½ v, and G by reflections.

    The shifts and weights are a quadrature that covers the eigenvalues of I + G; `scratch` and `sweeps` are memory to
    work in.
    """
    diagonal, beside = scratch[0], scratch[1]
    _tridiagonalise(g, diagonal, beside, scratch[2])
    for v in vectors:
        for k in range(len(g) - 2):
            _reflect(v, g[k])
    _sum_resolvents(diagonal, beside, vectors, shifts, weights, sweeps[0], sweeps[1])
    for v in vectors:
        for k in range(len(g) - 3, -1, -1):
            _reflect(v, g[k])


@compiled(fastmath=FAST)
def _reflect(v, w):
    along = 0.0
    for j in range(v.size):
        along += v[j] * w[j]
    for j in range(v.size):
        v[j] -= along * w[j]


@compiled(fastmath=FAST)
def _tridiagonalise(g, diagonal, beside, p):
    """Rows k < N − 2 of G become the w of reflections I − w wᵀ that leave it tridiagonal, one after the other."""
    n = len(g)
    for k in range(n - 2):
        w = g[k]
        diagonal[k] = w[k]
        w[: k + 1] = 0.0  # so that all loops run over whole rows, which the compiler makes the most of
        norm = 0.0
        for j in range(n):
            norm += w[j] * w[j]
        norm = math.sqrt(norm)
        beside[k] = -math.copysign(norm, w[k + 1])
        scale = norm * (norm + abs(w[k + 1]))
        scale = 1 / math.sqrt(scale) if scale > 0 else 0.0
        w[k + 1] -= beside[k]
        p[:] = 0.0
        for j in range(n):
            w[j] *= scale
        for i in range(k + 1, n):
            row = g[i]
            for j in range(n):
                p[j] += w[i] * row[j]
        half = 0.0
        for j in range(n):
            half += p[j] * w[j]
        for j in range(n):
            p[j] -= 0.5 * half * w[j]
        for i in range(k + 1, n):
            row = g[i]
            for j in range(n):
                row[j] -= w[i] * p[j] + p[i] * w[j]
    diagonal[n - 2], diagonal[n - 1], beside[n - 2] = g[n - 2, n - 2], g[n - 1, n - 1], g[n - 2, n - 1]


@compiled(fastmath=FAST)
def _sum_resolvents(diagonal, beside, vectors, shifts, weights, inverse_pivots, x):
    """Overwrites rows v by Σ weight (I + T + shift)⁻¹ v, T being tridiagonal, by elimination and substitution."""
    n, nodes = inverse_pivots.shape
    for q in range(nodes):
        inverse_pivots[0, q] = 1 / (1 + diagonal[0] + shifts[q])
    for i in range(1, n):
        for q in range(nodes):
            inverse_pivots[i, q] = 1 / (1 + diagonal[i] + shifts[q] - beside[i - 1] ** 2 * inverse_pivots[i - 1, q])
    for v in vectors:
        x[0] = v[0]
        for i in range(1, n):
            for q in range(nodes):
                x[i, q] = v[i] - beside[i - 1] * inverse_pivots[i - 1, q] * x[i - 1, q]
        for q in range(nodes):
            x[n - 1, q] *= inverse_pivots[n - 1, q]
        for i in range(n - 2, -1, -1):
            for q in range(nodes):
                x[i, q] = (x[i, q] - beside[i] * x[i + 1, q]) * inverse_pivots[i, q]
        for i in range(n):
            total = 0.0
            for q in range(nodes):
                total += weights[q] * x[i, q]
            v[i] = total
