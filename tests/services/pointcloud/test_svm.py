"""The frozen linear support vector machine."""

import numpy as np
import pytest

from tellurion_core.errors import InvalidInput
from tellurion_pointcloud.downstream.svm import cross_validated, predicted

RANDOM = np.random.default_rng(0)
LABELS = np.arange(200) % 4
FOLDS = np.arange(200) // 4 % 5


def test_separable_classes_are_all_told_right() -> None:
    features = 10 * np.eye(4)[LABELS] + RANDOM.normal(size=(200, 4))
    assert cross_validated(features, LABELS, FOLDS).all()


def test_labels_that_say_nothing_are_told_by_chance() -> None:
    right = cross_validated(RANDOM.normal(size=(200, 8)), RANDOM.permutation(LABELS), FOLDS)
    assert abs(right.mean() - 0.25) < 4 * np.sqrt(0.25 * 0.75 / 200)


def test_units_of_the_features_do_not_matter() -> None:
    features = np.eye(4)[LABELS] + 0.4 * RANDOM.normal(size=(200, 4))
    scaled = features * np.array([1e-3, 1, 10, 1e4]) + np.array([5, 0, 1e2, -1e4])
    assert np.array_equal(cross_validated(features, LABELS, FOLDS), cross_validated(scaled, LABELS, FOLDS))


def test_a_twin_in_another_fold_would_be_recognised_and_in_the_same_is_not() -> None:
    features = np.repeat(RANDOM.normal(size=(100, 300)), 2, axis=0)
    labels = np.repeat(RANDOM.integers(4, size=100), 2)
    assert cross_validated(features, labels, np.arange(200) % 5).mean() > 0.9
    assert cross_validated(features, labels, np.arange(200) // 2 % 5).mean() < 0.45


def test_a_fold_is_told_by_what_the_others_hold() -> None:
    features = np.column_stack([LABELS == 0, LABELS != 0]).astype(float)
    labels = np.where(FOLDS == 3, 7, LABELS)  # a class that no other fold has
    assert 7 not in predicted(features, labels, FOLDS, 3)


def test_features_and_folds_that_cannot_be_used_are_refused() -> None:
    features = np.zeros((200, 3))
    with pytest.raises(InvalidInput, match=r"\[N, D\]"):
        predicted(features, LABELS[:10], FOLDS, 0)
    with pytest.raises(InvalidInput, match="folds"):
        predicted(features, LABELS, FOLDS % 2, 0)
    features[0, 0] = np.nan
    with pytest.raises(InvalidInput, match="finite"):
        predicted(features, LABELS, FOLDS, 0)
