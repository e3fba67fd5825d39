"""Few-shot classification: episodes of a few classes, each known by a few examples.

Source: Vinyals et al. 2016, Snell et al. 2017 for episodes and the nearest centroid; Sharma and Kaul 2020 for clouds.
Support and queries of an episode never share a group of near-duplicates.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tellurion_core.errors import InvalidInput
from tellurion_pointcloud.downstream.svm import told

Floats = NDArray[np.floating[Any]]
Integers = NDArray[np.integer[Any]]
Classifier = Callable[[Floats, Integers, Floats], Integers]
"""Labels [Q] of queries [Q, D], learned from a support [S, D] and its labels [S]."""

COST = 1.0
"""C of the linear classifier: with a few examples in many dimensions, the hard margin."""


@dataclass(frozen=True, eq=False)
class Episode:
    """Which models are known, and which are asked for."""

    support: NDArray[np.int64]
    """[ways · shots]."""
    query: NDArray[np.int64]
    """[at most ways · queries]."""


def episodes(
    labels: Integers,
    groups: Sequence[str] | NDArray[Any],
    *,
    count: int,
    seed: int,
    ways: int = 5,
    shots: int = 5,
    queries: int = 15,
) -> list[Episode]:
    """Episodes over models [N] of classes `labels` in `groups`; a class gives fewer queries where it has no more.

    Raises InvalidInput where fewer than `ways` classes have `shots` models outside of one of their groups.
    """
    places = {label: np.flatnonzero(labels == label) for label in np.unique(labels)}
    _, group = np.unique(np.asarray(groups), return_inverse=True)
    fit = [label for label, models in places.items() if len(_apart(group[models], shots))]
    if len(fit) < ways:
        accepted = f"{ways} classes at least with {shots} models outside of one of their groups"
        raise InvalidInput.of("labels", received=f"{len(fit)} such classes", accepted=accepted)
    random = np.random.default_rng(seed)
    found = []
    for _ in range(count):
        drawn = [_split(places[label], group, shots, random) for label in random.choice(fit, ways, replace=False)]
        support = np.concatenate([known for known, _ in drawn])
        asked = [rest[~np.isin(group[rest], group[support])][:queries] for _, rest in drawn]
        found.append(Episode(support, np.concatenate(asked)))
    return found


def nearest_centroid(support: Floats, labels: Integers, query: Floats) -> Integers:
    """The label of the class whose support has the nearest mean, features in units of the support's deviation."""
    mean, deviation = support.mean(0), support.std(0)
    deviation[deviation == 0] = 1
    names = np.unique(labels)
    centroids = np.stack([((support - mean) / deviation)[labels == name].mean(0) for name in names])
    apart = ((query - mean) / deviation)[:, None] - centroids
    return names[np.square(apart).sum(-1).argmin(1)]


def linear(support: Floats, labels: Integers, query: Floats) -> Integers:
    """By the linear support vector machine of `svm`, C = COST."""
    return told(support, labels, query, [COST])[0]


def accuracies(features: Floats, labels: Integers, drawn: Sequence[Episode], classify: Classifier) -> Floats:
    """[episodes] share of the queries of each that are told right; features [N, D], labels [N]."""
    return np.array(
        [
            np.mean(classify(features[at.support], labels[at.support], features[at.query]) == labels[at.query])
            for at in drawn
        ]
    )


def _apart(groups: NDArray[np.intp], shots: int) -> NDArray[np.intp]:
    """The groups of a class outside of which it has `shots` models."""
    names, counts = np.unique(groups, return_counts=True)
    return names[len(groups) - counts >= shots]


def _split(
    models: NDArray[np.intp], group: NDArray[np.intp], shots: int, random: np.random.Generator
) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
    """`shots` models from as few groups, in a random order, as hold them, and those of the other groups shuffled."""
    kept = random.choice(_apart(group[models], shots))
    order = random.permutation(np.setdiff1d(group[models], kept))
    sizes = np.array([np.sum(group[models] == name) for name in order])
    known = np.isin(group[models], order[: np.searchsorted(sizes.cumsum(), shots) + 1])
    return random.choice(models[known], shots, replace=False), random.permutation(models[~known])
