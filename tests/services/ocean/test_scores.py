"""The scores are what their definitions say."""

from __future__ import annotations

import numpy as np
import pytest

from tellurion_ocean import scores


@pytest.fixture(scope="module")
def errors():
    rng = np.random.default_rng(0)
    wet = rng.random((3, 8, 9)) < 0.7
    return rng.random((3, 8, 9)) ** 2, wet & (rng.random(wet.shape) < 0.2), wet


def test_the_masked_total_is_the_mean_over_the_ocean(errors):
    squared, observed, wet = errors
    split = scores.masked_error(np.where(wet, squared, np.nan), observed, wet)
    share = observed.sum() / wet.sum()
    assert split.total == share * split.guidance + (1 - share) * split.reconstruction
    assert split.total == pytest.approx(squared[wet].mean(), rel=1e-12)


def test_all_cells_over_masked_is_the_fraction_of_cells_selected(errors):
    squared, observed, wet = errors
    masked, every = scores.masked_error(squared, observed, wet), scores.all_cells_error(squared, observed, wet)
    assert every.guidance == masked.guidance * (observed.sum() / wet.size)
    assert every.reconstruction == masked.reconstruction * ((wet & ~observed).sum() / wet.size)
    zeroed = np.where(observed, squared, 0.0)
    assert every.guidance == pytest.approx(zeroed.mean(), rel=1e-12)
    share = observed.sum() / wet.sum()
    assert every.total == pytest.approx(share * every.guidance + (1 - share) * every.reconstruction, rel=1e-12)


def test_an_honest_ensemble_has_a_spread_skill_of_one():
    rng = np.random.default_rng(1)
    members, truth = rng.normal(size=(5, 200_000)), rng.normal(size=200_000)
    variance, error = members.var(axis=0, ddof=1), (members.mean(axis=0) - truth) ** 2
    assert scores.spread_skill(variance, error, members=5) == pytest.approx(1.0, abs=0.01)
    assert scores.ensemble_spread_skill(members, truth) == pytest.approx(1.0, abs=0.01)
    assert scores.spread_skill(np.ones(200_000), truth**2) == pytest.approx(1.0, abs=0.01)


def test_the_spread_of_members_is_measured_against_the_error_of_their_own_mean():
    members = np.array([[1.0, 0.0], [3.0, 6.0]])
    # variances 2 and 18, errors of the mean 3 and −1: √(3/2 · 10 / 5)
    assert scores.ensemble_spread_skill(members, np.array([-1.0, 4.0])) == pytest.approx(np.sqrt(3.0))
    assert np.isnan(scores.ensemble_spread_skill(members[:1], np.zeros(2)))


def test_the_fair_crps_does_not_depend_on_the_number_of_members():
    rng = np.random.default_rng(2)
    truth = rng.normal(size=200_000)
    few, many = (scores.fair_crps(rng.normal(size=(k, 200_000)), truth) for k in (2, 20))
    # of a standard normal forecast of a standard normal truth: 1 / √π
    assert few == pytest.approx(1 / np.sqrt(np.pi), abs=0.01)
    assert many == pytest.approx(1 / np.sqrt(np.pi), abs=0.01)


def test_the_fair_crps_is_its_definition():
    members, truth = np.array([[1.0], [2.0], [5.0]]), np.array([3.0])
    distance = (2 + 1 + 2) / 3
    pairs = 2 * (1 + 4 + 3)
    assert scores.fair_crps(members, truth) == pytest.approx(distance - pairs / (2 * 3 * 2))


def test_the_gaussian_crps_is_that_of_many_members():
    rng = np.random.default_rng(3)
    mean, std, truth = np.array([0.0, 1.0, -2.0]), np.array([1.0, 0.3, 2.0]), np.array([0.5, 1.0, 1.0])
    members = mean + std * rng.normal(size=(40_000, 3))
    assert scores.gaussian_crps(mean, std, truth) == pytest.approx(scores.fair_crps(members, truth), abs=0.01)


def test_the_gaussian_crps_of_a_certain_forecast_is_its_absolute_error():
    mean, truth = np.array([0.0, 1.0, -2.0]), np.array([0.5, 1.0, 1.0])
    assert scores.gaussian_crps(mean, np.zeros(3), truth) == pytest.approx((0.5 + 0.0 + 3.0) / 3)


def test_the_interval_of_uncorrelated_values_is_that_of_the_central_limit():
    rng = np.random.default_rng(4)
    latitude, longitude = np.degrees(np.arcsin(rng.uniform(-1, 1, 50_000))), rng.uniform(0, 360, 50_000)
    low, high = scores.bootstrap_interval(rng.normal(size=50_000), latitude, longitude, rng, draws=2000)
    assert (high - low) / 2 == pytest.approx(1.96 / np.sqrt(50_000), rel=0.25)


def test_the_weighted_mean_counts_by_area():
    values = np.array([[[1.0, 3.0]]])
    chosen = np.ones_like(values, dtype=bool)
    assert scores.weighted_mean(values, chosen, np.array([[3.0, 1.0]])) == pytest.approx(1.5)


def test_levels_count_alike_when_normalised():
    squared = np.stack([np.full((2, 2), 4.0), np.full((2, 2), 0.04)])
    chosen = np.ones_like(squared, dtype=bool)
    assert scores.level_normalised_mean(squared, chosen, np.array([8.0, 0.08])) == pytest.approx(0.5)
