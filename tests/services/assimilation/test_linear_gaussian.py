"""Where all is linear and normal, every method is the Kalman filter."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import sparse
from scipy.linalg import helmert

from tellurion_assimilation.methods import build
from tellurion_assimilation.methods.gaussian import Gaussian
from tellurion_assimilation.methods.var3d import DenseErrors, Var3D
from tellurion_assimilation.observations import Observations

CLOSE = {"rtol": 1e-8, "atol": 1e-8}


@dataclass(frozen=True)
class Problem:
    """N(background, b), and observations of it."""

    background: np.ndarray
    b: np.ndarray
    observations: Observations

    @classmethod
    def of(cls, n, p, seed):
        rng = np.random.default_rng(seed)
        root = rng.standard_normal((n, n))
        b = root @ root.T + 0.1 * np.eye(n)
        h = sparse.csr_array(rng.standard_normal((p, n)))
        observations = Observations(rng.standard_normal(p), rng.uniform(0.3, 2, p), h)
        return cls(rng.standard_normal(n), b, observations)

    def kalman(self):
        """Mean and covariance in information form, which shares no formula with the methods."""
        h, precision = self.observations.operator.toarray(), self.observations.errors**-2
        covariance = np.linalg.inv(np.linalg.inv(self.b) + h.T @ (precision[:, None] * h))
        information = np.linalg.solve(self.b, self.background) + h.T @ (precision * self.observations.values)
        return covariance @ information, covariance

    def ensemble(self, count):
        """Members whose mean and covariance are exactly the background's; count > n."""
        n = len(self.b)
        frame = helmert(count)[:n].T  # [count, n], orthonormal columns that sum to zero
        return self.background + np.sqrt(count - 1) * frame @ np.linalg.cholesky(self.b).T


problems = st.builds(Problem.of, st.integers(1, 8), st.integers(1, 10), st.integers(0, 2**32 - 1))


@settings(deadline=None)
@given(problems)
def test_a_gaussian_is_updated_by_the_kalman_filter(problem):
    mean, covariance = problem.kalman()
    found = Gaussian(problem.background, problem.b).updated(problem.observations)
    np.testing.assert_allclose(found.mean, mean, **CLOSE)
    np.testing.assert_allclose(found.covariance, covariance, **CLOSE)


@settings(deadline=None)
@given(problems)
def test_3dvar_is_the_kalman_filter(problem):
    mean, covariance = problem.kalman()
    method = Var3D(DenseErrors(problem.b))
    np.testing.assert_allclose(method.analyse(problem.background, problem.observations), mean, **CLOSE)
    found = method.assimilate(Gaussian(problem.background, problem.b), problem.observations, np.random.default_rng(0))
    np.testing.assert_allclose(found.mean, mean, **CLOSE)
    np.testing.assert_allclose(found.covariance, covariance, **CLOSE)


@settings(deadline=None)
@given(problems, st.integers(1, 5), st.booleans())
def test_the_etkf_of_an_exact_ensemble_is_the_kalman_filter(problem, more, rotate):
    mean, covariance = problem.kalman()
    ensemble = problem.ensemble(len(problem.b) + more)
    rng = np.random.default_rng(0)
    analysis = build("etkf", {"rotate": rotate}).assimilate(ensemble, problem.observations, rng)
    np.testing.assert_allclose(analysis.mean(axis=0), mean, **CLOSE)
    np.testing.assert_allclose(np.cov(analysis.T), covariance, **CLOSE)


@settings(deadline=None)
@given(problems, st.integers(1, 5), st.sampled_from(["enkf", "denkf"]), st.floats(0.5, 2))
def test_the_mean_of_the_others_is_the_kalman_filters(problem, more, method, inflation):
    ensemble = problem.ensemble(len(problem.b) + more)
    rng = np.random.default_rng(0)
    analysis = build(method, {"inflation": inflation, "rotate": True}).assimilate(ensemble, problem.observations, rng)
    np.testing.assert_allclose(analysis.mean(axis=0), problem.kalman()[0], **CLOSE)


def test_the_denkf_has_half_the_gain_in_its_anomalies():
    problem = Problem.of(4, 3, 0)
    ensemble = problem.ensemble(6)
    analysis = build("denkf", {}).assimilate(ensemble, problem.observations, np.random.default_rng(0))
    h, r = problem.observations.operator.toarray(), np.diag(problem.observations.errors**2)
    kept = np.eye(4) - 0.5 * problem.b @ h.T @ np.linalg.inv(h @ problem.b @ h.T + r) @ h
    np.testing.assert_allclose(np.cov(analysis.T), kept @ problem.b @ kept.T, **CLOSE)


def test_perturbed_observations_give_the_kalman_filters_covariance_in_the_limit():
    problem = Problem.of(3, 2, 1)
    _, covariance = problem.kalman()
    rng = np.random.default_rng(2)
    means = []
    for _ in range(400):
        analysis = build("enkf", {}).assimilate(problem.ensemble(200), problem.observations, rng)
        means.append(np.cov(analysis.T))
    # of 400 times 200 members the standard error is about √(2/80 000) of a variance; 5 of them
    np.testing.assert_allclose(np.mean(means, axis=0), covariance, atol=0.025 * np.diag(covariance).max())


def test_draws_of_3dvar_have_the_kalman_filters_distribution():
    problem = Problem.of(3, 2, 3)
    mean, covariance = problem.kalman()
    count = 40_000
    rng = np.random.default_rng(4)
    draws = Var3D(DenseErrors(problem.b)).sample(problem.background, problem.observations, count, rng)
    deviation = np.sqrt(np.diag(covariance))
    assert np.abs((draws.mean(axis=0) - mean) / deviation).max() < 5 / np.sqrt(count)
    np.testing.assert_allclose(np.cov(draws.T), covariance, atol=5 * np.sqrt(2 / count) * deviation.max() ** 2)


@dataclass(frozen=True)
class Linear:
    """x ← M x."""

    matrix: np.ndarray
    name = "linear"
    dt = 0.5

    @property
    def size(self):
        return len(self.matrix)

    def forecast(self, states, steps):
        return states @ np.linalg.matrix_power(self.matrix, steps).T

    def tangent(self, state, perturbations, steps):
        return self.forecast(perturbations, steps)

    def start(self, rng):
        return rng.standard_normal(self.size)


def test_the_extended_filter_of_a_linear_system_is_the_kalman_filter():
    problem = Problem.of(4, 3, 5)
    m = np.random.default_rng(6).standard_normal((4, 4))
    forecast = build("extended_kf", {"inflation": 3.0}).forecast(Gaussian(problem.background, problem.b), Linear(m), 2)
    np.testing.assert_allclose(forecast.mean, m @ m @ problem.background, **CLOSE)
    np.testing.assert_allclose(forecast.covariance, 3 * m @ m @ problem.b @ (m @ m).T, **CLOSE)


def test_the_climate_is_the_background_whatever_the_analysis_was():
    problem, rng = Problem.of(4, 3, 7), np.random.default_rng(0)
    climate = Gaussian(problem.background, problem.b)
    for method, (mean, covariance) in {
        "climatology": (climate.mean, climate.covariance),
        "oi": problem.kalman(),
    }.items():
        method = build(method, {}, climate=climate)
        assert method.forecast(Gaussian(np.ones(4), np.eye(4)), Linear(np.eye(4)), 1) is climate
        analysis = method.assimilate(climate, problem.observations, rng)
        np.testing.assert_allclose(analysis.mean, mean, **CLOSE)
        np.testing.assert_allclose(analysis.covariance, covariance, **CLOSE)
