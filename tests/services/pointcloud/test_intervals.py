"""Intervals by the bootstrap over groups."""

import numpy as np
import pytest

from tellurion_core.errors import InvalidInput
from tellurion_pointcloud.downstream.intervals import over_groups


def test_the_bootstrap_of_single_cases_is_that_of_the_normal_law() -> None:
    values = np.random.default_rng(1).normal(0, 2, 2500)
    found = over_groups(values, np.arange(2500), resamples=2000)
    half = 1.96 * values.std() / 50
    assert found.high - found.mean == pytest.approx(half, rel=0.1)
    assert found.mean - found.low == pytest.approx(half, rel=0.1)


def test_the_interval_covers_the_true_mean_nineteen_times_of_twenty() -> None:
    random = np.random.default_rng(2)
    groups = np.repeat(np.arange(40), 5)
    covered = 0
    for run in range(200):
        values = np.repeat(random.normal(size=40), 5) + 0.3 * random.normal(size=200)
        found = over_groups(values, groups, seed=run, resamples=300)
        covered += found.low <= 0 <= found.high
    assert 0.88 <= covered / 200 <= 0.99


def test_twins_do_not_narrow_the_interval() -> None:
    values = np.random.default_rng(3).normal(size=50)
    alone = over_groups(values, np.arange(50))
    doubled = over_groups(np.repeat(values, 4), np.repeat(np.arange(50), 4))
    assert doubled.high - doubled.low == pytest.approx(alone.high - alone.low, rel=1e-6)


def test_runs_that_differ_widen_the_interval() -> None:
    values = np.random.default_rng(4).normal(size=400)
    same, differing = np.stack([values] * 3), values + np.array([[-1.0], [0.0], [1.0]])
    alike, apart = (over_groups(runs, np.arange(400), resamples=2000) for runs in (same, differing))
    assert apart.mean == pytest.approx(alike.mean)
    assert apart.high - apart.low > 3 * (alike.high - alike.low)


def test_a_ratio_of_means_is_not_the_mean_of_ratios() -> None:
    found = over_groups([1.0, 9.0], ["a", "b"], per=[1.0, 3.0])
    assert (found.mean, found.low, found.high) == pytest.approx((10 / 4, 1, 3))


def test_what_gives_no_interval_is_refused() -> None:
    with pytest.raises(InvalidInput, match="groups"):
        over_groups([1.0, 2.0], ["a", "a"])
    with pytest.raises(InvalidInput, match="groups"):
        over_groups([1.0, 2.0], ["a", "b", "c"])
