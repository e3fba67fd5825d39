"""Members are draws from what the method states: their mean and spread are its own, and each has its own seed."""

from __future__ import annotations

import numpy as np
import pytest

from tellurion_ocean import climatology, eof_oi, gp, hybrid, oi
from tellurion_ocean.departures import departures
from tellurion_ocean.methods import METHODS, analyse
from tellurion_ocean.samples import WAVES, draw, sum_of_waves

MONTH = 8


@pytest.fixture(scope="module")
def case(small_prior, observe):
    prior = small_prior()
    return prior, observe(prior, MONTH, 120)[0]


@pytest.mark.parametrize("method", [climatology, oi, eof_oi, gp, hybrid])
def test_many_members_have_the_mean_and_the_variance_that_the_method_states(case, method):
    prior, observations = case
    count = 1200
    analysis = method.analyse(prior, observations, MONTH, members=count, seed=5)
    members = analysis.members[:, prior.wet].astype(np.float64)
    mean, std = analysis.mean[prior.wet], analysis.std[prior.wet]
    z = (members.mean(axis=0) - mean) / (members.std(axis=0, ddof=1) / np.sqrt(count))
    assert np.mean(z**2) == pytest.approx(1.0, abs=0.5)  # cells are correlated, so the mean square strays
    assert np.mean(members.var(axis=0, ddof=1)) == pytest.approx(np.mean(std**2), rel=0.1)


@pytest.mark.parametrize("method", METHODS)
def test_a_member_does_not_depend_on_how_many_are_asked_for(case, learned, method):
    prior, observations = case
    one, four = (analyse(method, prior, observations, MONTH, members=k, seed=3, **learned(method)) for k in (1, 4))
    np.testing.assert_allclose(one.members[0], four.members[0], atol=2e-5)
    if method != "reconmost":  # its mean is that of the members
        np.testing.assert_allclose(one.mean, four.mean, atol=1e-5)


def test_the_same_seed_gives_the_same_members_and_another_seed_others(case):
    prior, observations = case
    first, again, other = (eof_oi.analyse(prior, observations, MONTH, members=2, seed=s).members for s in (1, 1, 2))
    np.testing.assert_array_equal(first, again)
    assert np.nanmax(np.abs(first - other)) > 0.1
    assert np.nanmax(np.abs(first[0] - first[1])) > 0.1


def test_draws_from_the_prior_have_its_covariance(case, matern):
    prior, observations = case
    count = 1500
    draws = draw(prior, departures(prior, observations, MONTH), range(count), 11, amplitude=2.0, residual_variance=0.7)
    cells = np.arange(0, len(prior.std), 9)
    expected = 2 * (0.7 * matern(prior.cell_positions[cells], prior.cell_positions[cells]))
    expected += 2 * prior.modes[cells] @ prior.modes[cells].T
    found = np.cov(draws.at_cells[cells])
    # 1500 draws and 1024 waves each leave an error of about variance / √1000 in an entry
    assert np.sqrt(np.mean((found - expected) ** 2)) < 2 * np.mean(np.diag(expected)) / np.sqrt(1000)


def test_the_fast_waves_agree_with_cosine_and_sine():
    rng = np.random.default_rng(2)
    positions, frequencies = rng.normal(size=(50, 4)), rng.normal(size=(4, WAVES)) * 30
    weights = rng.normal(size=(2 * WAVES, 3)) / np.sqrt(WAVES)
    phase = positions @ frequencies
    expected = np.hstack([np.cos(phase), np.sin(phase)]) @ weights
    np.testing.assert_allclose(sum_of_waves(positions, frequencies, weights), expected, atol=2e-3)
