"""The frozen linear support vector machine by which pre-trained features are judged.

Features are standardised with the training models' mean and standard deviation. The machine is scikit-learn's
`SVC`: libsvm, linear kernel, hinge loss, one against one. Its C is chosen from `COSTS` by nested cross-validation:
each of the training folds is left out once, and the C of the highest mean accuracy is taken, the smallest of equals.
Folds are made of groups of near-duplicates, so that neither loop sees a twin of what it is judged by.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.preprocessing import StandardScaler
from sklearn.svm import SVC

from tellurion_core.errors import InvalidInput

COSTS = 1e-4, 1e-3, 1e-2, 1e-1, 1.0, 10.0
"""Values of C that are tried."""

Floats = NDArray[np.floating[Any]]
Integers = NDArray[np.integer[Any]]


def told(known: Floats, labels: Integers, asked: Floats, costs: Sequence[float]) -> Integers:
    """[costs, Q] labels of features `asked` [Q, D] by a machine of each C, learned from those `known` [N, D]."""
    scaler = StandardScaler().fit(known)
    known, asked = scaler.transform(known), scaler.transform(asked)
    within, between = known @ known.T, asked @ known.T  # the kernels, once for all machines
    return np.stack([SVC(kernel="precomputed", C=cost).fit(within, labels).predict(between) for cost in costs])


def predicted(features: Floats, labels: Integers, folds: Integers, fold: int) -> NDArray[np.int64]:
    """Labels of the models [n] of one fold, learned from those of all others.

    features [N, D], labels [N], folds [N]. Raises InvalidInput where features are not finite, shapes do not fit, or
    fewer than two other folds are there to choose C by.
    """
    if features.ndim != 2 or labels.shape != features.shape[:1] or folds.shape != labels.shape:
        received = f"shapes {features.shape}, {labels.shape}, {folds.shape}"
        raise InvalidInput.of("features, labels, folds", received=received, accepted="[N, D], [N], [N]")
    if not np.isfinite(features).all():
        raise InvalidInput.of("features", received="values that are not finite", accepted="finite numbers")
    test = folds == fold
    if len(np.unique(folds[~test])) < 2 or not test.any():
        raise InvalidInput.of("folds", received=np.unique(folds), accepted=f"fold {fold} and two others at least")
    known, known_labels = features[~test], labels[~test]
    cost = _cost(known, known_labels, folds[~test])
    return told(known, known_labels, features[test], [cost])[0]


def cross_validated(features: Floats, labels: Integers, folds: Integers) -> NDArray[np.bool_]:
    """Whether each of N models is told right by a machine that saw no model of its fold; see `predicted`."""
    right = np.empty(len(labels), np.bool_)
    for fold in np.unique(folds):
        test = folds == fold
        right[test] = predicted(features, labels, folds, fold) == labels[test]
    return right


def _cost(features: Floats, labels: Integers, folds: Integers) -> float:
    """The C of the highest mean accuracy over the folds, each left out once."""
    accuracy = np.zeros(len(COSTS))
    for fold in np.unique(folds):
        test = folds == fold
        accuracy += np.mean(told(features[~test], labels[~test], features[test], COSTS) == labels[test], axis=1)
    return COSTS[int(accuracy.argmax())]
