"""Clouds as models take them: what is refused, and what place, size and order do not change."""

import time

import numpy as np
import pytest
from scipy.spatial import cKDTree

from tellurion_core.errors import InvalidInput
from tellurion_pointcloud import clouds
from tellurion_pointcloud.clouds import check_points, normalised, sampled

RNG = np.random.default_rng(5)
UTM = np.array([512_345.678, 5_412_345.678, 100.0])


@pytest.fixture(scope="module")
def points() -> np.ndarray:
    return RNG.normal(size=(3000, 3)) * [3, 2, 1]


@pytest.fixture(scope="module")
def many() -> np.ndarray:
    """More than are chosen among one by one: a wavy sheet."""
    flat = np.random.default_rng(6).uniform(-1, 1, (clouds.DIRECT + 50_000, 2))
    return np.c_[flat, 0.2 * np.sin(5 * flat[:, 0])]


def places(points: np.ndarray, count: int) -> np.ndarray:
    """The sampled places of the normalised cloud, in an order of their own."""
    unit = normalised(points).points
    chosen = unit[sampled(unit, count)]
    return chosen[np.lexsort(chosen.T)]


@pytest.mark.parametrize(
    ("points", "word"),
    [
        (np.zeros((0, 3)), "0 points"),
        (np.zeros((1, 3)), "1 points"),
        (np.zeros((11, 3)), "11 points"),
        (np.zeros((4, 2)), "[4, 2]"),
        (np.zeros(3), "[3]"),
        (np.zeros((4, 3), bool), "bool"),
        (np.zeros((4, 3), object), "object"),
        (np.array([[0, 0, 0], [0, np.nan, 0]]), "cloud[1, 1]: received nan"),
        (np.array([[0, 0, 0], [0, 0, np.inf]]), "cloud[1, 2]: received inf"),
        (np.array([[0, 0, 0], [1e30, 0, 0]]), "cloud[1, 0]: received 1e+30"),
    ],
)
def test_what_is_no_cloud(points: np.ndarray, word: str) -> None:
    with pytest.raises(InvalidInput) as caught:
        check_points(points, "cloud", least=2, most=10)
    assert word in str(caught.value)


def test_whole_numbers_and_equal_points_are_clouds() -> None:
    assert check_points(np.full((5, 3), 10**9), "cloud").dtype == np.float64


def test_a_cloud_is_put_into_the_unit_ball() -> None:
    # Centroid (2, 0, 0); the farthest point is 6 from there.
    unit = normalised(np.array([[8.0, 0, 0], [0, 3, 0], [0, -3, 0], [0, 0, 0]]))
    assert unit.centre == pytest.approx([2, 0, 0])
    assert unit.scale == pytest.approx(6)
    assert np.allclose(unit.points, np.array([[6, 0, 0], [-2, 3, 0], [-2, -3, 0], [-2, 0, 0]]) / 6)


def test_what_was_normalised_can_be_put_back(points: np.ndarray) -> None:
    unit = normalised(points + UTM)
    assert np.allclose(unit.restored(unit.points), points + UTM, atol=1e-6 * unit.scale, rtol=0)


@pytest.mark.parametrize("size", [1e-300, 1e-3, 7.3, 1e7])
def test_size_changes_nothing(points: np.ndarray, size: float) -> None:
    unit = normalised(points * size)
    assert np.abs(unit.points - normalised(points).points).max() < 1e-6
    assert unit.scale == pytest.approx(size * normalised(points).scale, rel=1e-12)


def test_place_changes_nothing_for_millimetres_in_utm(points: np.ndarray) -> None:
    small = points * 0.01  # a few centimetres across
    assert np.abs(normalised(small + UTM).points - normalised(small).points).max() < 1e-6


def test_order_changes_nothing(points: np.ndarray) -> None:
    order = RNG.permutation(len(points))
    assert np.abs(normalised(points[order] + UTM).points - normalised(points + UTM).points[order]).max() < 1e-7


@pytest.mark.parametrize("count", [1, 5])
def test_equal_points_are_all_at_the_centre(count: int) -> None:
    unit = normalised(np.tile(UTM, (count, 1)))
    assert np.array_equal(unit.points, np.zeros((count, 3)))
    assert unit.scale == 1
    assert unit.centre == pytest.approx(UTM, abs=0)
    assert sampled(unit.points, 7).max() < count


@pytest.mark.parametrize("count", [1, 700, 3000, 4000])
def test_a_sample_does_not_depend_on_order_place_and_size(points: np.ndarray, count: int) -> None:
    expected = places(points, count)
    order = RNG.permutation(len(points))
    assert np.abs(places(points[order], count) - expected).max() < 1e-6
    assert np.abs(places(3.7 * points[order] + UTM, count) - expected).max() < 1e-6


def test_a_sample_of_many_points_does_not_depend_on_them_either(many: np.ndarray) -> None:
    expected = places(many, 512)
    assert np.abs(places(3.7 * many[RNG.permutation(len(many))] + UTM, 512) - expected).max() < 1e-6


def test_few_points_are_all_taken_about_equally_often() -> None:
    times = np.bincount(sampled(normalised(RNG.normal(size=(7, 3))).points, 24), minlength=7)
    assert set(times) == {3, 4}


def test_a_sample_of_all_points_is_all_points(points: np.ndarray) -> None:
    assert np.array_equal(np.sort(sampled(normalised(points).points, 3000)), np.arange(3000))


def test_a_sample_of_many_points_is_even(many: np.ndarray) -> None:
    unit = normalised(many).points
    chosen = unit[sampled(unit, 1024)]
    apart = cKDTree(chosen).query(chosen, 2)[0][:, 1]
    # No two are nearer than what is left uncovered, as with a choice among all points: here to a cube's diagonal.
    uncovered = cKDTree(chosen).query(unit)[0].max()
    assert len(np.unique(chosen, axis=0)) == 1024
    assert uncovered < apart.min() + 2 * np.sqrt(3) / 64


def test_many_points_in_few_places_are_still_sampled() -> None:
    rows = np.repeat(RNG.normal(size=(3, 3)), clouds.DIRECT, axis=0)
    unit = normalised(rows).points
    chosen = unit[sampled(unit, 10)]
    assert len(np.unique(chosen, axis=0)) == 3


def test_a_million_points_are_sampled_in_a_second_or_two() -> None:
    unit = np.random.default_rng(0).random((1_000_000, 3), np.float32) - 0.5
    sampled(unit[: clouds.DIRECT + 1], 1024)  # compiled before
    start = time.process_time()
    sampled(unit, 1024)
    assert time.process_time() - start < 2
