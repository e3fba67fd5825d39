"""The methods are what the textbook says, on an ocean small enough to write the whole covariance down."""

from __future__ import annotations

import numpy as np
import pytest

from tellurion_ocean import eof_oi, gp, oi
from tellurion_ocean.calibration import amplitude
from tellurion_ocean.departures import departures

MONTH = 2
COUNT = 90


def textbook(prior, observations, cells, covariance):
    """Mean and standard deviation [P] in °C: x = c + P Hᵀ(H P Hᵀ + R)⁻¹(y − H c), with the whole P [P, P] in °C²."""
    representativeness = prior.hyperparameters.representativeness * prior.std[cells] ** 2
    r = np.diag(observations.uncertainty**2 + representativeness)
    gain = covariance[:, cells] @ np.linalg.inv(covariance[np.ix_(cells, cells)] + r)
    climatology = prior.climatology(MONTH)
    mean = climatology + gain @ (observations.temperature - climatology[cells])
    return mean, np.sqrt(np.diag(covariance - gain @ covariance[cells]))


def joint_covariance(prior, a, matern):
    residual = prior.hyperparameters.residual_variance * matern(prior.cell_positions, prior.cell_positions)
    return a * np.outer(prior.std, prior.std) * (residual + prior.modes @ prior.modes.T)


def test_oi_is_textbook_optimal_interpolation_when_every_observation_is_a_neighbour(small_prior, observe, matern):
    prior = small_prior(neighbours=COUNT, eof_count=0)
    observations, cells = observe(prior, MONTH, COUNT)
    a = amplitude(departures(prior, observations, MONTH), prior.hyperparameters, residual_variance=oi.VARIANCE)
    covariance = a * np.outer(prior.std, prior.std) * matern(prior.cell_positions, prior.cell_positions)
    mean, std = textbook(prior, observations, cells, covariance)
    analysis = oi.analyse(prior, observations, MONTH)
    np.testing.assert_allclose(analysis.mean[prior.wet], mean, atol=1e-9)
    np.testing.assert_allclose(analysis.std[prior.wet], std, atol=1e-9)


def test_gp_is_the_textbook_joint_analysis(small_prior, observe, matern):
    prior = small_prior(neighbours=COUNT)
    observations, cells = observe(prior, MONTH, COUNT)
    seen = departures(prior, observations, MONTH)
    a = amplitude(seen, prior.hyperparameters, residual_variance=prior.hyperparameters.residual_variance)
    mean, std = textbook(prior, observations, cells, joint_covariance(prior, a, matern))
    analysis = gp.analyse(prior, observations, MONTH, precision=np.float64)
    np.testing.assert_allclose(analysis.mean[prior.wet], mean, atol=1e-6)
    np.testing.assert_allclose(analysis.std[prior.wet], std, atol=1e-6)


def test_gp_in_single_precision_stays_within_a_thousandth_of_a_degree(small_prior, observe):
    prior = small_prior()
    observations, _ = observe(prior, MONTH, COUNT)
    single = gp.analyse(prior, observations, MONTH)
    double = gp.analyse(prior, observations, MONTH, precision=np.float64)
    np.testing.assert_allclose(single.mean[prior.wet], double.mean[prior.wet], atol=1e-3)


def test_the_std_of_gp_from_near_observations_is_an_upper_bound_within_five_percent(small_prior, observe, monkeypatch):
    # calibration predicts from the nearest observations too: a fixed amplitude lets only the analysis error differ
    monkeypatch.setattr(gp, "amplitude", lambda *seen, **options: 1.0)
    count = 400
    observations, _ = observe(small_prior(), MONTH, count)
    near, whole = (
        gp.analyse(prior, observations, MONTH).std[prior.wet]
        for prior in (small_prior(neighbours=32), small_prior(neighbours=count))
    )
    assert (near / whole).min() > 1 - 1e-4
    assert np.mean(near**2) == pytest.approx(np.mean(whole**2), rel=0.05)


@pytest.mark.parametrize("method", [oi, eof_oi, gp])
def test_no_cell_is_less_certain_than_before_the_observations(small_prior, observe, method):
    prior = small_prior(neighbours=COUNT)
    observations, _ = observe(prior, MONTH, COUNT)
    residual = oi.VARIANCE if method is oi else prior.hyperparameters.residual_variance
    seen = departures(prior, observations, MONTH)
    if method is oi:
        prior = small_prior(neighbours=COUNT, eof_count=0)
        seen = departures(prior, observations, MONTH)
    a = amplitude(seen, prior.hyperparameters, residual_variance=residual)
    before = prior.std * np.sqrt(a * (residual + np.sum(prior.modes**2, axis=1)))
    after = method.analyse(prior, observations, MONTH).std[prior.wet]
    assert np.all(after <= before * (1 + 1e-9))
    assert after.mean() < 0.95 * before.mean()


@pytest.mark.parametrize("method", [oi, eof_oi, gp])
def test_an_exact_observation_is_reproduced(small_prior, observe, method):
    prior = small_prior(representativeness=1e-9)
    observations, cells = observe(prior, MONTH, COUNT, uncertainty=0.0)
    analysis = method.analyse(prior, observations, MONTH)
    np.testing.assert_allclose(analysis.mean[prior.wet][cells], observations.temperature, atol=2e-3)
    assert analysis.std[prior.wet][cells].max() < 5e-3
