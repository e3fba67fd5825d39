"""The text metrics are those of their libraries' own documentation, and of arithmetic by hand."""

from __future__ import annotations

import math
from dataclasses import replace

import nltk.data
import punkt
import pytest
from hypothesis import given
from hypothesis import strategies as st
from nltk.tokenize.destructive import NLTKWordTokenizer
from rouge_score.rouge_scorer import RougeScorer
from sacrebleu.metrics.chrf import CHRF
from sacrebleu.metrics.ter import TER

from tellurion_benchmark.metrics import meteor
from tellurion_benchmark.metrics.bleu import bleu, smoothed_bleu, unsmoothed
from tellurion_benchmark.metrics.bounds import LARGEST_PRODUCT, LONGEST, too_long
from tellurion_benchmark.metrics.rouge import rouge
from tellurion_benchmark.scorers.msearth_text import text_metrics
from tellurion_benchmark.scoring import Unscored

ALL = ("rouge1", "rouge2", "rougeL", "rougeLsum")
needs_wordnet = pytest.mark.usefixtures("wordnet")


def test_rouge_is_that_of_the_readme_of_rouge_score():
    scores = rouge(
        "The quick brown dog jumps on the log.", "The quick brown fox jumps over the lazy dog", ALL, stemmed=True
    )
    assert scores == pytest.approx({"rouge1": 12 / 17, "rouge2": 4 / 15, "rougeL": 10 / 17, "rougeLsum": 10 / 17})
    assert [round(scores[kind], 6) for kind in ALL[:3]] == [0.705882, 0.266667, 0.588235]


def test_bleu_chrf_and_ter_are_those_of_the_readme_of_sacrebleu():
    references = [
        ["The dog bit the man.", "It was not unexpected.", "The man bit him first."],
        ["The dog had bit the man.", "No one was surprised.", "The man had bitten the dog."],
    ]
    candidates = ["The dog bit the man.", "It wasn't surprising.", "The man had just bitten him."]
    assert unsmoothed().corpus_score(candidates, references).score == pytest.approx(48.530827, abs=1e-6)
    assert CHRF().corpus_score(candidates, references).score == pytest.approx(59.727518, abs=1e-6)
    assert TER().corpus_score(candidates, references).score == pytest.approx(40.0)


@pytest.mark.parametrize(
    ("candidate", "reference", "kind", "stemmed", "expected"),
    [
        ("running sea", "runs sea", "rouge1", False, 1 / 2),
        ("running sea", "runs sea", "rouge1", True, 1.0),
        ("Sea-Ice!", "sea ice", "rouge2", False, 1.0),  # case and punctuation do not count
        ("a b c", "c b a", "rougeL", False, 1 / 3),  # the longest common subsequence is one letter
        ("a b\nc d", "c d\na b", "rougeL", False, 1 / 2),
        ("a b\nc d", "c d\na b", "rougeLsum", False, 1.0),  # line by line
        ("the the the", "the cat", "rouge1", False, 2 / 5),  # clipped: P 1/3, R 1/2
        ("海水", "海水", "rouge1", False, 0.0),  # only Latin letters and digits are words
        ("", "sea", "rouge1", False, 0.0),
    ],
)
def test_rouge_by_hand(candidate, reference, kind, stemmed, expected):
    assert rouge(candidate, reference, (kind,), stemmed=stemmed)[kind] == pytest.approx(expected)


@given(*[st.text(alphabet="ab c\n\r\v-", max_size=30)] * 2)
def test_rouge_of_one_line_or_of_several_is_rouge_scores(candidate, reference):
    direct = RougeScorer(ALL).score(reference, candidate)
    assert rouge(candidate, reference, ALL, stemmed=False) == {kind: direct[kind].fmeasure for kind in ALL}


@pytest.mark.parametrize(
    ("candidate", "reference", "score", "precisions"),
    [
        ("a b c d", "a b c d", 1.0, (1, 1, 1, 1)),
        ("a b c d", "a b c d e", math.exp(-1 / 4), (1, 1, 1, 1)),  # the brevity penalty alone
        ("a b c d x", "a b c d", 0.2**0.25, (4 / 5, 3 / 4, 2 / 3, 1 / 2)),
        ("the cat sat on the mat", "the cat is on the mat", 0.0, (5 / 6, 3 / 5, 1 / 4, 0)),  # unsmoothed
        ("the the the the the the the", "the cat is on the mat", 0.0, (2 / 7, 0, 0, 0)),  # clipped
        ("Sea.", "sea.", 0.0, (1 / 2, 0, 0, 0)),  # case counts, and the full stop is a token
        ("3.5 km", "3.5 km", 0.0, (1, 1, 0, 0)),  # two tokens have no 3-grams
        ("", "sea", 0.0, (0, 0, 0, 0)),
    ],
)
def test_bleu_by_hand(candidate, reference, score, precisions):
    found = bleu(candidate, reference)
    assert found.score == pytest.approx(score)
    assert found.precisions == pytest.approx(precisions)


