"""What is fitted to the training months: harmonics, left-out errors, EOFs, and the same on another grid."""

from __future__ import annotations

import numpy as np
import pytest

from tellurion_geo import Grid
from tellurion_ocean.atlas import EVALUATION_MONTHS, evaluation_atlas, training_atlas
from tellurion_ocean.eofs import eofs
from tellurion_ocean.harmonics import fit_harmonics, harmonic_design
from tellurion_ocean.prior import Hyperparameters, Prior

MONTHS = (1, 3, 4, 5, 6, 7, 9, 10, 11, 12)


def test_a_year_of_two_harmonics_is_found_again_without_a_ridge():
    truth = np.random.default_rng(0).normal(size=(5, 7))
    values = harmonic_design(MONTHS, 2) @ truth
    coefficients, left_out = fit_harmonics(values, MONTHS, 2, ridge=0.0)
    np.testing.assert_allclose(coefficients, truth, atol=1e-12)
    np.testing.assert_allclose(left_out, 0.0, atol=1e-11)


def test_the_left_out_residual_is_that_of_a_fit_without_the_month():
    values = np.random.default_rng(1).normal(size=(10, 4))
    _, left_out = fit_harmonics(values, MONTHS, 2, ridge=3.0)
    for i in range(10):
        others = [j for j in range(10) if j != i]
        coefficients, _ = fit_harmonics(values[others], [MONTHS[j] for j in others], 2, ridge=3.0)
        predicted = (harmonic_design([MONTHS[i]], 2) @ coefficients)[0]
        np.testing.assert_allclose(left_out[i], values[i] - predicted, atol=1e-10)


def test_eofs_are_those_of_the_singular_value_decomposition():
    anomalies = np.random.default_rng(2).normal(size=(6, 40))
    _, power, patterns = np.linalg.svd(anomalies, full_matrices=False)
    found = eofs(anomalies, 3)
    expected = patterns[:3].T * power[:3] / np.sqrt(6)
    np.testing.assert_allclose(np.abs(found), np.abs(expected), atol=1e-12)


def test_no_more_eofs_are_found_than_there_are():
    two = np.outer([1, -1, 0], np.arange(5.0)) + np.outer([0, 1, -1], np.ones(5))
    assert eofs(two, 9).shape == (5, 2)


def test_a_prior_on_its_own_grid_is_itself(small_prior):
    prior = small_prior()
    same = prior.on_grid(prior.grid)
    np.testing.assert_array_equal(same.wet, prior.wet)
    np.testing.assert_allclose(same.climatology(2), prior.climatology(2), atol=1e-12)
    np.testing.assert_allclose(same.modes, prior.modes, atol=1e-12)


def test_a_prior_on_a_finer_grid_stays_between_its_neighbours(small_prior):
    prior = small_prior()
    finer = Grid(depth=np.array([0.0, 15.0, 30.0]), lat=np.arange(-20.0, 21.0, 2.0), lon=np.arange(0.0, 360.0, 5.0))
    fine = prior.on_grid(finer)
    assert fine.climatology(6).min() >= prior.climatology(6).min() - 1e-9
    assert fine.climatology(6).max() <= prior.climatology(6).max() + 1e-9
    assert fine.wet.mean() == pytest.approx(prior.wet[:2].mean(), abs=0.03)


def test_the_training_file_does_not_hold_the_evaluation_months():
    assert not set(training_atlas().months) & set(EVALUATION_MONTHS)
    assert evaluation_atlas().months == EVALUATION_MONTHS


def test_the_atlas_is_the_ocean():
    atlas = training_atlas()
    assert atlas.grid.shape == (19, 90, 180)
    assert np.isfinite(atlas.temperature[:, 0]).mean() == pytest.approx(0.65, abs=0.01)
    assert -3.5 < np.nanmin(atlas.temperature) < -1.5
    assert 28 < np.nanmax(atlas.temperature) < 35
    equator, pole = np.abs(atlas.grid.lat) < 5, atlas.grid.lat > 80
    assert np.nanmean(atlas.temperature[:, 0, equator]) > 25 > 0 > np.nanmean(atlas.temperature[:, 0, pole])


def test_the_prior_of_the_atlas_has_nine_eofs_over_its_whole_ocean():
    atlas = training_atlas()
    prior = Prior.fit(atlas.temperature, atlas.months, atlas.grid, Hyperparameters.shipped())
    assert prior.modes.shape == (186_582, 9)
