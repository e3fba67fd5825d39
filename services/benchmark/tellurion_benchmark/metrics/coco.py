"""Captions as pycocoevalcap compares them: BLEU of a corpus, ROUGE-L and CIDEr, of tokens between spaces."""

from __future__ import annotations

import math
from collections.abc import Sequence

from pycocoevalcap.bleu.bleu_scorer import cook_refs, cook_test
from pycocoevalcap.cider.cider_scorer import CiderScorer
from pycocoevalcap.rouge.rouge import Rouge

ORDERS = 4
SMALL, TINY = 1e-9, 1e-15
"""What pycocoevalcap adds so that nothing is divided by zero."""


def bleu_statistics(candidate: str, reference: str) -> tuple[float, ...]:
    """What adds up over a corpus: n-grams that match [4], n-grams [4], tokens of the candidate and of the reference."""
    counts = cook_test(candidate, cook_refs([reference]))
    return (*counts["correct"], *counts["guess"], counts["testlen"], counts["reflen"][0])


def bleu(sums: Sequence[float], order: int) -> float:
    """BLEU-1 to BLEU-4 in [0, 1], from the sum [10] of statistics; unsmoothed, and NaN of no text.

    Source: Papineni et al. (2002), BLEU: a method for automatic evaluation of machine translation.
    """
    if not any(sums):
        return math.nan
    correct, guessed, (length, reference_length) = sums[:ORDERS], sums[ORDERS : 2 * ORDERS], sums[2 * ORDERS :]
    precisions = [(correct[n] + TINY) / (guessed[n] + SMALL) for n in range(order)]
    ratio = (length + TINY) / (reference_length + SMALL)
    brevity = math.exp(1 - 1 / ratio) if ratio < 1 else 1.0
    return brevity * math.prod(precisions) ** (1 / order)


def rouge_l(candidate: str, reference: str) -> float:
    """ROUGE-L F in [0, 1] with β = 1.2: recall weighs more. Source: Lin (2004), ROUGE."""
    return float(Rouge().calc_score([candidate], [reference]))


def cider(pairs: Sequence[tuple[str, str]]) -> list[float]:
    """CIDEr-D from 0 to 10 of each candidate; an n-gram weighs the more, the fewer references of the corpus have it.

    A corpus of one has no such weights, and scores 0. Source: Vedantam et al. (2015), CIDEr.
    """
    if not any(reference.split() for _, reference in pairs):
        return [0.0] * len(pairs)
    scorer = CiderScorer()
    for candidate, reference in pairs:
        scorer += (candidate, [reference])
    return [float(score) for score in scorer.compute_score()[1]]
