"""MSEarth's text metrics against calling sacrebleu and rouge-score directly.

    python tests/bench/benchmark_text.py

Short answers (two words) and captions (about eighty). Both sides compute the same numbers, which is checked, on texts
that neither has seen before, by turns; the ratio is that of their best rounds. METEOR is no part of it.
"""

from __future__ import annotations

import random
import sys
import time
from collections.abc import Iterator, Mapping

from rouge_score.rouge_scorer import RougeScorer
from sacrebleu.metrics.bleu import BLEU
from targets import Target, at_most, exit_code, target_table

from tellurion_benchmark.scorers.msearth_text import ROUGE, text_metrics

ROUNDS = 15
LIMIT = 1.1
TEXT = "sea ice drift wind stress over the Arctic basin shows a warm anomaly of 3.5 K in Fig. (a), m/s and depth"


def texts(rng: random.Random, count: int, words: int) -> list[tuple[str, str]]:
    """Candidates and references, each unlike any other."""
    return [
        tuple(" ".join([*rng.choices(TEXT.split(), k=words - 1), str(rng.random())]) for _ in "ab")
        for _ in range(count)
    ]


def ratio(count: int, words: int) -> float:
    """How much longer ours takes."""
    rng = random.Random(words)
    bleu, rouge = BLEU(tokenize="13a", smooth_method="none"), RougeScorer(ROUGE)
    ours, theirs = [], []
    for _ in range(ROUNDS):
        pairs = texts(rng, count, words)
        started = time.process_time()
        measured = [text_metrics(candidate, reference, with_meteor=False) for candidate, reference in pairs]
        ours.append(time.process_time() - started)
        pairs = texts(rng, count, words)
        started = time.process_time()
        direct = [
            (bleu.corpus_score([candidate], [[reference]]), rouge.score(reference, candidate))
            for candidate, reference in pairs
        ]
        theirs.append(time.process_time() - started)
    again = [text_metrics(candidate, reference, with_meteor=False) for candidate, reference in pairs]
    assert len(measured) == len(direct) == count
    assert [m["bleu"] for m in again] == [b.score / 100 for b, _ in direct]
    assert [m["rougeL"] for m in again] == [r["rougeL"].fmeasure for _, r in direct]
    return min(ours) / min(theirs)


def table() -> dict[str, float]:
    """How much longer ours takes, by the kind of text."""
    return {"short answers": ratio(1000, 2), "captions": ratio(60, 80)}


def targets(ratios: Mapping[str, float]) -> Iterator[Target]:
    """One a kind of text."""
    for texts, times in ratios.items():
        yield at_most(f"text metrics of {texts}, times sacrebleu and rouge-score directly", times, LIMIT)


def report(ratios: Mapping[str, float]) -> str:
    """Nothing that the targets do not say."""
    return ""


def main() -> int:
    """Prints the table of targets."""
    found = list(targets(table()))
    print(target_table(found))
    return exit_code(found)


if __name__ == "__main__":
    sys.exit(main())
