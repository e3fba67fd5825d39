import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from scipy import sparse

from tellurion_assimilation.localization import EARTH_RADIUS, HALF_WIDTH, Circle, Sphere, gaspari_cohn
from tellurion_assimilation.methods.letkf import LETKF
from tellurion_assimilation.methods.local_analysis import WORTH_ALL_CORES
from tellurion_assimilation.observations import Observations
from tellurion_core.errors import InvalidInput

Array = NDArray[np.float64]


def etkf(x: Array, y: Array, innovation: Array, precision: Array) -> Array:
    """Hunt, Kostelich and Szunyogh (2007), eqs. 20, 21, 23–25, for states x [N, …] seen as y [N, p]."""
    n = len(x)
    anomalies, seen = x - x.mean(axis=0), (y - y.mean(axis=0)).T
    values, basis = np.linalg.eigh((n - 1) * np.eye(n) + seen.T @ (precision[:, None] * seen))
    p = basis @ np.diag(1 / values) @ basis.T
    mean_weights = p @ seen.T @ (precision * innovation)
    weights = basis @ np.diag(np.sqrt((n - 1) / values)) @ basis.T + mean_weights[:, None]
    return x.mean(axis=0) + weights.T @ anomalies


def point_by_point(ensemble: Array, observations: Observations, tapers: Array) -> Array:
    """The LETKF for tapers [M, p], one grid point after the other."""
    members, points = len(ensemble), len(tapers)
    background = ensemble.reshape(members, -1, points)
    y = observations.of(ensemble)
    innovation = observations.values - y.mean(axis=0)
    columns = [etkf(background[..., g], y, innovation, tapers[g] / observations.errors**2) for g in range(points)]
    return np.stack(columns, axis=-1).reshape(members, -1)


def round_a_circle(points: int, at: Array, radius: float) -> Array:
    apart = abs(np.arange(points)[:, None] - at[:, 0])
    return gaspari_cohn(np.minimum(apart, points - apart) / (HALF_WIDTH * radius))


def somewhere(rng: np.random.Generator, count: int, n: int, at: Array) -> Observations:
    """Observations of a few variables each."""
    h = sparse.random_array((count, n), density=min(1.0, 3 / n), rng=rng, data_sampler=rng.standard_normal)
    return Observations(rng.standard_normal(count), rng.uniform(0.3, 2, count), h.tocsr(), at)


def each_variable(rng: np.random.Generator, n: int, error: float = 1.0) -> Observations:
    at = np.arange(n, dtype=float)[:, None]
    return Observations(rng.standard_normal(n), np.full(n, error), sparse.eye_array(n, format="csr"), at)


@settings(max_examples=50, deadline=None)
@given(
    st.integers(0, 2**32 - 1),
    st.integers(2, 24),
    st.integers(1, 40) | st.just(WORTH_ALL_CORES),
    st.integers(1, 3),
    st.integers(1, 40),
    st.floats(0.2, 20) | st.just(np.inf),
)
def test_each_grid_point_has_the_analysis_of_its_own_observations(seed, members, points, channels, count, radius):
    rng = np.random.default_rng(seed)
    ensemble = rng.standard_normal((members, channels * points)) + 5 * rng.standard_normal(channels * points)
    observations = somewhere(rng, count, channels * points, rng.uniform(0, points, (count, 1)))
    analysis = LETKF(domain=Circle(points), radius=radius).assimilate(ensemble, observations, rng)
    expected = point_by_point(ensemble, observations, round_a_circle(points, observations.positions, radius))
    np.testing.assert_allclose(analysis, expected, rtol=0, atol=1e-10)


