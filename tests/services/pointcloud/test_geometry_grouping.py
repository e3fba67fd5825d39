"""Nearest points, balls and patches: against sorting all distances."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as npst
from numpy.typing import NDArray
from scipy.spatial import cKDTree

from tellurion_core.errors import InvalidInput
from tellurion_pointcloud.geometry import farthest_points, grouped, neighbours, within

Points = NDArray[np.float32]
ELEMENTS = (st.integers(-2, 2), st.floats(-8, 8, width=16))
"""A grid on which many distances, and many points, are equal; and reals."""


@st.composite
def queries_and_cloud(draw: Any) -> tuple[Points, Points]:
    elements = draw(st.sampled_from(ELEMENTS))
    shapes = st.integers(1, 40).map(lambda count: (count, 3))
    points = npst.arrays(np.float32, shapes, elements=elements, fill=st.nothing())
    return draw(points), draw(points)


def by_distance(query: Points, cloud: Points) -> tuple[list[int], Points]:
    """All points of a cloud, nearest first, ties by x, y, z; and their squared distances."""
    x, y, z = ((cloud - query) ** 2).T
    squared = x + y + z
    order = np.lexsort((*cloud.T[::-1], squared))
    return order.tolist(), squared[order]


@given(queries_and_cloud(), st.data())
@settings(max_examples=60, deadline=None)
def test_neighbours_are_the_first_of_all_points_by_distance(given_: tuple[Points, Points], data: st.DataObject) -> None:
    queries, cloud = given_
    k = data.draw(st.integers(1, len(cloud)))
    [index] = neighbours(queries[None], cloud[None], k)
    expected = [by_distance(query, cloud)[0][:k] for query in queries]
    np.testing.assert_array_equal(cloud[index], cloud[expected])
    assert all(len(set(row)) == k for row in index)


@given(queries_and_cloud(), st.data())
@settings(max_examples=60, deadline=None)
def test_a_ball_holds_the_nearest_points_up_to_its_radius(given_: tuple[Points, Points], data: st.DataObject) -> None:
    queries, cloud = given_
    k = data.draw(st.integers(1, len(cloud)))
    radius = np.float32(data.draw(st.sampled_from([0.5, 1, 2, 8])))
    [index], [count] = within(queries[None], cloud[None], radius, k)
    for query, row, found in zip(queries, index, count, strict=True):
        order, squared = by_distance(query, cloud)
        assert found == min(k, (squared <= radius**2).sum())
        np.testing.assert_array_equal(cloud[row], cloud[order[:found] + order[:1] * (k - found)])


@pytest.mark.parametrize("count", [33, 500, 2048])
@pytest.mark.parametrize("k", [1, 8, 33])
def test_batches_of_any_length_as_scipy_has_them(count: int, k: int) -> None:
    rng = np.random.default_rng(count + k)
    clouds, queries = rng.normal(size=(3, count, 3)), rng.normal(size=(3, 37, 3))
    expected = [
        cKDTree(cloud).query(query, [*range(1, k + 1)])[1] for cloud, query in zip(clouds, queries, strict=True)
    ]
    np.testing.assert_array_equal(neighbours(queries, clouds, k), expected)


def test_a_point_at_the_radius_is_in_the_ball() -> None:
    cloud = np.array([[[3, 0, 0], [0, 0, 1], [0, 2, 0]]])
    index, count = within(np.zeros((1, 1, 3)), cloud, 2, 3)
    assert index.tolist() == [[[1, 2, 1]]]
    assert count.tolist() == [[2]]


def test_an_empty_ball_counts_none_and_names_the_nearest() -> None:
    cloud = np.array([[[3, 0, 0], [0, 0, 1.5], [0, 2, 0]]])
    index, count = within(np.zeros((1, 1, 3)), cloud, 1, 2)
    assert index.tolist() == [[[1, 1]]]
    assert count.tolist() == [[0]]


def test_of_two_points_equally_near_the_first_by_coordinates() -> None:
    cloud = np.array([[[1, 0, 0], [0, 0, 1], [0, 1, 0], [-1, 0, 0]]])
    assert neighbours(np.zeros((1, 1, 3)), cloud, 4).tolist() == [[[3, 1, 2, 0]]]


def test_points_that_are_all_equal() -> None:
    cloud = np.ones((1, 3000, 3))
    index = neighbours(cloud[:, :5], cloud, 32)
    assert all(len(set(row)) == 32 for row in index[0])


def test_patches_are_relative_to_their_centres_and_begin_with_them() -> None:
    clouds = np.random.default_rng(0).normal(size=(2, 200, 3)).astype(np.float32)
    patches = grouped(clouds, 8, 16)
    for cloud, centres, points, index, chosen in zip(clouds, *patches, farthest_points(clouds, 8), strict=True):
        np.testing.assert_array_equal(centres, cloud[chosen])
        np.testing.assert_array_equal(index[:, 0], chosen)
        np.testing.assert_array_equal(index, [by_distance(centre, cloud)[0][:16] for centre in centres])
        np.testing.assert_array_equal(points, cloud[index] - centres[:, None])
    assert patches.points.dtype == np.float32


def test_patches_do_not_depend_on_the_order_of_the_points() -> None:
    rng = np.random.default_rng(1)
    cloud = rng.integers(0, 4, (1, 100, 3))
    patches, shuffled = grouped(cloud, 8, 16), grouped(rng.permutation(cloud, axis=1), 8, 16)
    np.testing.assert_array_equal(patches.centres, shuffled.centres)
    np.testing.assert_array_equal(patches.points, shuffled.points)


CLOUD = np.zeros((2, 5, 3))


@pytest.mark.parametrize(
    ("call", "field"),
    [
        (lambda: neighbours(CLOUD[:1], CLOUD, 1), "queries"),
        (lambda: neighbours(CLOUD * np.nan, CLOUD, 1), "queries"),
        (lambda: neighbours(CLOUD, CLOUD + np.inf, 1), "clouds"),
        (lambda: neighbours(CLOUD, CLOUD[:, :0], 1), "clouds"),
        (lambda: neighbours(CLOUD, CLOUD, 6), "k"),
        (lambda: neighbours(CLOUD, CLOUD, 0), "k"),
        (lambda: within(CLOUD, CLOUD, 0, 1), "radius"),
        (lambda: within(CLOUD, CLOUD, np.nan, 1), "radius"),
        (lambda: within(CLOUD, CLOUD, 1e30, 1), "radius"),
        (lambda: grouped(CLOUD, 6, 1), "count"),
        (lambda: grouped(CLOUD, 1, 6), "k"),
        (lambda: grouped(CLOUD[0], 1, 1), "clouds"),
    ],
)
def test_what_cannot_be_grouped_is_named(call: Any, field: str) -> None:
    with pytest.raises(InvalidInput) as error:
        call()
    assert [violation.field for violation in error.value.violations] == [field]
