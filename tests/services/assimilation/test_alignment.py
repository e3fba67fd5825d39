"""Rewards and the pairs that are chosen by them."""

from __future__ import annotations

import math

import numpy as np
import pytest

from tellurion_assimilation.alignment import select
from tellurion_assimilation.rewards import rank, weighted_errors, win_rate
from tellurion_core.errors import InvalidInput


def test_errors_are_weighed_by_area_and_scaled_by_channel() -> None:
    truth = np.zeros((2, 2, 3))
    states = np.zeros((2, 2, 2, 3))
    states[0, 0, 0], states[0, 1, 1], states[1, 1] = 3.0, 8.0, 4.0
    found = weighted_errors(states, truth, np.array([1.0, 2.0]), np.array([0.25, 0.75]))
    np.testing.assert_allclose(found, [[3 * math.sqrt(0.25), 4 * math.sqrt(0.75)], [0.0, 2.0]])


def test_the_win_rate_is_written_out() -> None:
    errors = np.array([[1.0, 2.0], [3.0, 2.5], [0.5, 7.0]])

    def sigmoid(x: float) -> float:
        return 1 / (1 + math.exp(-x))

    expected = [
        np.mean([sigmoid(errors[j, v] - errors[n, v]) for j in range(3) if j != n for v in range(2)]) for n in range(3)
    ]
    np.testing.assert_allclose(win_rate(errors), expected)


def test_of_equal_members_each_wins_half() -> None:
    np.testing.assert_allclose(win_rate(np.ones((4, 3))), 0.5)


def test_win_rates_sum_to_half_of_the_members() -> None:
    """Of every two, what one wins the other loses."""
    assert win_rate(np.random.default_rng(0).random((7, 5))).sum() == pytest.approx(3.5)


def test_ranks_go_from_worst_to_best() -> None:
    np.testing.assert_array_equal(rank(np.array([[0.3, -1.0, 7.0], [2.0, 1.0, 0.0]])), [[0.5, 0, 1], [1, 0.5, 0]])


REWARDS = {
    "accuracy": np.array([6.0, 5, 4, 3, 2, 1, 0]),
    "forecast": np.array([0.0, 6, 5, 4, 3, 2, 1]),
    "physics": np.array([2.0, 4, 5, 6, 0, 3, 1]),
}


def test_physics_alone_pairs_its_best_with_its_worst() -> None:
    np.testing.assert_array_equal(select(REWARDS, "P", 2), [[3, 4], [2, 6]])


def test_all_rewards_together_take_no_winner_with_a_poor_one() -> None:
    """Member 0 is the most accurate and the worst forecast. Poorest ranks are 0 4 4 3 0 1 0, best 6 6 5 6 3 3 1."""
    pairs = select(REWARDS, "M", 2)
    np.testing.assert_array_equal(pairs, [[1, 6], [2, 4]])


def test_deciles_that_are_not_empty_are_what_is_chosen() -> None:
    """Ten of 100 members are the best in everything, ten others the worst."""
    random = np.random.default_rng(4)
    order = random.permutation(100)
    rewards = {}
    for name in ("accuracy", "forecast", "physics"):
        values = 10 + random.random(100)
        values[order[:10]] += 10
        values[order[10:20]] -= 10
        rewards[name] = values
    pairs = select(rewards, "M", 10)
    assert set(pairs[:, 0]) == set(order[:10])
    assert set(pairs[:, 1]) == set(order[10:20])


def test_nobody_is_both() -> None:
    rewards = {name: np.zeros(6) for name in REWARDS}
    assert len(set(select(rewards, "M", 3).ravel())) == 6


@pytest.mark.parametrize(("named", "alignment", "pairs"), [("alignment", "Q", 1), ("pairs", "P", 0), ("pairs", "M", 4)])
def test_what_cannot_be_selected_is_named(named: str, alignment: str, pairs: int) -> None:
    with pytest.raises(InvalidInput, match=named):
        select(REWARDS, alignment, pairs)


def test_rewards_that_are_not_finite_are_refused() -> None:
    with pytest.raises(InvalidInput, match="rewards"):
        select({**REWARDS, "physics": np.full(7, np.nan)}, "P", 1)
