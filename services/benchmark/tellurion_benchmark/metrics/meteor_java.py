"""METEOR 1.5, the Java program that pycocoevalcap calls, of English tokens: not NLTK's, and not comparable with it."""

from __future__ import annotations

import math
from collections.abc import Sequence
from pathlib import Path

from pycocoevalcap.meteor import meteor

from tellurion_benchmark.metrics import java

JAR = Path(meteor.__file__).with_name(meteor.METEOR_JAR)
PROGRAM = ("-jar", str(JAR), "-", "-", "-stdio", "-l", "en", "-norm")
SECONDS_TO_START, SECONDS_FOR_A_PAIR = 300.0, 2.0
"""It reads a million paraphrases first."""
STATISTICS = 23
"""What it tells of a pair, as numbers that add up over a corpus."""

ALPHA, BETA, GAMMA, DELTA = 0.85, 0.2, 0.6, 0.75
"""Weight of precision, penalty of fragments (its power and its share), weight of content words."""
MATCHERS = (1.0, 0.6, 0.8, 0.6)
"""Weights of what matches as the same word, the same stem, a synonym, a paraphrase."""


def statistics(pairs: Sequence[tuple[str, str]]) -> list[tuple[float, ...]]:
    """The statistics [23] of each candidate and its reference, both tokens between spaces.

    In their order: tokens and function words, of the candidate and of the reference, each; for each matcher content and
    function words that match, of both; chunks; tokens that match, of both. A pair that agrees wholly adds no chunk.
    Raises JavaFailed.
    """
    if not pairs:
        return []
    lines = [f"SCORE ||| {_plain(reference)} ||| {_plain(candidate)}" for candidate, reference in pairs]
    seconds = SECONDS_TO_START + SECONDS_FOR_A_PAIR * len(pairs)
    found = [tuple(map(float, line.split())) for line in java.answers("METEOR", PROGRAM, lines, seconds=seconds)]
    if any(len(one) != STATISTICS for one in found):
        raise java.JavaFailed("METEOR answered something else than its statistics")
    return [(*one[:20], 0.0, *one[21:]) if _agrees(one) else one for one in found]


def meteor_of(sums: Sequence[float]) -> float:
    """METEOR in [0, 1] of a corpus, from the sum [23] of its pairs' statistics; NaN of no text.

    Source: Denkowski and Lavie (2014), Meteor Universal, with its parameters for English.
    """
    if not any(sums):
        return math.nan
    length, reference_length, function_words, reference_function_words = sums[:4]
    matched = reference_matched = 0.0
    for place, weight in enumerate(MATCHERS):
        content, reference_content, function, reference_function = sums[4 + 4 * place : 8 + 4 * place]
        matched += weight * _weighed(content, function)
        reference_matched += weight * _weighed(reference_content, reference_function)
    chunks, words, reference_words = sums[20:]
    if not matched or not reference_matched:
        return 0.0
    precision = matched / _weighed(length - function_words, function_words)
    recall = reference_matched / _weighed(reference_length - reference_function_words, reference_function_words)
    mean = precision * recall / (ALPHA * precision + (1 - ALPHA) * recall)
    fragments = chunks / ((words + reference_words) / 2)
    return mean * (1 - GAMMA * math.pow(fragments, BETA))


def _agrees(statistics: Sequence[float]) -> bool:
    length, reference_length, *_ = statistics
    return tuple(statistics[20:]) == (1.0, length, reference_length)


def _weighed(content: float, function: float) -> float:
    return DELTA * content + (1 - DELTA) * function


def _plain(text: str) -> str:
    """The text without the mark that separates what the program reads."""
    return text.replace("|||", "")
