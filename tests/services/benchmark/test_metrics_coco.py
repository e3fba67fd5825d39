"""Captions' metrics are pycocoevalcap's, and those of arithmetic by hand."""

from __future__ import annotations

import math
import subprocess

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pycocoevalcap.bleu.bleu import Bleu

from tellurion_benchmark.metrics import coco, java, meteor_java, ptb

needs_java = pytest.mark.usefixtures("java_programs")
LENGTH_ONE_SHORT = math.exp(-1 / 72)  # a Gaussian of one bigram, σ = 6


def summed(statistics):
    return [sum(column) for column in zip(*statistics, strict=True)]


def stage(content=0, reference_content=0, function=0, reference_function=0):
    return (content, reference_content, function, reference_function)


def meteor_statistics(lengths, *stages, chunks, words, reference_words=None):
    more = [number for one in (*stages, *[stage()] * (4 - len(stages))) for number in one]
    return (*lengths, *more, chunks, words, words if reference_words is None else reference_words)


@pytest.mark.parametrize(
    ("candidate", "reference", "order", "expected"),
    [
        ("a b c d", "a b c d", 4, 1),
        ("a b c d", "a b c d e", 4, math.exp(1 - 5 / 4)),  # the brevity penalty alone
        ("a b c d x", "a b c d", 1, 4 / 5),
        ("a b c d x", "a b c d", 2, math.sqrt(4 / 5 * 3 / 4)),
        ("a b c d x", "a b c d", 4, (4 / 5 * 3 / 4 * 2 / 3 * 1 / 2) ** 0.25),
        ("the the the", "the cat", 1, 1 / 3),  # clipped
        ("x", "a", 1, 0),
        ("", "a", 1, 0),
    ],
)
def test_bleu_by_hand(candidate, reference, order, expected):
    assert coco.bleu(coco.bleu_statistics(candidate, reference), order) == pytest.approx(expected, abs=1e-7)


def test_bleu_of_a_corpus_is_of_its_sums():
    """3 of 3 and 1 of 2 words, 2 of 2 and 0 of 1 bigrams; 5 words for 6: not the mean of two scores."""
    sums = summed([coco.bleu_statistics("a b c", "a b c"), coco.bleu_statistics("d x", "d e f")])
    assert coco.bleu(sums, 1) == pytest.approx(math.exp(1 - 6 / 5) * 4 / 5)
    assert coco.bleu(sums, 2) == pytest.approx(math.exp(1 - 6 / 5) * math.sqrt(4 / 5 * 2 / 3))


texts = st.lists(st.sampled_from("abcd"), max_size=8).map(" ".join)


@given(st.lists(st.tuples(texts, texts.filter(bool)), min_size=1, max_size=5))
def test_bleu_is_pycocoevalcaps_in_any_order(pairs):
    scores, _ = Bleu().compute_score(
        {number: [reference] for number, (_, reference) in enumerate(pairs)},
        {number: [candidate] for number, (candidate, _) in enumerate(pairs)},
        verbose=0,
    )
    sums = summed([coco.bleu_statistics(*pair) for pair in reversed(pairs)])
    assert [coco.bleu(sums, order) for order in (1, 2, 3, 4)] == pytest.approx(scores)


@pytest.mark.parametrize(
    ("candidate", "reference", "expected"),
    [
        ("a b c", "a b c", 1),
        ("a b c", "a c", 2.44 * (2 / 3) / (1 + 1.44 * 2 / 3)),  # P 2/3, R 1
        ("a c", "a b c", 2.44 * (2 / 3) / (2 / 3 + 1.44)),  # P 1, R 2/3
        ("c b a", "a b c", 1 / 3),
        ("x", "a", 0),
        ("", "a", 0),
    ],
)
def test_rouge_l_by_hand(candidate, reference, expected):
    assert coco.rouge_l(candidate, reference) == pytest.approx(expected)


@pytest.mark.parametrize(
    ("pairs", "expected"),
    [
        ([("a b", "a b"), ("c d", "c d")], [5, 5]),  # words and bigrams agree wholly; 3- and 4-grams there are none
        ([("a b c d", "a b c d"), ("e", "f")], [10, 0]),
        ([("a", "a b"), ("c", "c")], [10 / 4 * LENGTH_ONE_SHORT / math.sqrt(2), 10 / 4]),
        ([("b a", "a b"), ("c d", "c d")], [10 / 4, 5]),  # words alone
        ([("a", "a"), ("a", "a")], [0, 0]),  # what all references have weighs nothing
        ([("a a", "a"), ("c", "c")], [10 / 4 * LENGTH_ONE_SHORT / 2, 10 / 4]),  # clipped: 1 · 1 of 2 · 1
        ([("a b", "a b")], [0]),  # a corpus of one
        ([("", "a"), ("c", "c")], [0, 10 / 4]),
        ([("a", ""), ("", "")], [0, 0]),
        ([], []),
    ],
)
def test_cider_by_hand(pairs, expected):
    assert coco.cider(pairs) == pytest.approx(expected)


