"""Means, standard errors and intervals: against values by hand, against matrices, and against what they promise."""

from __future__ import annotations

import math
import random
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from tellurion_benchmark.statistics import NOTHING, Mean, Pooled, holm, p_value

FINITE = st.floats(-1e6, 1e6)
CLUSTERS = st.lists(st.lists(FINITE, min_size=1, max_size=5), min_size=1, max_size=12)


def mean_of(*clusters):
    mean = Mean()
    for cluster in clusters:
        mean.add(cluster)
    return mean.estimate()


def pooled_of(value, *clusters):
    pooled = Pooled(value)
    for cluster in clusters:
        pooled.add(cluster)
    return pooled.estimate()


def ratio(totals):
    return totals[0] / totals[1] if totals[1] else math.nan


def test_items_of_one_each_have_the_textbook_standard_error():
    # s = 1/2 with n − 1, s/√4 = 1/4; t(0.975; 3) = 3.182446 from tables.
    estimate = mean_of([1.0], [0.0], [1.0], [1.0])
    assert (estimate.value, estimate.stderr, estimate.n, estimate.clusters) == (0.75, 0.25, 4, 4)
    assert estimate.ci95 == pytest.approx((0.75 - 3.182446 / 4, 0.75 + 3.182446 / 4), abs=1e-6)


def test_clusters_by_hand():
    # m = 3/5; r = 4/5, −1/5, −3/5; Σr² = 26/25; SE² = 3/2 · 26/25 / 25.
    estimate = mean_of([1.0, 1.0], [0.0, 1.0], [0.0])
    assert estimate.value == 0.6
    assert estimate.stderr == pytest.approx(math.sqrt(1.5 * 26 / 25 / 25), rel=1e-14)
    assert estimate.ci95[1] - estimate.value == pytest.approx(4.302653 * estimate.stderr, rel=1e-6)


def test_items_that_say_the_same_as_their_cluster_count_once():
    once, thrice = mean_of([1.0], [0.0], [0.25]), mean_of([1.0] * 3, [0.0] * 3, [0.25] * 3)
    assert (once.value, once.stderr, once.ci95) == (thrice.value, thrice.stderr, thrice.ci95)
    assert (once.n, thrice.n) == (3, 9)


def test_a_standard_error_is_that_of_the_sandwich_for_a_regression_on_a_constant():
    rng = np.random.default_rng(7)
    sizes = rng.integers(1, 9, 40)
    clusters = [rng.normal(rng.normal(), 1, size) for size in sizes]
    x, groups = np.concatenate(clusters), np.repeat(np.arange(40), sizes)
    design = np.ones((len(x), 1))
    bread = np.linalg.inv(design.T @ design)
    residuals = x - design @ (bread @ design.T @ x)
    scores = np.stack([design[groups == g].T @ residuals[groups == g] for g in range(40)])
    sandwich = bread @ (40 / 39 * scores.T @ scores) @ bread
    assert mean_of(*clusters).stderr == pytest.approx(math.sqrt(sandwich[0, 0]), rel=1e-12)


def test_an_interval_holds_the_truth_as_often_as_it_says():
    rng = np.random.default_rng(3)
    held = 0
    for _ in range(2000):
        centres = rng.normal(0.5, 0.2, 30)
        low, high = mean_of(*(rng.normal(centre, 0.3, rng.integers(1, 6)) for centre in centres)).ci95
        held += low <= 0.5 <= high
    # 1900 expected; three standard deviations of a binomial, and a little for few clusters of unlike sizes.
    assert 1860 <= held <= 1940


def test_one_cluster_says_nothing_of_the_spread_between_clusters():
    estimate = mean_of([1.0, 0.0, 1.0])
    assert (estimate.value, estimate.stderr, estimate.ci95, estimate.n) == (2 / 3, None, None, 3)


def test_no_items_have_no_mean():
    assert mean_of() == NOTHING
    assert pooled_of(ratio) == NOTHING


@pytest.mark.parametrize("value", [0.1, 1 / 3, 1e-9, -2.7, 123.456])
def test_equal_values_have_themselves_as_mean_and_no_error(value):
    estimate = mean_of([value] * 3, [value], [value] * 7)
    assert (estimate.value, estimate.stderr) == (value, 0.0)


@given(CLUSTERS)
def test_a_mean_is_the_exact_one_rounded(clusters):
    values = [value for cluster in clusters for value in cluster]
    exact = sum(map(Fraction, values)) / len(values)
    assert mean_of(*clusters).value == pytest.approx(float(exact), rel=1e-15, abs=1e-300)


