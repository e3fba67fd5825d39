"""The shipped atlas is read by many threads at once, and shared by all who ask."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from importlib import resources

import numpy as np
import pytest

from tellurion_ocean.atlas import EVALUATION_FILE, TRAINING_FILE, evaluation_atlas, read_atlas, training_atlas


def test_eight_threads_that_read_at_once_read_the_same():
    folder = resources.files("tellurion_ocean").joinpath("data")
    with resources.as_file(folder) as data, ThreadPoolExecutor(8) as threads:
        names = [TRAINING_FILE, EVALUATION_FILE] * 12
        read = list(threads.map(read_atlas, [data / name for name in names]))
    for name, atlas in zip(names, read, strict=True):
        shipped = training_atlas() if name == TRAINING_FILE else evaluation_atlas()
        assert atlas.months == shipped.months
        np.testing.assert_array_equal(atlas.temperature, shipped.temperature)


@pytest.mark.parametrize("shipped", [training_atlas, evaluation_atlas])
def test_the_shared_atlas_cannot_be_changed(shipped):
    assert shipped() is shipped()
    for array in (shipped().temperature, shipped().grid.depth, shipped().of(shipped().months[0])):
        with pytest.raises(ValueError, match="read-only"):
            array[0] = 0.0
