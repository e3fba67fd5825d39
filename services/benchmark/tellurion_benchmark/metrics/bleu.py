"""BLEU of one text against one reference: sacrebleu's without smoothing, and NLTK's with it."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache

from nltk.translate.bleu_score import SmoothingFunction, sentence_bleu
from sacrebleu.metrics.bleu import BLEU
from sacrebleu.tokenizers.tokenizer_13a import Tokenizer13a
from sacrebleu.tokenizers.tokenizer_re import TokenizerRegexp


@dataclass(frozen=True, slots=True)
class Bleu:
    """BLEU and what it is made of, in [0, 1]."""

    score: float
    """Brevity penalty times the geometric mean of the precisions; 0 where one of them is."""
    precisions: tuple[float, ...]
    """Of 1-grams to 4-grams; 0 where the candidate has none."""


def bleu(candidate: str, reference: str) -> Bleu:
    """13a tokens, case kept, unsmoothed. Source: Post (2018), A call for clarity in reporting BLEU scores."""
    found = unsmoothed().corpus_score([candidate], [[reference]])
    Tokenizer13a.__call__.cache_clear()  # they keep 65 536 texts each, and none comes again
    TokenizerRegexp.__call__.cache_clear()
    return Bleu(found.score / 100, tuple(precision / 100 for precision in found.precisions))


@cache
def unsmoothed() -> BLEU:
    """The metric as MSEarth has it."""
    return BLEU(tokenize="13a", smooth_method="none")


def smoothed_bleu(candidate: str, reference: str) -> float:
    """NLTK's sentence BLEU in [0, 1] of tokens between spaces, method 1: counts of zero become 0.1.

    Source: Chen and Cherry (2014), A systematic comparison of smoothing techniques for sentence-level BLEU.
    """
    return float(sentence_bleu([reference.split()], candidate.split(), smoothing_function=SmoothingFunction().method1))