@given(CLUSTERS, st.randoms(use_true_random=False))
def test_order_changes_no_bit(clusters, rng: random.Random):
    shuffled = [rng.sample(cluster, len(cluster)) for cluster in rng.sample(clusters, len(clusters))]
    assert mean_of(*clusters) == mean_of(*shuffled)


def test_a_figure_of_a_corpus_is_jackknifed_by_cluster():
    clusters = [[(1.0, 2.0), (3.0, 4.0)], [(0.0, 5.0)], [(2.0, 2.0), (2.0, 3.0), (1.0, 1.0)], [(4.0, 9.0)]]
    estimate = pooled_of(ratio, *clusters)
    left = []
    for out in range(4):
        rest = [item for index, cluster in enumerate(clusters) if index != out for item in cluster]
        left.append(sum(a for a, _ in rest) / sum(b for _, b in rest))
    variance = 3 / 4 * sum((one - sum(left) / 4) ** 2 for one in left)
    assert estimate.value == pytest.approx(13 / 26)
    assert estimate.stderr == pytest.approx(math.sqrt(variance), rel=1e-12)
    assert (estimate.n, estimate.clusters) == (7, 4)


def test_a_jackknifed_mean_of_clusters_of_one_size_is_the_sandwich():
    values = [[0.2, 0.9], [0.4, 0.1], [1.0, 0.8], [0.0, 0.3]]
    estimate = pooled_of(ratio, *([(value, 1.0) for value in cluster] for cluster in values))
    assert estimate.stderr == pytest.approx(mean_of(*values).stderr, rel=1e-12)


def test_a_figure_that_is_shown_rounded_has_the_spread_of_the_exact_one():
    # Of 20 000 clusters one changes the mean by less than 5e-5, which rounding to four places would hide.
    pooled = Pooled(ratio, lambda sums: round(ratio(sums), 4))
    values = [n % 2 for n in range(20_001)]
    for value in values:
        pooled.add([(float(value), 1.0)])
    estimate = pooled.estimate()
    assert estimate.value == 0.5
    assert estimate.stderr == pytest.approx(np.std(values, ddof=1) / math.sqrt(len(values)), rel=1e-9)


def test_a_figure_that_has_no_value_has_nothing_else():
    estimate = pooled_of(ratio, [(1.0, 0.0)], [(2.0, 0.0)])
    assert (estimate.value, estimate.stderr, estimate.n) == (None, None, 2)


def test_a_figure_out_of_all_bounds_is_none():
    assert pooled_of(ratio, [(1.0, 1e-200)], [(2.0, 0.0)]).value is None
    assert pooled_of(ratio, [(1.0, 1e-200)], [(2.0, 1.0)]).stderr is None


def test_a_figure_that_hangs_on_one_cluster_has_no_standard_error():
    estimate = pooled_of(ratio, [(1.0, 2.0)], [(0.0, 0.0)])
    assert (estimate.value, estimate.stderr, estimate.ci95) == (0.5, None, None)


@given(st.lists(st.lists(st.tuples(FINITE, FINITE), min_size=1, max_size=4), min_size=2, max_size=8), st.randoms())
def test_order_changes_no_bit_of_a_corpus(clusters, rng):
    shuffled = [rng.sample(cluster, len(cluster)) for cluster in rng.sample(clusters, len(clusters))]
    assert pooled_of(ratio, *clusters) == pooled_of(ratio, *shuffled)


def test_a_p_value_of_single_items_is_that_of_the_t_test():
    differences = [0.0, 1.0, 1.0, 0.0, -1.0, 1.0, 0.5, 0.0]
    expected = stats.ttest_1samp(differences, 0).pvalue
    assert p_value(mean_of(*([d] for d in differences))) == pytest.approx(expected, rel=1e-12)


@pytest.mark.parametrize(
    ("clusters", "expected"),
    [([[0.0], [0.0, 0.0]], 1.0), ([[1.0], [1.0]], None), ([[1.0, 2.0]], None), ([], None)],
    ids=["no difference", "always the same one", "one cluster", "nothing"],
)
def test_what_does_not_vary_allows_no_test(clusters, expected):
    assert p_value(mean_of(*clusters)) == expected


def test_holm_by_hand():
    # Sorted .005·4, .01·3, .03·2, .04·1, each at least the one before.
    assert holm([0.01, 0.04, 0.03, 0.005]) == pytest.approx([0.03, 0.06, 0.06, 0.02])


def test_what_was_not_tested_is_not_corrected_for():
    assert holm([None, 0.02, None, 0.5]) == [None, 0.04, None, 0.5]
    assert holm([0.6, 0.9]) == [1.0, 1.0]
    assert holm([]) == []
