"""Classes of clouds from a few examples."""

import numpy as np
import pytest
from sklearn.linear_model import LogisticRegression
from sklearn.preprocessing import scale

from tellurion_core.errors import Cancelled, InvalidInput
from tellurion_pointcloud.classes import MOST, Classes

CENTRES = {"a": (0.0, 0.0), "b": (9.0, 0.0), "c": (0.0, 9.0)}


def test_the_class_whose_examples_are_near_is_the_most_probable():
    random = np.random.default_rng(0)
    labels = [label for label in CENTRES for _ in range(4)]
    classes = Classes(np.array([CENTRES[label] for label in labels]) + random.normal(size=(12, 2)), labels)
    for label, centre in CENTRES.items():
        told = classes.probabilities(np.array(centre))
        assert told[0][0] == label
        assert sorted(name for name, _ in told) == list(CENTRES)
        assert sum(chance for _, chance in told) == pytest.approx(1)


@pytest.mark.parametrize("count", [1, MOST + 1])
def test_one_class_and_too_many_are_refused(count):
    with pytest.raises(InvalidInput, match=f"{count} classes"):
        Classes(np.zeros((count, 2)), [str(index) for index in range(count)])


def test_probabilities_are_those_of_scikit_learn():
    random = np.random.default_rng(1)
    numbers = np.arange(60) % 3
    features = 5 * random.normal(size=(60, 4)) + numbers[:, None] * [3, 0, -2, 1] + 7
    classes = Classes(features, ["abc"[number] for number in numbers])
    theirs = LogisticRegression(tol=1e-8).fit(scale(features), numbers).predict_proba(scale(features))
    ours = np.array([[chance for _, chance in sorted(classes.probabilities(each))] for each in features])
    np.testing.assert_allclose(ours, theirs, atol=1e-3)
    assert 0.05 < ours.max(1).min() < 0.9  # of a doubt


def test_examples_that_nobody_waits_for_are_not_learned_to_the_end():
    asked = iter([False, False, True])
    with pytest.raises(Cancelled):
        Classes(np.random.default_rng(2).normal(size=(40, 3)), list("ab") * 20, lambda: next(asked))
