"""A shape descriptor made by hand: what pre-trained features have to beat.

    D2, A3          distances of pairs and angles of triples of points      Osada et al. 2002
    profiles        heights, and distances from the vertical axis
    extents         along the vertical and the principal horizontal axes, and their ratios
    eigenvalues     of the covariance, with linearity, planarity, scattering    Weinmann et al. 2015

It does not change when a cloud is moved, scaled, or turned about the vertical axis z. Histograms are given as square
roots of shares, so that their Euclidean distance is Hellinger's.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.spatial.distance import pdist

Array = NDArray[np.float64]

DISTANCES, ANGLES, PROFILE = 32, 24, 16
"""Bins of each histogram."""
FARTHEST = 3.0
"""D2 and the radial profile end at this multiple of the mean distance."""
TRIPLES = 1 << 15
LENGTH = DISTANCES + ANGLES + 2 * PROFILE + 6 + 6
"""Numbers of a descriptor."""


def descriptors(clouds: NDArray[np.floating[Any]], seed: int = 0) -> Array:
    """[M, LENGTH] of clouds [M, N, 3], z up; `seed` draws the triples. Cost grows with M·N²."""
    triples = np.random.default_rng(seed).integers(clouds.shape[1], size=(TRIPLES, 3))
    return np.stack([_descriptor(cloud, triples) for cloud in clouds.astype(np.float64)])


def _descriptor(cloud: Array, triples: NDArray[np.int64]) -> Array:
    turned = _upright(cloud)
    apart = pdist(turned)
    mean = apart.mean() if apart.any() else 1.0
    heights = turned[:, 2] - turned[:, 2].min()
    return np.concatenate(
        [
            _histogram(apart, DISTANCES, FARTHEST * mean),
            _histogram(_angles(turned, triples), ANGLES, np.pi),
            _histogram(heights, PROFILE, heights.max() or 1.0),
            _histogram(np.linalg.norm(turned[:, :2], axis=1), PROFILE, FARTHEST * mean),
            _extents(turned),
            _eigenvalues(turned),
        ]
    )


def _upright(cloud: Array) -> Array:
    """The cloud about its centroid, its longer horizontal principal axis along x."""
    centred = cloud - cloud.mean(0)
    _, axes = np.linalg.eigh(centred[:, :2].T @ centred[:, :2])
    return np.column_stack([centred[:, :2] @ axes[:, ::-1], centred[:, 2]])


def _histogram(values: Array, bins: int, highest: float) -> Array:
    """Square roots of the shares of values in equal bins from 0 to `highest`, those above in the last."""
    index = np.minimum((values * (bins / highest)).astype(np.int64), bins - 1)
    return np.sqrt(np.bincount(index, minlength=bins) / len(values))


def _angles(cloud: Array, triples: NDArray[np.int64]) -> Array:
    """At the middle of each triple of points, 0…π; 0 where two of them are one."""
    before, middle, after = cloud[triples.T]
    one, other = before - middle, after - middle
    return np.arctan2(np.linalg.norm(np.cross(one, other), axis=1), (one * other).sum(1))


def _extents(cloud: Array) -> Array:
    """Of the box along x, y, z in units of its diagonal, and the three ratios of two of them, at most 1."""
    extents = np.ptp(cloud, axis=0)
    extents /= np.linalg.norm(extents) or 1.0
    one, other = extents, np.roll(extents, 1)
    return np.concatenate([extents, np.minimum(one, other) / np.maximum(np.maximum(one, other), 1e-12)])


def _eigenvalues(cloud: Array) -> Array:
    """The three shares of the variance, largest first; linearity, planarity and scattering."""
    values = np.clip(np.linalg.eigvalsh(cloud.T @ cloud)[::-1], 0, None)
    first, second, third = values / (values.sum() or 1.0)
    largest = first or 1.0
    return np.array([first, second, third, (first - second) / largest, (second - third) / largest, third / largest])