@pytest.mark.parametrize(
    ("candidate", "reference", "expected"),
    [
        ("a b c d", "a b c d", 1.0),
        ("the cat sat on the mat", "the cat is on the mat", (5 / 6 * 3 / 5 * 1 / 4 * 0.1 / 3) ** 0.25),
        ("a b", "a b", (0.1 * 0.1) ** 0.25),  # no 3-grams or 4-grams: a tenth of one each
        ("sea", "land", 0.0),
        ("", "land", 0.0),
    ],
)
def test_smoothed_bleu_by_hand(candidate, reference, expected):
    assert smoothed_bleu(candidate, reference) == pytest.approx(expected)


@needs_wordnet
@pytest.mark.parametrize(
    ("candidate", "reference", "expected"),
    [
        ("a b c", "a b c", 1 - 0.5 / 3**3),  # one chunk of three
        ("A B C", "a b c", 1 - 0.5 / 3**3),
        ("the fast car", "the fast auto", 1 - 0.5 / 3**3),  # a synonym
        ("seas rose", "sea rose", 1 - 0.5 / 2**3),  # a stem
        ("a b", "b a", 0.5),  # two chunks of two
        ("a", "a b", 0.5 * (1 * 0.5) / (0.9 * 1 + 0.1 * 0.5)),
        ("north", "south", 0.0),
        ("", "south", 0.0),
    ],
)
def test_meteor_by_hand(candidate, reference, expected):
    assert meteor.meteor(candidate.split(), reference.split()) == pytest.approx(expected)


@needs_wordnet
def test_meteor_is_that_of_nltks_documentation():
    candidate = "It is a guide to action which ensures that the military always obeys the commands of the party"
    reference = "It is a guide to action that ensures that the military will forever heed Party commands"
    assert round(meteor.meteor(candidate.split(), reference.split()), 4) == 0.6944


def test_words_are_nltks():
    assert meteor.words("It's 3.5 km.") == ["It", "'s", "3.5", "km", "."]


@pytest.mark.parametrize(
    "text",
    [
        "The ice melts. Rivers rise. Floods come.",
        "Dr. Wu saw it at 3.5 km, i.e. in the U.S. shelf sea. It froze! Did it? Yes...",
        "See Fig. 2 (top). The flow, ca. 4 m s-1, is eq. 3 of Smith et al. (2020). No. 5 differs.",
        "One line.\nAnother line. and a small letter",
        "",
    ],
)
def test_words_are_those_of_sentences(text):
    """As another implementation of Punkt finds them in the same model, as it was published."""
    model = punkt.load_model("english")
    model = replace(model, numeric_abbrev_types=set())
    sentences = punkt.PunktSentenceTokenizer(model).tokenize(text)
    assert meteor.words(text) == [word for s in sentences for word in NLTKWordTokenizer().tokenize(s)]


@needs_wordnet
def test_meteor_of_three_sentences_by_hand():
    """Ten tokens that all match, in four chunks: `Rivers rise`, `.`, `The ice melts` and the last four."""
    candidate, reference = "Rivers rise. The ice melts. Floods come.", "The ice melts. Rivers rise. Floods come."
    found = text_metrics(candidate, reference, with_meteor=True)["meteor"]
    assert found == pytest.approx(1 - 0.5 * (4 / 10) ** 3)


def test_without_wordnet_meteor_says_what_is_missing(monkeypatch, tmp_path):
    monkeypatch.setattr(nltk.data, "path", [str(tmp_path)])
    monkeypatch.setattr(meteor, "DEBIAN", tmp_path / "wordnet")
    assert "wordnet-base" in meteor.unavailable()


def test_longer_texts_than_any_answer_are_not_measured():
    assert too_long("a" * LONGEST, "b") is None
    assert isinstance(too_long("a" * (LONGEST + 1), "b"), Unscored)
    assert isinstance(too_long("a", "b" * (LONGEST + 1)), Unscored)


def test_two_long_texts_are_not_measured_together():
    assert too_long("a" * LONGEST, "b" * (LARGEST_PRODUCT // LONGEST)) is None
    assert isinstance(too_long("a" * LONGEST, "b" * (LARGEST_PRODUCT // LONGEST + 1)), Unscored)


def test_nothing_of_a_text_is_kept_after_it_was_measured():
    before = unsmoothed().tokenizer.__class__.__call__.cache_info().currsize
    for number in range(100):
        bleu(f"candidate {number}", f"reference {number}")
    assert unsmoothed().tokenizer.__class__.__call__.cache_info().currsize <= before
