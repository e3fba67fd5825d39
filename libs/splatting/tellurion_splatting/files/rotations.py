"""Unit quaternions as the index of their largest component and the three others, as SPZ and SOG store them."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

OTHERS = np.array([[1, 2, 3], [0, 2, 3], [0, 1, 3], [0, 1, 2]])
"""The three components beside each, in their order."""


def smallest_three(quats: NDArray[np.floating]) -> tuple[NDArray[np.intp], NDArray[np.float64]]:
    """[N] index of the component of largest magnitude, and [N, 3] the others √2 times, in [−1, 1].

    q and −q are one rotation: the sign is chosen so that the largest is positive.
    """
    largest = np.argmax(np.abs(quats), axis=1)
    quats = quats.astype(np.float64) * np.copysign(1, np.take_along_axis(quats, largest[:, None], axis=1))
    return largest, np.sqrt(2) * np.take_along_axis(quats, OTHERS[largest], axis=1)


def from_smallest_three(largest: NDArray[np.integer], others: NDArray[np.floating]) -> NDArray[np.float64]:
    """[N, 4] the quaternions, the largest component from the unit norm."""
    others = others / np.sqrt(2)
    quats = np.empty((len(others), 4))
    np.put_along_axis(quats, OTHERS[largest], others, axis=1)
    rest = np.sqrt(np.maximum(1 - np.sum(others**2, axis=1, keepdims=True), 0))
    np.put_along_axis(quats, largest[:, None].astype(np.intp), rest, axis=1)
    return quats
