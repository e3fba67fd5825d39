"""The nearest of many points and the Chamfer distance: against all pairs, and on clouds made to be slow."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as npst
from numpy.typing import NDArray
from scipy.spatial import cKDTree

from tellurion_core.errors import InvalidInput
from tellurion_pointcloud.geometry import chamfer, nearest

Points = NDArray[np.float32]
ELEMENTS = (st.integers(-2, 2), st.floats(-8, 8, width=16), st.sampled_from([0, 1e-38, 1e-20, 1, 1e18]))
"""A grid of many ties; reals; and what float32 can hardly hold together."""
MANY = 100_000


@st.composite
def two_clouds(draw: Any) -> tuple[Points, Points]:
    elements = draw(st.sampled_from(ELEMENTS)).map(np.float32)
    shapes = st.integers(1, 80).map(lambda count: (count, 3))
    points = npst.arrays(np.float32, shapes, elements=elements, fill=st.nothing())
    return draw(points), draw(points)


def of_all_pairs(queries: Points, points: Points) -> tuple[Points, NDArray[np.int64]]:
    """Squared distances to the nearest points and their indices, ties by x, y, z."""
    by_place = np.lexsort(points.T[::-1])
    x, y, z = np.moveaxis((queries[:, None] - points[by_place]) ** 2, -1, 0)
    squared = x + y + z
    return squared.min(1), by_place[squared.argmin(1)]


@given(two_clouds())
@settings(max_examples=100, deadline=None)
def test_nearest_as_of_all_pairs(clouds: tuple[Points, Points]) -> None:
    queries, points = clouds
    squared, index = nearest(queries, points)
    expected, chosen = of_all_pairs(queries, points)
    np.testing.assert_array_equal(squared, expected)
    np.testing.assert_array_equal(points[index], points[chosen])


@given(two_clouds())
@settings(max_examples=40, deadline=None)
def test_chamfer_as_its_definition(clouds: tuple[Points, Points]) -> None:
    a, b = clouds
    there, back = (of_all_pairs(*pair)[0].astype(float) for pair in ((a, b), (b, a)))
    found = chamfer(a, b)
    assert found.l1 == pytest.approx((np.sqrt(there).mean() + np.sqrt(back).mean()) / 2)
    assert found.l2 == pytest.approx(there.mean() + back.mean())


def test_chamfer_of_one_point_and_two() -> None:
    assert chamfer(np.zeros((1, 3)), np.array([[0, 0, 1], [0, 2, 0]])) == (1.25, 1 + 2.5)


def test_many_points_as_scipy_has_them() -> None:
    rng = np.random.default_rng(0)
    queries, points = rng.normal(size=(2, 20_000, 3)).astype(np.float32)
    squared, index = nearest(queries, points)
    distance, expected = cKDTree(points).query(queries)
    np.testing.assert_array_equal(index, expected)
    np.testing.assert_allclose(np.sqrt(squared), distance, rtol=1e-6)


def cluster(scale: float) -> Callable[[np.random.Generator], Points]:
    """All points but one lie so close together that from afar they are equally far."""
    return lambda rng: np.concatenate([rng.normal(size=(MANY - 1, 3)) * scale, [[1, 1, 1]]]).astype(np.float32)


HOSTILE: dict[str, Callable[[np.random.Generator], Points]] = {
    "all equal": lambda rng: np.ones((MANY, 3), np.float32),
    "two places": lambda rng: rng.integers(0, 2, (MANY, 1)).repeat(3, 1).astype(np.float32),
    "a line": lambda rng: np.outer(np.arange(MANY), [1, 0, 0]).astype(np.float32),
    "a grid": lambda rng: rng.integers(0, 20, (MANY, 3)).astype(np.float32),
    "a cluster": cluster(1e-9),
    "a cluster whose squares are 0": cluster(1e-30),
}


@pytest.mark.parametrize("name", HOSTILE)
def test_no_cloud_takes_long(name: str) -> None:
    """A tree that looked at every point for every query would take minutes; the test's time is limited to two."""
    rng = np.random.default_rng(0)
    points = HOSTILE[name](rng)
    shifted = points + np.float32(0.5)
    for queries in (points[::-1].copy(), shifted):
        squared, index = nearest(queries, points)
        few = rng.integers(0, MANY, 8)
        expected, chosen = of_all_pairs(queries[few], points)
        np.testing.assert_array_equal(squared[few], expected)
        np.testing.assert_array_equal(points[index[few]], points[chosen])


@pytest.mark.parametrize(
    ("call", "field"),
    [
        (lambda: nearest(np.zeros((0, 3)), np.zeros((1, 3))), "queries"),
        (lambda: nearest(np.zeros((1, 3)), np.zeros((0, 3))), "points"),
        (lambda: nearest(np.zeros((1, 3)), np.full((4, 3), np.inf)), "points"),
        (lambda: chamfer(np.zeros((1, 1, 3)), np.zeros((1, 3))), "a"),
        (lambda: chamfer(np.zeros((1, 3)), np.full((1, 3), np.nan)), "b"),
    ],
)
def test_what_has_no_nearest_point_is_named(call: Any, field: str) -> None:
    with pytest.raises(InvalidInput) as error:
        call()
    assert [violation.field for violation in error.value.violations] == [field]
