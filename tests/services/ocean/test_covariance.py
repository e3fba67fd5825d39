"""The covariance kernels agree with the formula, and the formula is a covariance."""

from __future__ import annotations

import numpy as np
import pytest

from tellurion_core.errors import Cancelled
from tellurion_ocean.covariance import covariance_matrix, covariance_product, positions


@pytest.fixture(scope="module")
def places() -> np.ndarray:
    rng = np.random.default_rng(3)
    latitude, longitude = np.degrees(np.arcsin(rng.uniform(-1, 1, 80))), rng.uniform(0, 360, 80)
    return positions(latitude, longitude, rng.uniform(0, 1000, 80), length_scale=6.0, depth_scale=4.0)


def test_one_length_scale_apart_along_any_great_circle_is_a_distance_of_nearly_one() -> None:
    equator = positions(np.zeros(2), np.array([359.0, 5.0]), np.zeros(2), length_scale=6.0, depth_scale=4.0)
    over_the_pole = positions(np.full(2, 87.0), np.array([0.0, 180.0]), np.zeros(2), length_scale=6.0, depth_scale=4.0)
    chord = 2 * np.sin(np.radians(3)) / np.radians(6)
    assert np.linalg.norm(equator[0] - equator[1]) == pytest.approx(chord, rel=1e-12)
    assert np.linalg.norm(over_the_pole[0] - over_the_pole[1]) == pytest.approx(chord, rel=1e-12)


def test_the_vertical_distance_is_the_difference_of_roots_of_depth() -> None:
    column = positions(np.zeros(2), np.zeros(2), np.array([100.0, 900.0]), length_scale=6.0, depth_scale=4.0)
    assert np.linalg.norm(column[0] - column[1]) == pytest.approx((30 - 10) / 4)


def test_the_matrix_agrees_with_the_formula(places, matern) -> None:
    np.testing.assert_allclose(covariance_matrix(places), matern(places, places), rtol=1e-12, atol=1e-15)


def test_the_matrix_is_symmetric_and_positive_definite(places) -> None:
    matrix = covariance_matrix(places)
    np.testing.assert_array_equal(matrix, matrix.T)
    np.testing.assert_array_equal(np.diag(matrix), 1.0)
    assert np.linalg.eigvalsh(matrix).min() > 0


@pytest.mark.parametrize(("precision", "tolerance"), [(np.float64, 1e-7), (np.float32, 2e-5)])
def test_the_product_agrees_with_the_formula_at_every_distance(places, matern, precision, tolerance) -> None:
    targets = np.vstack([places[:10], places[:10] + 1e-3, 3 * places[:10]])
    weights = np.random.default_rng(1).normal(size=(len(places), 5))
    product = covariance_product(targets, places, weights, precision=precision)
    np.testing.assert_allclose(product, matern(targets, places) @ weights, atol=tolerance)


def test_far_apart_nothing_overflows() -> None:
    ends = positions(np.array([-90.0, 90.0]), np.zeros(2), np.array([0.0, 5000.0]), length_scale=0.2, depth_scale=0.5)
    product = covariance_product(ends[:1], ends[1:], np.ones((1, 1)))
    np.testing.assert_array_equal(product, 0.0)


def test_a_cancelled_product_stops(places) -> None:
    with pytest.raises(Cancelled):
        covariance_product(places, places, np.ones((len(places), 1)), cancelled=lambda: True)