@given(st.permutations([("a b", "a b"), ("c d", "a d"), ("e", "e f"), ("", "g"), ("h h", "h")]))
def test_cider_does_not_depend_on_the_order(pairs):
    alphabetical = sorted(pairs)
    expected = dict(zip(alphabetical, coco.cider(alphabetical), strict=True))
    assert coco.cider(pairs) == pytest.approx([expected[pair] for pair in pairs])


@pytest.mark.parametrize(
    ("statistics", "expected"),
    [
        # lengths: of the candidate and the reference, and how many of each are function words
        (meteor_statistics((3, 3, 1, 1), stage(2, 2, 1, 1), chunks=0, words=3), 1),  # whole
        (meteor_statistics((2, 2, 0, 0), stage(2, 2), chunks=2, words=2), 0.4),  # 1 - 0.6 · (2/2)^0.2
        (meteor_statistics((4, 4, 0, 0), stage(4, 4), chunks=2, words=4), 1 - 0.6 * 0.5**0.2),
        # P = R = (0.75 + 0.75 · 0.6) / 1.5: a stem counts 0.6; whole
        (meteor_statistics((2, 2, 0, 0), stage(1, 1), stage(1, 1), chunks=0, words=2), 0.8),
        # half of the words in one chunk: P 1, R 1/2; F = 0.5 / (0.85 + 0.15 · 0.5); 1 chunk of 1.5 words in the mean
        (
            meteor_statistics((1, 2, 0, 0), stage(1, 1), chunks=1, words=1, reference_words=1),
            0.5 / 0.925 * (1 - 0.6),
        ),
        # function words count 0.25: P = (0.75 + 0.25) / (0.75 + 0.25), R = 1 / (2 · 0.75 + 0.25)
        (
            meteor_statistics((2, 3, 1, 1), stage(1, 1, 1, 1), chunks=1, words=2),
            (4 / 7) / (0.85 + 0.15 * 4 / 7) * (1 - 0.6 * 0.5**0.2),
        ),
        (meteor_statistics((2, 3, 1, 1), chunks=0, words=0), 0),
        ((0.0,) * 23, None),
        ((), None),
    ],
)
def test_meteor_by_hand(statistics, expected):
    found = meteor_java.meteor_of(statistics)
    assert math.isnan(found) if expected is None else found == pytest.approx(expected)


def test_bleu_of_nothing_is_no_number():
    assert math.isnan(coco.bleu((0.0,) * 10, 4))
    assert math.isnan(coco.bleu((), 1))


@needs_java
def test_tokens_of_each_text_are_its_own():
    expected = {
        "A typhoon (strong) nears -- slowly -- the coast!": "a typhoon -lrb- strong -rrb- nears slowly the coast",
        "Ice: 3.5 km², don't.": "ice 3.5 km ² do n't",
        "first\nsecond": "first second",
        "": "",
        " ": "",
        "a\u2028b\u0085c\rd\x0be\x0cf": "a b c d e f",  # line ends of all kinds
        "🌍 Earth": "earth",
        "\ud800": "",  # half a character is a question mark
        "海水": "海水",
        "x" * 32_768: "x" * 32_768,
        "last": "last",
    }
    assert dict(zip(expected, ptb.tokens(list(expected)), strict=True)) == expected


@needs_java
def test_no_pair_has_no_statistics():
    assert meteor_java.statistics([]) == []


def test_without_java_the_reason_names_the_package(monkeypatch, tmp_path):
    monkeypatch.setenv("PATH", str(tmp_path))
    assert "default-jre-headless" in java.unavailable()
    with pytest.raises(java.JavaFailed, match="could not be started"):
        java.answers("METEOR", meteor_java.PROGRAM, ["a"], seconds=1)


@needs_java
@pytest.mark.parametrize(
    ("program", "seconds", "message"),
    [
        (("-jar", "nothing.jar"), 60, "status 1 after 0 of 1 lines"),
        (("-version",), 60, "status 0 after 0 of 1 lines"),
        (meteor_java.PROGRAM, 0.01, "longer than 0.01 s"),
    ],
)
def test_a_program_that_does_not_answer_is_said_to_have_failed(program, seconds, message):
    with pytest.raises(java.JavaFailed, match=message):
        java.answers("It", program, ["a"], seconds=seconds)


def test_importing_the_metrics_starts_no_program(monkeypatch):
    monkeypatch.setattr(subprocess, "run", lambda *_, **__: pytest.fail("a program was started"))
    assert coco.cider([("a", "a")]) == [0]
