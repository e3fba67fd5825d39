"""Clouds in the unit ball, and samples of them that do not depend on the order of the points."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.spatial import cKDTree

from tellurion_core.errors import InvalidInput
from tellurion_pointcloud import clouds
from tellurion_pointcloud.clouds import check_points, normalised, sampled


def sphere(count: int, seed: int = 0) -> np.ndarray:
    points = np.random.default_rng(seed).normal(size=(count, 3))
    return (points / np.linalg.norm(points, axis=1, keepdims=True)).astype(np.float32)


def places(points: np.ndarray, index: np.ndarray) -> np.ndarray:
    """The points of an index, in the order of x, y, z."""
    chosen = points[index]
    return chosen[np.lexsort(chosen.T)]


def test_a_cloud_is_brought_into_the_unit_ball_and_back() -> None:
    points = np.array([[100.0, 200, 300], [104, 200, 300], [100, 204, 300], [104, 204, 300]])
    ball = normalised(points)
    np.testing.assert_allclose(ball.centre, [102, 202, 300])
    assert ball.scale == pytest.approx(np.sqrt(8))
    assert np.linalg.norm(ball.points, axis=1).max() == pytest.approx(1)
    np.testing.assert_allclose(ball.points * ball.scale + ball.centre, points, atol=1e-5)


def test_place_and_size_are_forgotten() -> None:
    points = sphere(500).astype(np.float64) * [3, 2, 1]
    moved = points * 7.5 + [450_000, 5_300_000, 200]
    np.testing.assert_allclose(normalised(moved).points, normalised(points).points, atol=1e-6)


@pytest.mark.parametrize("size", [1e-300, 1e-3, 1e7])
def test_no_size_is_too_small_or_large(size: float) -> None:
    points = sphere(500).astype(np.float64) * [3, 2, 1]
    assert normalised(points * size).scale == pytest.approx(size * normalised(points).scale, rel=1e-12)
    np.testing.assert_allclose(normalised(points * size).points, normalised(points).points, atol=1e-6)


def test_centimetres_in_utm_are_what_they_are_anywhere() -> None:
    points = sphere(500).astype(np.float64) * 0.01
    moved = points + np.array([512_345.678, 5_412_345.678, 100])
    np.testing.assert_allclose(normalised(moved).points, normalised(points).points, atol=1e-6)


def test_the_centre_of_very_many_points_does_not_drift() -> None:
    # A running sum of two million numbers near 5 million is off by micrometres.
    points = np.random.default_rng(1).uniform(-0.01, 0.01, (1_000_000, 3))
    points = np.concatenate([points, -points]) + 5_412_345.678
    np.testing.assert_allclose(normalised(points).centre, 5_412_345.678, atol=1e-8, rtol=0)


@pytest.mark.parametrize("place", [0.0, 0.1, 5_300_000.7])
def test_points_that_are_all_one_stay_at_the_centre(place: float) -> None:
    ball = normalised(np.full((7, 3), place))
    assert (ball.points == 0).all()
    np.testing.assert_allclose(ball.centre, place)


@pytest.mark.parametrize(("count", "least"), [(3, 0), (7, 1), (10, 1), (25, 3)])
def test_too_few_points_are_repeated_evenly(count: int, least: int) -> None:
    times = np.bincount(sampled(sphere(7), count), minlength=7)
    assert times.sum() == count
    assert times.min() == least
    assert times.max() <= least + 1


@pytest.mark.parametrize("count", [5, 40, 64, 100])
def test_the_places_chosen_do_not_depend_on_the_order(count: int) -> None:
    points = sphere(64, seed=2)
    order = np.random.default_rng(3).permutation(64)
    one, other = (places(each, sampled(each, count)) for each in (points, points[order]))
    np.testing.assert_array_equal(one, other)


def test_of_very_many_points_the_sample_is_as_even_and_as_independent_of_the_order(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(clouds, "COMPARED", 2048)
    points = sphere(30_000, seed=4)
    points[:20_000] = points[:20_000] * [0.02, 0.02, 1]  # two thirds crowd together
    index = sampled(points, 256)
    assert len(np.unique(index)) == 256
    order = np.random.default_rng(5).permutation(len(points))
    np.testing.assert_array_equal(places(points, index), places(points[order], sampled(points[order], 256)))
    farthest, _ = cKDTree(points[index]).query(points)
    thinned, _ = cKDTree(points[sampled(points[20_000:], 256) + 20_000]).query(points[20_000:])
    assert farthest.max() < 1.5 * thinned.max()  # as well covered as without the crowd


@pytest.mark.parametrize("count", [1, 64, 500, 700])
def test_the_places_chosen_do_not_depend_on_place_and_size(count: int) -> None:
    points = sphere(500, seed=6).astype(np.float64) * [3, 2, 1]
    unit, moved = normalised(points).points, normalised(points * 3.7 + [512_345.678, 5_412_345.678, 100]).points
    np.testing.assert_allclose(places(unit, sampled(unit, count)), places(moved, sampled(moved, count)), atol=1e-6)


def test_points_on_a_line_are_not_thinned_below_what_is_asked_for(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(clouds, "COMPARED", 512)
    line = np.zeros((5000, 3), np.float32)
    line[:, 0] = np.linspace(-1, 1, 5000)
    chosen = np.sort(line[sampled(line, 400), 0])
    assert np.diff(chosen).max() < 4 * 2 / 400


def test_more_than_is_compared_may_be_asked_for_where_no_cells_come_near_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(clouds, "COMPARED", 1024)
    points = np.random.default_rng(7).normal(size=(4000, 3)).astype(np.float32) / 4
    assert len(np.unique(sampled(points, 1024))) == 1024


@pytest.mark.parametrize("value", [np.nan, np.inf, -1e30, 1.1e9])
def test_coordinates_that_cannot_be_are_refused(value: float) -> None:
    points = sphere(10).astype(np.float64)
    points[4, 2] = value
    with pytest.raises(InvalidInput, match=r"scan: received z = .* of point 4; accepted: finite coordinates"):
        check_points(points, "scan")
    with pytest.raises(InvalidInput, match="no points"):
        check_points(points[:0], "scan")
