"""Farthest points: against a loop that says what they are, and the places that mathematics gives."""

from __future__ import annotations

from itertools import product

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as npst
from numpy.typing import NDArray

from tellurion_core.errors import InvalidInput
from tellurion_pointcloud.geometry import farthest_points

Points = NDArray[np.float32]
GRID = st.integers(-2, 2)
"""Coordinates among which many distances, and many points, are equal."""
REAL = st.floats(-8, 8, width=16)


def clouds(most: int = 40) -> st.SearchStrategy[Points]:
    shapes = st.integers(1, most).map(lambda count: (count, 3))
    return st.one_of(npst.arrays(np.float32, shapes, elements=elements, fill=st.nothing()) for elements in (GRID, REAL))


def squared(points: Points, place: Points) -> Points:
    x, y, z = ((points - place) ** 2).T
    return x + y + z


def chosen(cloud: Points, count: int) -> list[int]:
    """What is documented, one point after the other."""
    left = sorted(range(len(cloud)), key=lambda i: tuple(cloud[i]))
    nearest = squared(cloud, cloud.mean(0, dtype=np.float64).astype(np.float32))
    index: list[int] = []
    while len(index) < count:
        index.append(max(left, key=lambda i: nearest[i]))
        left.remove(index[-1])
        to_last = squared(cloud, cloud[index[-1]])
        nearest = np.minimum(nearest, to_last) if len(index) > 1 else to_last
    return index


@given(clouds(), st.data())
@settings(max_examples=60, deadline=None)
def test_each_is_the_farthest_from_those_before_it(cloud: Points, data: st.DataObject) -> None:
    count = data.draw(st.integers(1, len(cloud)))
    [index] = farthest_points(cloud[None], count)
    np.testing.assert_array_equal(cloud[index], cloud[chosen(cloud, count)])
    assert len(set(index)) == count


@given(clouds(), st.randoms(use_true_random=False))
@settings(max_examples=40, deadline=None)
def test_the_places_do_not_depend_on_the_order_of_the_points(cloud: Points, random: object) -> None:
    order = list(range(len(cloud)))
    random.shuffle(order)
    count = (len(cloud) + 1) // 2
    shuffled = cloud[order]
    np.testing.assert_array_equal(
        cloud[farthest_points(cloud[None], count)[0]], shuffled[farthest_points(shuffled[None], count)[0]]
    )


@pytest.mark.parametrize("count", [128, 129, 300])
def test_a_cloud_of_any_length_beside_others(count: int) -> None:
    batch = np.random.default_rng(count).normal(size=(3, count, 3)).astype(np.float32)
    expected = [chosen(cloud, 12) for cloud in batch]
    np.testing.assert_array_equal(farthest_points(batch, 12), expected)


def test_a_line_is_halved_again_and_again() -> None:
    line = np.zeros((1, 9, 3))
    line[0, :, 1] = np.arange(9)
    assert farthest_points(line, 9).tolist() == [[0, 8, 4, 2, 6, 1, 3, 5, 7]]


def test_of_a_cube_the_first_corner_then_the_opposite_one_and_the_centre_last() -> None:
    cube = np.array([[0, 0, 0], *product((1, -1), repeat=3)], float)
    index = farthest_points(cube[None], 9)[0]
    assert cube[index[:2]].tolist() == [[-1, -1, -1], [1, 1, 1]]
    assert index[-1] == 0


def test_points_that_are_all_equal_are_each_taken_once() -> None:
    assert sorted(farthest_points(np.ones((1, 300, 3)), 300)[0]) == list(range(300))


def test_one_point() -> None:
    assert farthest_points(np.full((2, 1, 3), 1e18), 1).tolist() == [[0], [0]]


def test_an_array_that_may_not_be_written_to() -> None:
    cloud = np.eye(3, dtype=np.float32)[None]
    cloud.flags.writeable = False
    assert farthest_points(cloud, 3).tolist() == [[2, 1, 0]]


@pytest.mark.parametrize(
    ("clouds", "count", "field"),
    [
        (np.zeros((2, 0, 3)), 1, "clouds"),
        (np.zeros((0, 5, 3)), 1, "clouds"),
        (np.zeros((5, 3)), 1, "clouds"),
        (np.zeros((1, 5, 2)), 1, "clouds"),
        (np.full((1, 5, 3), np.nan), 1, "clouds"),
        (np.full((1, 5, 3), -1e30), 1, "clouds"),
        (np.zeros((1, 5, 3), complex), 1, "clouds"),
        (np.zeros((1, 5, 3)), 6, "count"),
        (np.zeros((1, 5, 3)), 0, "count"),
    ],
)
def test_what_cannot_be_sampled_is_named(clouds: NDArray[np.floating], count: int, field: str) -> None:
    with pytest.raises(InvalidInput) as error:
        farthest_points(clouds, count)
    assert [violation.field for violation in error.value.violations] == [field]
