"""Voxels: against a dictionary of cells."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as npst
from numpy.typing import NDArray

from tellurion_core.errors import InvalidInput
from tellurion_pointcloud.geometry import voxels

Points = NDArray[np.float64]


@given(
    npst.arrays(np.float64, st.integers(1, 50).map(lambda n: (n, 3)), elements=st.floats(-8, 8, width=16)),
    st.sampled_from([0.25, 1.0, 100.0]),
)
@settings(max_examples=50, deadline=None)
def test_points_are_together_where_their_cell_is_the_same(points: Points, size: float) -> None:
    cells: dict[tuple[float, ...], list[int]] = {}
    for i, cell in enumerate(np.floor((points - points.min(0)) / size)):
        cells.setdefault(tuple(cell), []).append(i)
    index, means, counts = voxels(points, size)
    for voxel, cell in enumerate(sorted(cells)):
        assert np.flatnonzero(index == voxel).tolist() == cells[cell]
        assert counts[voxel] == len(cells[cell])
        np.testing.assert_allclose(means[voxel], points[cells[cell]].mean(0), atol=1e-12)
    assert len(counts) == len(cells)


def test_the_precision_of_a_surveys_coordinates_is_kept() -> None:
    points = np.array([[500_000.0, 5_200_000.0, 0], [500_000.001, 5_200_000.001, 0.001]])
    _, means, counts = voxels(points, 1)
    assert counts.tolist() == [2]
    np.testing.assert_allclose(means, points.mean(0)[None], rtol=0, atol=1e-8)


def test_float32_stays_float32() -> None:
    assert voxels(np.zeros((1, 3), np.float32), 1).means.dtype == np.float32


def test_the_order_of_the_points_changes_no_voxel() -> None:
    rng = np.random.default_rng(0)
    points, order = rng.normal(size=(500, 3)), rng.permutation(500)
    first, second = voxels(points, 0.5), voxels(points[order], 0.5)
    np.testing.assert_array_equal(first.index[order], second.index)
    np.testing.assert_array_equal(first.counts, second.counts)
    np.testing.assert_allclose(first.means, second.means, atol=1e-12)


@pytest.mark.parametrize(
    ("points", "size", "field"),
    [
        (np.zeros((0, 3)), 1.0, "points"),
        (np.full((2, 3), np.nan), 1.0, "points"),
        (np.eye(3) * 1e18, 1.0, "size"),
        (np.eye(3), 1e-300, "size"),
        (np.eye(3), 0.0, "size"),
        (np.eye(3), np.nan, "size"),
    ],
)
def test_what_has_no_voxels_is_named(points: Points, size: float, field: str) -> None:
    with pytest.raises(InvalidInput) as error:
        voxels(points, size)
    assert [violation.field for violation in error.value.violations] == [field]
