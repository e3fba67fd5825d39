"""What makes one analysis better than another: accuracy, the forecast that starts from it, physical balance.

Align-DA's rewards of the members of one background, higher is better. Errors are compared rather than counted: a member
is as accurate as it is likely to beat another one, each comparison softened by a sigmoid.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy.special import expit

REWARDS = ("accuracy", "forecast", "physics")


def weighted_errors(
    states: NDArray[np.floating],  # [N, C, Y, X]
    truth: NDArray[np.floating],  # [C, Y, X]
    std: NDArray[np.floating],  # [C] units that make channels comparable
    area: NDArray[np.floating],  # [Y] shares of the sphere of the rows; they sum to 1
) -> NDArray[np.float64]:
    """Root mean square errors over the sphere [N, C], in units of `std`."""
    squares = ((states - truth) / std[:, None, None]).astype(np.float64) ** 2
    return np.sqrt(squares.mean(axis=-1) @ area)


def win_rate(errors: NDArray[np.float64]) -> NDArray[np.float64]:
    """[N] of errors [N, C]: the mean over channels and the other members j of sigmoid(error of j − own error)."""
    wins = expit(errors - errors[:, None]).mean(axis=-1)  # [N, j]
    return wins.mean(axis=1, where=~np.eye(len(errors), dtype=bool))


def rank(rewards: NDArray[np.float64]) -> NDArray[np.float64]:
    """Ranks in [0, 1] of rewards [..., N] along the last axis, 1 for the best; ties in their order."""
    return rewards.argsort(axis=-1, kind="stable").argsort(axis=-1, kind="stable") / (rewards.shape[-1] - 1)
