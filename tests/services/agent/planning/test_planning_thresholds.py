"""How scores become probabilities, how the thresholds are fitted, and how well the whole does."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from tellurion_agent.planning.calibrate import PRICE, Example, classified, fitted, outcome, read
from tellurion_agent.planning.embedding import WIDTH
from tellurion_agent.planning.learned import Learned
from tellurion_agent.planning.planner import Planner
from tellurion_agent.planning.thresholds import FEATURES, Thresholds
from tellurion_agent.recipes.registry import RECIPES

HERE = Path(__file__).parent


def thresholds(*weights: float, none: float = 0.0, abstain: float = 0.5, ambiguous: float = 0.5) -> Thresholds:
    return Thresholds((*weights, *[0.0] * (len(FEATURES) - len(weights))), none, abstain, ambiguous, 0.05)


def row(*values: float) -> list[float]:
    return [*values, *[0.0] * (len(FEATURES) - len(values))]


def example(*rows: list[float], right: int) -> Example:
    """Of a request; none is the last row."""
    return Example(np.zeros(2 * WIDTH, np.float32), np.array([*rows, row()]), frozenset({right}))


def test_probabilities_by_hand():
    shares = thresholds(1.0, none=np.log(2)).probabilities(np.array([row(np.log(3)), row(0.0), row(0.0)]))
    np.testing.assert_allclose(shares, [3 / 6, 1 / 6])


def test_probabilities_of_large_scores_are_finite():
    shares = thresholds(1.0).probabilities(np.array([row(2000.0), row(1999.0), row(0.0)]))
    np.testing.assert_allclose(shares, [1 / (1 + np.exp(-1)), 1 - 1 / (1 + np.exp(-1))])


def test_the_packaged_numbers_are_of_what_there_is():
    packaged, learned = Thresholds.calibrated(), Learned.packaged()
    assert len(packaged.weights) == len(FEATURES)
    assert all(0 < value < 1 for value in (packaged.abstain, packaged.ambiguous, packaged.alternative))
    assert set(learned.names) == set(RECIPES), "fit the classifier again: recipes came or went"
    assert learned.weights.shape == (len(RECIPES) + 1, 2 * WIDTH)


def test_the_classifier_finds_directions_and_takes_no_recipe_that_it_does_not_know():
    names = list(RECIPES)
    random = np.random.default_rng(0)
    vectors = np.eye(2 * WIDTH, dtype=np.float32)[np.arange(len(names) + 1).repeat(5)]
    vectors += random.normal(0, 0.01, vectors.shape).astype(np.float32)
    examples = [
        Example(vector, np.zeros(0), frozenset({number if number < len(names) else -1}))
        for vector, number in zip(vectors, np.arange(len(names) + 1).repeat(5), strict=True)
    ]
    learned = classified(examples)
    for number in (0, 7, len(names)):
        vector = np.eye(2 * WIDTH, dtype=np.float32)[number]
        shares = learned.log_shares(vector, [*names, "unknown"])
        order = np.delete(shares, len(names))
        assert np.argmax(order) == number
        assert np.exp(order).sum() == pytest.approx(1)
        assert shares[len(names)] < shares.max() - 10


def test_right_wrong_and_neither_are_told_apart():
    def judged(first: float, second: float, right: int) -> Example:
        return example(row(first), row(second), right=right)

    strict = thresholds(1.0, ambiguous=0.6)
    examples = [judged(5, 0, 0), judged(5, 0, 1), judged(5, 4.9, 0), judged(-5, -6, -1), judged(-5, -6, 0)]
    assert outcome(strict, examples) == (2 / 5, 1 / 5)  # right: the first, and none of the fourth; wrong: the second


def test_what_is_fitted_finds_the_feature_that_tells():
    rng = np.random.default_rng(0)
    examples = []
    for _ in range(200):
        features = rng.normal(0, 1, (6, len(FEATURES)))
        right = int(rng.integers(-1, 6))
        if right >= 0:
            features[right, 1] += 8
        examples.append(example(*map(list, features), right=right))
    found = fitted(examples)
    assert np.argmax(np.abs(found.weights)) == 1
    good, bad = outcome(found, examples)
    assert good - PRICE * bad > 0.9


@pytest.mark.slow
def test_requests_of_other_people_get_their_recipe():
    learned = Learned.packaged()
    planner = Planner(thresholds=Thresholds.calibrated(), learned=learned)
    examples = read([HERE / "report.jsonl"], planner)
    good, bad = outcome(Thresholds.calibrated(), examples)
    assert good >= 0.78
    assert bad <= 0.02


def test_the_two_sets_of_requests_have_none_in_common():
    asked = [
        {json.loads(line)["request"].lower() for line in (HERE / name).read_text(encoding="utf-8").splitlines()}
        for name in ("development.jsonl", "report.jsonl")
    ]
    assert not asked[0] & asked[1]
