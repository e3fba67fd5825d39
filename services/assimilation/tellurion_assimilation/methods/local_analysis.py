"""The loop over grid points of the LETKF: each one's own analysis in the space of the ensemble.

With x̄ + X the background of a grid point, Y and d the local observations' anomalies and innovation, both in units of
the observations' errors times √(N − 1) and multiplied by the root of the taper, the analysis has the mean x̄ + X w̄,
w̄ = (I + YᵀY)⁻¹Yᵀd, and the anomalies X W, W = (I + YᵀY)^-½. Neither w̄ nor W is ever formed: W Xᵀ is all that is
wanted, and X w̄ is its scalar product with W Yᵀd.
"""

from __future__ import annotations

import numba
import numpy as np
from numpy.typing import NDArray

from tellurion_assimilation.localization import Neighbourhoods
from tellurion_assimilation.methods.inverse_root import FAST, times_inverse_root
from tellurion_core.kernels import compiled

BLOCK = 64
"""Grid points that one core does in a row, with the same memory to work in."""
WORTH_ALL_CORES = 256
"""Grid points; fewer are done before other cores have been woken up, and these may be busy."""


def analyse_locally(
    background: NDArray[np.float64],  # [N, C, M]
    near: Neighbourhoods,
    seen: NDArray[np.float64],  # Y [p, N], before it is tapered
    innovation: NDArray[np.float64],  # d [p], before it is tapered
    quadrature: tuple[NDArray[np.float64], NDArray[np.float64]],
    mean: NDArray[np.float64],  # [C, M]
    anomalies: NDArray[np.float64],  # [N, C, M]
) -> None:
    """Writes the analysis of `near`'s grid points to `mean` and `anomalies`.

    The quadrature is one of `tellurion_assimilation.methods.inverse_root` that covers the eigenvalues of all I + YᵀY.
    """
    points = near.starts.size - 1
    if points < WORTH_ALL_CORES:
        _analyse(0, points, background, near, seen, innovation, quadrature, mean, anomalies)
    else:
        _analyse_on_all_cores(points, background, near, seen, innovation, quadrature, mean, anomalies)


@compiled(parallel=True)
def _analyse_on_all_cores(points, background, near, seen, innovation, quadrature, mean, anomalies):
    for block in numba.prange((points + BLOCK - 1) // BLOCK):
        start, stop = block * BLOCK, min((block + 1) * BLOCK, points)
        _analyse(start, stop, background, near, seen, innovation, quadrature, mean, anomalies)


@compiled(fastmath=FAST)
def _analyse(start, stop, background, near, seen, innovation, quadrature, mean, anomalies):
    shifts, weights = quadrature
    members, channels = background.shape[:2]
    gram, vectors = np.empty((members, members)), np.empty((1 + channels, members))
    scratch, sweeps = np.empty((3, members)), np.empty((2, members, shifts.size))
    for g in range(start, stop):
        at, local = near.first + g, slice(near.starts[g], near.starts[g + 1])
        for c in range(channels):
            x = vectors[1 + c]
            x[:] = background[:, c, at]
            mean[c, at] = x.mean()
            x -= mean[c, at]
        if local.start < local.stop:
            _compare(seen, innovation, near.observations[local], near.tapers[local], gram, vectors[0])
            times_inverse_root(gram, vectors, shifts, weights, scratch, sweeps)
            for c in range(channels):
                for i in range(members):
                    mean[c, at] += vectors[0, i] * vectors[1 + c, i]
        anomalies[:, :, at] = vectors[1:].T


@compiled(fastmath=FAST)
def _compare(seen, innovation, near, tapers, gram, towards):
    """YᵀY [N, N] and Yᵀd [N] of the local observations, four at a time so that sums stay in registers for longer."""
    gram[:] = 0.0
    towards[:] = 0.0
    for k in range(0, near.size, 4):
        (a, s), (b, t) = _tapered(seen, near, tapers, k), _tapered(seen, near, tapers, k + 1)
        (c, u), (d, v) = _tapered(seen, near, tapers, k + 2), _tapered(seen, near, tapers, k + 3)
        for i in range(len(gram)):
            row = gram[i]
            for j in range(len(gram)):
                row[j] += s * a[i] * a[j] + t * b[i] * b[j] + u * c[i] * c[j] + v * d[i] * d[j]
    for k in range(near.size):
        y = seen[near[k]]
        for i in range(len(gram)):
            towards[i] += tapers[k] * innovation[near[k]] * y[i]


@compiled(inline="always")
def _tapered(seen, near, tapers, k):
    """The observation's row of Y and its taper, which is zero past the last."""
    last = near.size - 1
    return seen[near[min(k, last)]], tapers[min(k, last)] if k <= last else 0.0