def test_columns_of_the_atmosphere_are_analysed_with_one_set_of_weights_each():
    rng = np.random.default_rng(1)
    latitude, longitude = (a.ravel() for a in np.meshgrid([-80.0, -20, 40], np.arange(0.0, 360, 30), indexing="ij"))
    at = np.stack([rng.uniform(-90, 90, 25), rng.uniform(-180, 360, 25)], axis=1)
    ensemble = rng.standard_normal((8, 4 * 36))
    observations = somewhere(rng, 25, 4 * 36, at)
    analysis = LETKF(domain=Sphere(latitude, longitude), radius=2000).assimilate(ensemble, observations, rng)
    a, b, turn = np.radians(latitude)[:, None], np.radians(at[:, 0]), np.radians(longitude[:, None] - at[:, 1])
    arc = np.arccos(np.clip(np.sin(a) * np.sin(b) + np.cos(a) * np.cos(b) * np.cos(turn), -1, 1))
    expected = point_by_point(ensemble, observations, gaspari_cohn(EARTH_RADIUS * arc / (HALF_WIDTH * 2000)))
    np.testing.assert_allclose(analysis, expected, rtol=0, atol=1e-10)


def test_with_an_infinite_radius_it_is_the_etkf_whose_mean_and_covariance_are_those_of_kalman():
    rng = np.random.default_rng(2)
    ensemble = rng.standard_normal((9, 5)) @ rng.standard_normal((5, 5))
    observations = somewhere(rng, 4, 5, np.zeros((4, 1)))
    analysis = LETKF(domain=Circle(5), radius=np.inf).assimilate(ensemble, observations, rng)

    y = observations.of(ensemble)
    globally = etkf(ensemble, y, observations.values - y.mean(axis=0), observations.errors**-2.0)
    np.testing.assert_allclose(analysis, globally, atol=1e-11)
    p, h = np.cov(ensemble.T), observations.operator.toarray()
    gain = p @ h.T @ np.linalg.inv(h @ p @ h.T + np.diag(observations.errors**2))
    mean = ensemble.mean(axis=0)
    np.testing.assert_allclose(analysis.mean(axis=0), mean + gain @ (observations.values - h @ mean), atol=1e-11)
    np.testing.assert_allclose(np.cov(analysis.T), p - gain @ h @ p, atol=1e-11)


def test_the_order_of_observations_does_not_matter():
    rng = np.random.default_rng(3)
    ensemble, given_first = rng.standard_normal((7, 60)), somewhere(rng, 50, 60, rng.uniform(0, 60, (50, 1)))
    order = rng.permutation(50)
    columns = (given_first.values, given_first.errors, given_first.operator, given_first.positions)
    then = Observations(*(column[order] for column in columns))
    one, other = (LETKF(domain=Circle(60), radius=5).assimilate(ensemble, o, rng) for o in (given_first, then))
    np.testing.assert_allclose(one, other, rtol=0, atol=1e-12)


def test_a_variable_that_follows_another_at_its_grid_point_still_follows_it_after_the_analysis():
    rng = np.random.default_rng(4)
    seen = rng.standard_normal((6, 20))
    ensemble = np.concatenate([seen, 5 - 3 * seen], axis=1)
    at = np.arange(20.0)[:, None]
    observations = Observations(np.ones(20), np.ones(20), sparse.eye_array(20, 40, format="csr"), at)
    analysis = LETKF(domain=Circle(20), radius=3, inflation=1.1).assimilate(ensemble, observations, rng)
    np.testing.assert_allclose(analysis[:, 20:], 5 - 3 * analysis[:, :20], atol=1e-12)


def test_where_nothing_is_observed_the_background_stays_but_for_inflation():
    rng = np.random.default_rng(5)
    ensemble = rng.standard_normal((6, 40))
    one = Observations(np.ones(1), np.ones(1), sparse.eye_array(1, 40, format="csr"), np.zeros((1, 1)))
    analysis = LETKF(domain=Circle(40), radius=2, inflation=1.5).assimilate(ensemble, one, rng)
    far, mean = slice(8, 33), ensemble.mean(axis=0)  # 3.64 radii from 0
    np.testing.assert_allclose(analysis[:, far], (mean + 1.5 * (ensemble - mean))[:, far], atol=1e-14)
    assert np.all(analysis[:, 7] != (mean + 1.5 * (ensemble - mean))[:, 7])


def test_without_observations_the_background_is_returned():
    rng = np.random.default_rng(6)
    ensemble = rng.standard_normal((6, 40))
    none = Observations(np.empty(0), np.empty(0), sparse.csr_array((0, 40)), np.empty((0, 1)))
    np.testing.assert_array_equal(
        LETKF(domain=Circle(40), radius=2, inflation=1.5, rotate=True).assimilate(ensemble, none, rng), ensemble
    )


