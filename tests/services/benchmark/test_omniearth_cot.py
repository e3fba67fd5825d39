"""OmniEarth-Bench's chains of thought: precision, recall, and their harmonic mean over a corpus."""

from __future__ import annotations

import json
import math
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tellurion_benchmark.scorers.omniearth_cot import (
    corpus_f1,
    described_pictures,
    f1,
    precision_in,
    recall_in,
    reference_steps,
)

INFERENCE, DESCRIPTION, BACKGROUND = "logical inference", "image description", "background information"


def steps(*judged):
    return json.dumps([{"step_type": kind, "conclusion": "x", "judgment": judgement} for kind, judgement in judged])


def matches(*judgements):
    return json.dumps([{"step_index": n, "judgment": judgement} for n, judgement in enumerate(judgements)])


@pytest.mark.parametrize(
    ("reply", "expected"),
    [
        (steps((INFERENCE, "Match"), (DESCRIPTION, "Reasonable"), (INFERENCE, "Wrong")), 2 / 3),
        (steps((INFERENCE, "Match")), 1),
        (steps((DESCRIPTION, "Wrong")), 0),
        (steps((INFERENCE, "Match"), (BACKGROUND, "N/A"), (BACKGROUND, "Match")), 1),  # background does not count
        (steps((BACKGROUND, "N/A")), 0),  # no step at all
        (steps((INFERENCE, "Matched"), (INFERENCE, "Unmatched")), 1 / 2),
        (steps((INFERENCE, "match"), (INFERENCE, "Match")), 1 / 2),  # the words that were asked for
        ("```json\n" + steps((INFERENCE, "Match")) + "\n```", 1),
        ("Here are the steps: " + steps((INFERENCE, "Match")) + " Done.", 1),
        ('[{"step_type": "logical inference", "judgment": "Match",},]', 1),  # commas too many
        ('[{"step_type": "logical inference", "conclusion": "\\(x\\)", "judgment": "Match"}]', 1),  # LaTeX
        ('[{"step_type": "logical inference", "conclusion": "a\nb", "judgment": "Match"}]', 1),
        (steps((BACKGROUND, "Wrong"), ("guess", "Match")), 0),
        (steps(("guess", "Match")), None),  # no type that there is
        (steps((INFERENCE, "right")), None),  # no word that was asked for
        ("[]", None),
        ("{}", None),
        ("[1]", None),
        ('[{"judgment": "Match"}]', None),
        ('[{"step_type": "logical inference"}]', None),
        ('[{"step_type": "logical inference", "judgment": true}]', None),
        ('[{"step_type": "logical inference", "judgment": "Match"}', None),  # cut off
        ("All steps match.", None),
        ("", None),
    ],
)
def test_precision_of_a_chain(reply, expected):
    assert precision_in(reply) == expected


@pytest.mark.parametrize(
    ("reply", "count", "expected"),
    [
        (matches("Matched", "Unmatched"), 2, 1 / 2),
        (matches("Matched", "Matched", "Matched", "Unmatched"), 4, 3 / 4),
        (matches("Matched"), 4, 1 / 4),  # three were left out
        (matches("Unmatched", "Matched", "Matched"), 1, 0),  # two too many are not looked at
        (matches("Unmatched", "matched"), 2, 0),
        (matches("matched"), 1, None),  # no word that was asked for
        ("[]", 2, None),
        ("none", 2, None),
        ("[[]]", 2, None),
    ],
)
def test_recall_of_a_chain(reply, count, expected):
    assert recall_in(reply, count) == expected


@pytest.mark.parametrize(
    ("precision", "recall", "expected"), [(1, 1, 1), (0.5, 1, 2 / 3), (0, 1, 0), (0, 0, 0), (0.2, 0.3, 0.24)]
)
def test_f1_by_hand(precision, recall, expected):
    assert f1(precision, recall) == pytest.approx(expected)


def test_the_check_value_of_a_corpus():
    """P = (2/3, 1, 0) and R = (.5, .75, 1): means .5556 and .75, F1 = 2 · .5556 · .75 / 1.3056 = .6383."""
    sums = [sum(column) for column in zip((2 / 3, 1, 0.5, 1), (1, 1, 0.75, 1), (0, 1, 1, 1), strict=True)]
    assert (round(sums[0] / sums[1], 4), round(sums[2] / sums[3], 4)) == (0.5556, 0.75)
    assert corpus_f1(sums, places=4) == 0.6383
    assert corpus_f1(sums, places=None) == pytest.approx(2 * (5 / 9) * (3 / 4) / (5 / 9 + 3 / 4))  # 30/47


@pytest.mark.parametrize(
    ("sums", "expected"),
    [
        ((1.0, 2.0, 3.0, 3.0), 2 / 3),  # P 1/2, R 1; each over the chains that it has
        ((0.0, 2.0, 0.0, 2.0), 0),
        ((0.0, 0.0, 3.0, 3.0), None),
        ((1.0, 1.0, 0.0, 0.0), None),
        ((0.0, 0.0, 0.0, 0.0), None),
        ((), None),
    ],
)
def test_f1_of_a_corpus(sums, expected):
    found = corpus_f1(sums, places=None)
    assert math.isnan(found) if expected is None else found == pytest.approx(expected)


def test_the_mean_of_f1_is_not_the_f1_of_means():
    """(1, 0) and (0, 1): each chain's F1 is 0, that of the means 1/2."""
    assert f1(1, 0) == f1(0, 1) == 0
    assert corpus_f1((1.0, 2.0, 1.0, 2.0), places=4) == 0.5


def test_reference_steps_are_the_inferences_and_the_answer():
    record = {
        "CoT": [
            "Step 1: This is a photo of a town.",
            "Step 2: The west has collapsed roofs. ",
            "Step 10: So the west.",
        ],
        "Ground Truth": "D",
    }
    assert reference_steps(record) == ["The west has collapsed roofs.", "So the west.", "The answer is D"]
    assert described_pictures(record) == ["This is a photo of a town."]


@given(st.permutations([(2 / 3, 0.5), (1.0, 0.75), (0.0, 1.0), (0.25, 0.0)]))
def test_the_order_of_chains_changes_nothing(chains):
    sums = [sum(column) for column in zip(*[(p, 1.0, r, 1.0) for p, r in chains], strict=True)]
    expected = 2 * (23 / 12 / 4) * (2.25 / 4) / (23 / 12 / 4 + 2.25 / 4)
    assert corpus_f1(sums, places=None) == pytest.approx(expected)


@pytest.mark.parametrize(
    "text",
    [
        "[" * 1_000_000,
        "[" + '{"judgment": "Matched"},' * 40_000,
        "[" + "," * 1_000_000,
        '["' + "\\" * 1_000_001,
        "[" + "9" * 1_000_000 + "]",
        "[" + ", " * 500_000,
    ],
    ids=["brackets", "objects", "commas", "backslashes", "digits", "spaces"],
)
def test_a_hostile_megabyte_is_read_in_linear_time(text):
    started = time.process_time()
    assert precision_in(text) is None
    assert recall_in(text, 3) is None
    assert time.process_time() - started < 3
