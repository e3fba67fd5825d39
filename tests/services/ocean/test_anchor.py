"""The anchor is the linear update that its docstring states, and the exact one where that can be."""

from __future__ import annotations

import numpy as np
import pytest

from tellurion_core.errors import Cancelled
from tellurion_ocean import eof_oi, hybrid
from tellurion_ocean.anchor import Anchor
from tellurion_ocean.samples import draw

MONTH = 4
COUNT = 70


def residual_covariance(prior, amplitude, matern):
    """[P, P] of what the EOFs leave, in units of std²."""
    hyper, places = prior.hyperparameters, prior.cell_positions
    wide = places / hyper.localisation
    localised = matern(wide, wide) * (prior.patterns @ prior.patterns.T)
    share = hyper.pattern_share
    return amplitude * hyper.residual_variance * ((1 - share) * matern(places, places) + share * localised)


def anchor_of(prior, observe):
    observations, cells = observe(prior, MONTH, COUNT)
    share = prior.hyperparameters.pattern_share
    return Anchor.of(prior, observations, MONTH, pattern_share=share), observations, cells


@pytest.fixture(scope="module")
def misfits():
    return np.random.default_rng(0).normal(size=(COUNT, 3))


def test_the_gain_and_the_variance_are_those_of_a_ridge_fit_and_an_analysis_of_what_it_leaves(
    small_prior, observe, matern, misfits
):
    prior = small_prior(neighbours=COUNT)
    anchor, _, cells = anchor_of(prior, observe)
    a, r = anchor.amplitude, anchor.seen.error_variance
    residual = residual_covariance(prior, a, matern)
    f, inflated = prior.modes[cells], a * prior.hyperparameters.eof_fit_variance + r
    fit_error = np.linalg.inv(f.T @ np.diag(1 / inflated) @ f + np.eye(f.shape[1]) / a)
    fit = fit_error @ f.T @ np.diag(1 / inflated)
    local = residual[:, cells] @ np.linalg.inv(residual[np.ix_(cells, cells)] + np.diag(r))
    gain = prior.modes @ fit + local @ (np.eye(COUNT) - f @ fit)
    np.testing.assert_allclose(anchor.increment(misfits), gain @ misfits, atol=1e-5)
    unseen = prior.modes - local @ f
    variance = np.diag(residual - local @ residual[cells] + unseen @ fit_error @ unseen.T)
    np.testing.assert_allclose(anchor.variance, variance, atol=1e-5)


@pytest.mark.parametrize("share", [0.0, 0.4])
def test_without_eofs_and_with_every_observation_near_it_is_exact_optimal_interpolation(
    small_prior, observe, matern, misfits, share
):
    prior = small_prior(neighbours=COUNT, eof_count=0, pattern_share=share)
    anchor, _, cells = anchor_of(prior, observe)
    covariance = residual_covariance(prior, anchor.amplitude, matern)
    r = np.diag(anchor.seen.error_variance)
    gain = covariance[:, cells] @ np.linalg.inv(covariance[np.ix_(cells, cells)] + r)
    np.testing.assert_allclose(anchor.increment(misfits), gain @ misfits, atol=1e-5)
    np.testing.assert_allclose(anchor.variance, np.diag(covariance - gain @ covariance[cells]), atol=1e-9)


def test_hybrid_is_the_anchor_in_degrees(small_prior, observe):
    prior = small_prior()
    anchor, observations, _ = anchor_of(prior, observe)
    analysis = hybrid.analyse(prior, observations, MONTH, members=2, seed=3)
    values = anchor.seen.values[:, None]
    draws = anchor.draw(range(2), 3)
    members = draws.at_cells + anchor.increment(values - draws.observed)
    climatology = prior.climatology(MONTH)
    expected = climatology + prior.std * anchor.increment(values)[:, 0]
    np.testing.assert_allclose(analysis.mean[prior.wet], expected, atol=1e-5)
    np.testing.assert_allclose(analysis.std[prior.wet], prior.std * np.sqrt(anchor.variance), atol=1e-9)
    np.testing.assert_allclose(analysis.members[:, prior.wet], climatology + prior.std * members.T, atol=1e-5)


def test_hybrid_without_patterns_is_eof_oi(small_prior, observe):
    prior = small_prior(pattern_share=0.0)
    observations, _ = observe(prior, MONTH, COUNT)
    ours, theirs = (method.analyse(prior, observations, MONTH, members=2, seed=3) for method in (hybrid, eof_oi))
    for name in ("mean", "std", "members"):
        np.testing.assert_array_equal(getattr(ours, name), getattr(theirs, name))
    usual = hybrid.analyse(small_prior(), observations, MONTH)
    assert np.nanmax(np.abs(usual.mean - theirs.mean)) > 0.01


def test_a_draw_is_read_where_the_observations_are(small_prior, observe):
    prior = small_prior(representativeness=1e-9)
    anchor, _, cells = anchor_of(prior, lambda *given: observe(*given, uncertainty=0.0))
    draws = anchor.draw(range(4), 1)
    error = np.sqrt(anchor.seen.error_variance.max())
    np.testing.assert_allclose(draws.observed, draws.at_cells[cells], atol=5 * error + 1e-5)


def test_its_draws_are_of_its_own_covariance(small_prior, observe):
    """That of `samples.draw`, whose covariance is measured in its own tests, with this amplitude and these patterns."""
    prior = small_prior()
    anchor, _, _ = anchor_of(prior, observe)
    own = {"amplitude": anchor.amplitude, "residual_variance": 0.7, "pattern_share": 0.3}
    found, expected = anchor.draw([3, 7], 1), draw(prior, anchor.seen, [3, 7], 1, **own)
    np.testing.assert_array_equal(found.at_cells, expected.at_cells)
    np.testing.assert_array_equal(found.observed, expected.observed)


def test_progress_grows_to_one_and_a_cancelled_anchor_stops(small_prior, observe):
    prior = small_prior()
    observations, _ = observe(prior, MONTH, COUNT)
    told: list[float] = []
    Anchor.of(prior, observations, MONTH, pattern_share=0.3, progress=told.append)
    assert (told, told[-1]) == (sorted(told), 1.0)
    with pytest.raises(Cancelled):
        Anchor.of(prior, observations, MONTH, pattern_share=0.3, cancelled=lambda: True)