def test_inflation_multiplies_the_anomalies_after_the_analysis():
    rng = np.random.default_rng(7)
    ensemble, observations = rng.standard_normal((6, 30)), each_variable(rng, 30)
    bare, inflated = (
        LETKF(domain=Circle(30), radius=4, inflation=i).assimilate(ensemble, observations, rng) for i in (1.0, 1.3)
    )
    mean = bare.mean(axis=0)
    np.testing.assert_allclose(inflated, mean + 1.3 * (bare - mean), atol=1e-13)


def test_rotation_changes_the_members_but_neither_their_mean_nor_their_covariance():
    rng = np.random.default_rng(8)
    ensemble, observations = rng.standard_normal((6, 30)), each_variable(rng, 30)
    still, turned = (
        LETKF(domain=Circle(30), radius=4, rotate=r).assimilate(ensemble, observations, rng) for r in (False, True)
    )
    assert abs(still - turned).max() > 0.1
    np.testing.assert_allclose(turned.mean(axis=0), still.mean(axis=0), atol=1e-13)
    np.testing.assert_allclose(np.cov(turned.T), np.cov(still.T), atol=1e-13)


def test_a_network_that_stays_is_searched_once_and_another_is_noticed():
    rng = np.random.default_rng(9)
    ensemble, observations = rng.standard_normal((6, 30)), each_variable(rng, 30)
    moved = somewhere(rng, 30, 30, rng.uniform(0, 30, (30, 1)))
    searching = LETKF(domain=Circle(30), radius=4)
    fixed = searching.fixed(observations.positions)
    for seen in (observations, moved):
        np.testing.assert_array_equal(fixed.assimilate(ensemble, seen, rng), searching.assimilate(ensemble, seen, rng))


def test_the_background_is_left_as_it_is():
    rng = np.random.default_rng(10)
    ensemble, observations = rng.standard_normal((6, 30)), each_variable(rng, 30)
    before = ensemble.copy()
    LETKF(domain=Circle(30), radius=4, inflation=1.1, rotate=True).assimilate(ensemble, observations, rng)
    np.testing.assert_array_equal(ensemble, before)


def test_observations_far_more_accurate_than_the_background_are_met():
    rng = np.random.default_rng(11)
    ensemble = rng.standard_normal((6, 300))
    at = np.array([[5.0]])
    exact = Observations(np.array([0.7]), np.array([1e-6]), sparse.eye_array(1, 300, k=5, format="csr"), at)
    analysis = LETKF(domain=Circle(300), radius=3).assimilate(ensemble, exact, rng)
    np.testing.assert_allclose(analysis[:, 5], 0.7, atol=1e-5)


@pytest.mark.parametrize("error", [1e-9, 1e-160, 5e-324])
def test_errors_that_vanish_beside_the_spread_are_refused(error):
    rng = np.random.default_rng(12)
    with pytest.raises(InvalidInput, match=r"observations\.errors"):
        LETKF(domain=Circle(30), radius=4).assimilate(rng.standard_normal((6, 30)), each_variable(rng, 30, error), rng)


@pytest.mark.parametrize("radius", [0.0, -1.0, math.nan])
def test_the_radius_is_above_zero(radius):
    with pytest.raises(InvalidInput, match="localization"):
        LETKF(domain=Circle(30), radius=radius)


@pytest.mark.parametrize(
    ("ensemble", "domain", "field"),
    [
        (np.zeros((1, 30)), Circle(30), "members"),
        (np.zeros((5, 30)), Circle(7), "ensemble"),
        (np.zeros((5, 29)), Circle(29), "ensemble"),
        (np.full((5, 30), np.inf), Circle(30), r"ensemble\[0, 0\]"),
        (np.zeros((5, 30)), Sphere(np.zeros(30), np.zeros(30)), r"observations\.positions"),
    ],
)
def test_an_ensemble_that_cannot_be_is_refused(ensemble, domain, field):
    rng = np.random.default_rng(13)
    with pytest.raises(InvalidInput, match=field):
        LETKF(domain=domain, radius=4).assimilate(ensemble, each_variable(rng, 30), rng)
