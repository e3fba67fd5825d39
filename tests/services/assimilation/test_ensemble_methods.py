"""What holds for every ensemble filter, linear or not, and what each refuses."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import sparse
from scipy.optimize import minimize

from tellurion_assimilation.localization import Circle
from tellurion_assimilation.methods import METHODS, build, parameters
from tellurion_assimilation.methods.ensemble import EnsembleMethod, ensemble_gain, rotation
from tellurion_assimilation.methods.gaussian import SIZE_LIMIT, Gaussian
from tellurion_assimilation.methods.var3d import DenseErrors, Var3D, conjugate_gradients
from tellurion_assimilation.observations import Observations
from tellurion_core.errors import InvalidInput, ResourceExhausted

ENSEMBLE = ["enkf", "denkf", "etkf", "enkf_n", "letkf"]


def filter_(method, points=6, **options):
    radius = {"localization": 2.0} if method == "letkf" else {}
    return build(method, radius | options, domain=Circle(points))


def observing(rng, p, n):
    at = np.sort(rng.choice(n, p, replace=False))
    operator = sparse.csr_array((np.ones(p), at, np.arange(p + 1)), shape=(p, n))
    return Observations(rng.standard_normal(p), rng.uniform(0.3, 2, p), operator, at[:, None].astype(float))


@settings(deadline=None)
@given(st.integers(2, 30), st.integers(0, 2**32 - 1))
def test_a_rotation_is_orthogonal_and_keeps_the_mean(count, seed):
    omega = rotation(count, np.random.default_rng(seed))
    np.testing.assert_allclose(omega @ omega.T, np.eye(count), atol=1e-12)
    np.testing.assert_allclose(omega.sum(axis=1), 1, atol=1e-12)


def test_rotations_are_uniform():
    rng = np.random.default_rng(0)
    mean = np.mean([rotation(3, rng) for _ in range(4000)], axis=0)
    # Haar's mean is zero but for the direction that is kept; entries have a standard deviation below 0.6
    np.testing.assert_allclose(mean, 1 / 3, atol=5 * 0.6 / np.sqrt(4000))


@settings(deadline=None)
@given(
    st.sampled_from(["denkf", "etkf", "enkf_n", "letkf"]), st.floats(0.5, 3), st.booleans(), st.integers(0, 2**32 - 1)
)
def test_inflation_and_rotation_change_the_covariance_by_the_factor_alone(method, inflation, rotate, seed):
    rng = np.random.default_rng(seed)
    ensemble, observations = rng.standard_normal((5, 6)), observing(rng, 4, 6)
    plain = filter_(method).assimilate(ensemble, observations, rng)
    changed = filter_(method, inflation=inflation, rotate=rotate).assimilate(ensemble, observations, rng)
    np.testing.assert_allclose(changed.mean(axis=0), plain.mean(axis=0), atol=1e-10)
    np.testing.assert_allclose(np.cov(changed.T), inflation**2 * np.cov(plain.T), atol=1e-10)


@settings(deadline=None)
@given(st.sampled_from(["denkf", "etkf", "enkf_n", "letkf"]), st.integers(0, 2**32 - 1))
def test_members_keep_their_places(method, seed):
    rng = np.random.default_rng(seed)
    ensemble, observations, order = rng.standard_normal((5, 6)), observing(rng, 3, 6), rng.permutation(5)
    first = filter_(method).assimilate(ensemble, observations, rng)
    np.testing.assert_allclose(filter_(method).assimilate(ensemble[order], observations, rng), first[order], atol=1e-10)


@settings(deadline=None)
@given(st.integers(2, 8), st.integers(1, 12), st.integers(0, 2**32 - 1))
def test_the_gain_is_the_same_from_either_side(count, p, seed):
    s = np.random.default_rng(seed).standard_normal((count, p))
    s -= s.mean(axis=0)
    direct = np.linalg.inv(s @ s.T + (count - 1) * np.eye(count)) @ s
    np.testing.assert_allclose(ensemble_gain(s), direct, atol=1e-10)


@settings(deadline=None, max_examples=30)
@given(st.integers(3, 8), st.integers(1, 6), st.floats(0.5, 3), st.integers(0, 2**32 - 1))
def test_the_dual_of_the_enkf_n_gives_the_minimum_of_the_primal(count, p, distance, seed):
    """Bocquet et al. (2015), eq. 14: min ½‖d − Sᵀw‖² + ½(N − 1) c ln(ε + wᵀw), whatever ε and c are."""
    rng = np.random.default_rng(seed)
    s = rng.standard_normal((count, p))
    s -= s.mean(axis=0)
    d = distance * rng.standard_normal(p)
    method = build("enkf_n", {})
    epsilon, c = method._doubt(np.linalg.eigvalsh(s @ s.T))

    def primal(w):
        misfit = d - w @ s
        return misfit @ misfit / 2 + (count - 1) * c * np.log(epsilon + w @ w) / 2

    def slope(w):
        return (count - 1) * c * w / (epsilon + w @ w) - s @ (d - w @ s)

    w, _ = method.transform(s, d, rng)
    found = minimize(primal, w + 0.1 * rng.standard_normal(count), jac=slope, options={"gtol": 1e-10})
    np.testing.assert_allclose(slope(w), 0, atol=1e-6 * (1 + np.abs(s @ d).max()))
    assert primal(w) <= found.fun + 1e-8


@pytest.mark.parametrize("count", range(2, 12))
@pytest.mark.parametrize("p", [1, 4])
def test_the_enkf_n_leaves_members_that_do_not_differ_as_they_are(count, p):
    rng = np.random.default_rng(0)
    ensemble = np.tile(rng.standard_normal(6), (count, 1))
    analysis = filter_("enkf_n").assimilate(ensemble, observing(rng, p, 6), rng)
    np.testing.assert_allclose(analysis, ensemble, atol=1e-14)


@pytest.mark.parametrize("far", [1e160, 1e300])
def test_the_enkf_n_knows_no_inflation_for_what_is_too_far(far):
    rng = np.random.default_rng(0)
    ensemble, observations = rng.standard_normal((6, 4)), observing(rng, 4, 4)
    with np.errstate(over="ignore"), pytest.raises(FloatingPointError, match="no inflation"):
        filter_("enkf_n").assimilate(ensemble, observations.reading(far * np.ones(4)), rng)


def test_the_enkf_n_inflates_most_where_the_innovation_surprises():
    rng = np.random.default_rng(0)
    ensemble, observations = rng.standard_normal((6, 4)), observing(rng, 4, 4)
    spreads = [
        np.cov(filter_("enkf_n").assimilate(ensemble, observations.reading(far * np.ones(4)), rng).T).trace()
        for far in (0, 5, 50)
    ]
    assert spreads[0] < spreads[1] < spreads[2]


@pytest.mark.parametrize("method", ENSEMBLE)
def test_without_observations_the_background_comes_back(method):
    rng = np.random.default_rng(0)
    ensemble = rng.standard_normal((4, 6))
    analysis = filter_(method, inflation=2.0, rotate=True).assimilate(ensemble, observing(rng, 0, 6), rng)
    np.testing.assert_array_equal(analysis, ensemble)
    assert analysis is not ensemble


@pytest.mark.parametrize("method", ENSEMBLE)
def test_the_background_is_left_as_it_is(method):
    rng = np.random.default_rng(0)
    ensemble = rng.standard_normal((4, 6))
    before = ensemble.copy()
    filter_(method, inflation=2.0, rotate=True).assimilate(ensemble, observing(rng, 3, 6), rng)
    np.testing.assert_array_equal(ensemble, before)


@pytest.mark.parametrize("method", ENSEMBLE)
@pytest.mark.parametrize(
    ("ensemble", "message"),
    [
        (np.zeros((1, 6)), "members: received 1; accepted: at least 2"),
        (np.zeros((4, 5)), "ensemble: received shape"),
        (np.zeros(6), "ensemble: received shape"),
        (np.pad([[np.nan]], ((1, 2), (3, 2))), r"ensemble\[1, 3\]: received nan"),
        (np.broadcast_to(0.0, (2**20, 6)), "members: received 1048576, that take .* GiB; accepted: at most 4 GiB"),
    ],
)
def test_a_background_that_no_method_can_use_is_refused(method, ensemble, message):
    rng = np.random.default_rng(0)
    with pytest.raises(InvalidInput, match=message):
        filter_(method).assimilate(ensemble, observing(rng, 3, 6), rng)


@pytest.mark.parametrize(
    ("method", "options", "message"),
    [
        ("kalman", {}, "method: received kalman; accepted: one of climatology, oi, 3dvar, .*letkf"),
        ("etkf", {"localization": 4.0}, "localization: received 4.0; accepted: for method etkf: inflation, rotate"),
        ("climatology", {"inflation": 1.0}, "for method climatology: no parameter"),
        ("letkf", {}, "localization: received none; accepted: a value, for method letkf"),
        ("letkf", {"localization": -1.0}, "localization: received -1.0"),
        ("etkf", {"inflation": 0.0}, "inflation: received 0.0"),
        ("denkf", {"inflation": float("nan")}, "inflation: received nan"),
        ("extended_kf", {"inflation": -1.0}, "inflation: received -1.0"),
        ("enkf_n", {"certainty": 0.0}, "certainty: received 0.0"),
        ("3dvar", {"amplitude": float("inf")}, "amplitude: received inf"),
    ],
)
def test_what_is_no_method_is_refused_by_name(method, options, message):
    with pytest.raises(InvalidInput, match=message):
        build(method, options, climate=Gaussian(np.zeros(2), np.eye(2)), domain=Circle(2))


def test_every_ensemble_method_is_inflated_and_rotated():
    for method in METHODS:
        if method in ENSEMBLE:
            assert {"inflation", "rotate"} <= set(parameters(method))
            assert isinstance(filter_(method), EnsembleMethod)
        else:
            assert "rotate" not in parameters(method)


@pytest.mark.parametrize(
    ("b", "message"),
    [
        (np.ones((2, 2)), "background_errors: received least eigenvalue"),
        (np.zeros((2, 2)), "a positive definite matrix"),
        (-np.eye(2), "received least eigenvalue -1"),
        (np.array([[1.0, 0.5], [0.0, 1.0]]), "finite and symmetric"),
        (np.array([[1.0, np.nan], [np.nan, 1.0]]), "finite and symmetric"),
        (np.ones((2, 3)), r"received shape \(2, 3\)"),
    ],
)
def test_a_singular_covariance_of_background_errors_is_refused(b, message):
    with pytest.raises(InvalidInput, match=message):
        DenseErrors(b)


def test_3dvar_refuses_what_is_not_finite_and_returns_a_background_without_observations():
    rng = np.random.default_rng(0)
    method = Var3D(DenseErrors(np.eye(3)))
    background, none = rng.standard_normal(3), observing(rng, 0, 3)
    np.testing.assert_array_equal(method.analyse(background, none), background)
    with pytest.raises(InvalidInput, match=r"background\[1\]: received nan"):
        method.analyse(np.array([0.0, np.nan, 0.0]), none)
    with pytest.raises(InvalidInput, match="members: received 0"):
        method.sample(background, none, 0, rng)
    many = Observations(np.zeros(10**6), np.ones(10**6), sparse.csr_array((10**6, 3)))
    with pytest.raises(InvalidInput, match=r"members: received 200, that take 7\.4\d GiB; accepted: at most 4 GiB"):
        method.sample(background, many, 200, rng)


def test_3dvar_says_when_it_does_not_converge():
    wide = np.logspace(0, 30, 40)
    with pytest.raises(ResourceExhausted, match="not converged"):
        conjugate_gradients(lambda v: wide * v, np.ones((1, 40)))


@pytest.mark.parametrize("large", [1e160, np.inf, np.nan])
def test_3dvar_says_when_numbers_grow_too_large(large):
    with np.errstate(over="ignore"), pytest.raises(FloatingPointError, match="too many"):
        conjugate_gradients(lambda v: 2 * v, large * np.ones((1, 4)))


def test_a_state_too_large_for_its_covariance_is_refused_before_that_is_made():
    with pytest.raises(InvalidInput, match=f"received {SIZE_LIMIT + 1} variables"):
        Gaussian.of(np.broadcast_to(0.0, (2, SIZE_LIMIT + 1)))
