"""The classical Runge–Kutta method, for a system together with its tangent-linear model."""

from __future__ import annotations

import numba
import numpy as np


@numba.njit(inline="always")
def runge_kutta(tendency, trajectories, steps, dt, parameters):  # [N, 1 + K, n]
    """Trajectories `steps` steps of dt later, [N, 1 + K, n]: each a state and K perturbations of it.

    `tendency(z, parameters, rate)` writes the rate of z [1 + K, n], a state z₀ and perturbations along it. These are
    thus stepped by the exact derivative of the stepped state, not by that of the continuous system.
    """
    after = trajectories.copy()
    _, rows, n = trajectories.shape
    z, rate, change = np.empty((rows, n)), np.empty((rows, n)), np.empty((rows, n))
    for x in after:
        for _ in range(steps):
            z[:] = x
            change[:] = 0.0
            for ahead, weight in ((dt / 2, dt / 6), (dt / 2, dt / 3), (dt, dt / 3), (0.0, dt / 6)):
                tendency(z, parameters, rate)
                for k in range(rows):
                    for i in range(n):
                        z[k, i] = x[k, i] + ahead * rate[k, i]
                        change[k, i] += weight * rate[k, i]
            x += change
    return after
