"""How scores become probabilities, how the thresholds are fitted, and how well the whole does."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from tellurion_agent.planning.calibrate import MOST_WRONG, fitted, outcome, read
from tellurion_agent.planning.planner import Planner
from tellurion_agent.planning.thresholds import FEATURES, Thresholds

HERE = Path(__file__).parent


def thresholds(*weights: float, none: float = 0.0, abstain: float = 0.5, ambiguous: float = 0.5) -> Thresholds:
    return Thresholds((*weights, *[0.0] * (len(FEATURES) - len(weights))), none, abstain, ambiguous, 0.05)


def row(*values: float) -> list[float]:
    return [*values, *[0.0] * (len(FEATURES) - len(values))]


def test_probabilities_by_hand():
    shares = thresholds(1.0, none=np.log(2)).probabilities(np.array([row(np.log(3)), row(0.0)]))
    np.testing.assert_allclose(shares, [3 / 6, 1 / 6])


def test_probabilities_of_large_scores_are_finite():
    shares = thresholds(1.0).probabilities(np.array([row(2000.0), row(1999.0)]))
    np.testing.assert_allclose(shares, [1 / (1 + np.exp(-1)), 1 - 1 / (1 + np.exp(-1))])


def test_the_packaged_thresholds_are_what_they_say():
    packaged = Thresholds.calibrated()
    assert len(packaged.weights) == len(FEATURES)
    assert all(0 < value < 1 for value in (packaged.abstain, packaged.ambiguous, packaged.alternative))


def test_right_wrong_and_neither_are_told_apart():
    clear, near, far = (np.array([row(a), row(b)]) for a, b in ((5, 0), (5, 4.9), (-5, -6)))
    strict = thresholds(1.0, ambiguous=0.6)
    examples = [(clear, 0), (clear, 1), (near, 0), (far, -1), (far, 0)]
    assert outcome(strict, examples) == (2 / 5, 1 / 5)  # right: the first, and none of the fourth; wrong: the second


def test_what_is_fitted_finds_the_feature_that_tells():
    rng = np.random.default_rng(0)
    examples = []
    for _ in range(200):
        features = rng.normal(0, 1, (6, len(FEATURES)))
        right = int(rng.integers(-1, 6))
        if right >= 0:
            features[right, 1] += 8
        examples.append((features, right))
    found = fitted(examples)
    assert np.argmax(np.abs(found.weights)) == 1
    good, bad = outcome(found, examples)
    assert good > 0.95
    assert bad <= MOST_WRONG


@pytest.mark.slow
def test_requests_that_were_not_calibrated_with_get_their_recipe():
    examples = read(HERE / "report.jsonl", Planner())
    good, bad = outcome(Thresholds.calibrated(), examples)
    assert good >= 0.93
    assert bad <= 0.04


def test_the_two_sets_of_requests_have_none_in_common():
    asked = [
        {json.loads(line)["request"].lower() for line in (HERE / name).read_text(encoding="utf-8").splitlines()}
        for name in ("development.jsonl", "report.jsonl")
    ]
    assert not asked[0] & asked[1]
