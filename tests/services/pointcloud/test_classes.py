"""Classes of clouds from a few examples."""

import numpy as np
import pytest

from tellurion_core.errors import InvalidInput
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
