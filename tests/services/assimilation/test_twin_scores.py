"""The scores of an estimate are what their definitions say."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tellurion_assimilation.methods.gaussian import Gaussian
from tellurion_assimilation.scores import assess, rmse, spread_skill


@settings(deadline=None)
@given(st.integers(2, 12), st.integers(1, 8), st.integers(0, 2**32 - 1))
def test_those_of_members_are_their_definitions(count, n, seed):
    rng = np.random.default_rng(seed)
    members, truth, weights = rng.normal(size=(count, n)), rng.normal(size=n), rng.dirichlet(np.ones(n))
    scores = assess(members, truth, weights)
    distance = np.abs(members - truth).mean(axis=0)
    pairs = np.abs(members[:, None] - members[None]).sum(axis=(0, 1)) / (count * (count - 1))
    assert scores.rmse == pytest.approx(np.sqrt((members.mean(axis=0) - truth) ** 2 @ weights))
    assert scores.rmse == pytest.approx(rmse(members, truth, weights))
    assert scores.spread == pytest.approx(np.sqrt(members.var(axis=0, ddof=1) @ weights))
    assert scores.crps == pytest.approx((distance - pairs / 2) @ weights, abs=1e-12)
    below = (members < truth).sum(axis=0)
    assert scores.ranks.tolist() == np.bincount(below, minlength=count + 1).tolist()


def test_the_truth_among_equals_has_every_rank_as_often():
    rng = np.random.default_rng(0)
    draws = rng.normal(size=(5, 200_000))
    scores = assess(draws[:4], draws[4])
    assert scores.ranks.sum() == 200_000
    # binomial counts of mean 40 000 have a standard deviation of 179
    np.testing.assert_allclose(scores.ranks, 40_000, atol=5 * 179)
    assert spread_skill(scores.spread, scores.rmse, 4) == pytest.approx(1.0, abs=0.01)


def test_the_crps_of_few_members_is_that_of_their_distribution():
    rng = np.random.default_rng(1)
    truth = rng.normal(size=200_000)
    # a standard normal forecast of a standard normal truth has 1 / √π
    assert assess(rng.normal(size=(2, 200_000)), truth).crps == pytest.approx(1 / np.sqrt(np.pi), abs=0.01)
    assert assess(Gaussian(np.zeros(4), np.eye(4)), truth[:4]).crps == pytest.approx(
        assess(rng.normal(size=(200_000, 4)), truth[:4]).crps, abs=0.01
    )


def test_those_of_a_gaussian_are_of_its_mean_and_variances():
    estimate, truth = Gaussian(np.array([1.0, 2.0]), np.array([[4.0, 1.0], [1.0, 12.0]])), np.array([4.0, 6.0])
    scores = assess(estimate, truth)
    assert scores.rmse == pytest.approx(np.sqrt((9 + 16) / 2))
    assert scores.spread == pytest.approx(np.sqrt(8))
    assert scores.ranks is None
