"""SFE's metrics of an open-ended answer as text, beside its judge's mark."""

from __future__ import annotations

from tellurion_benchmark.metrics import absent, meteor
from tellurion_benchmark.metrics.bleu import smoothed_bleu
from tellurion_benchmark.metrics.bounds import too_long
from tellurion_benchmark.metrics.characters import characters_apart
from tellurion_benchmark.metrics.rouge import rouge
from tellurion_benchmark.scoring import Unscored


def unavailable(*, corrected: bool) -> dict[str, str]:
    """Which of these metrics this installation lacks, and why; the release's METEOR, a zero, is always to be had."""
    reasons = {"bertscore": absent.BERTSCORE, "meteor": meteor.unavailable() if corrected else None}
    return {name: reason for name, reason in reasons.items() if reason is not None}


def released_metrics(candidate: str, reference: str) -> dict[str, float | Unscored]:
    """ROUGE-L F of Latin words, smoothed BLEU of words between spaces, and METEOR, a zero, as the release has it.

    A Chinese text is one word to its BLEU, and none to its ROUGE.
    """
    if (reason := too_long(candidate, reference)) is not None:
        return {"rougeL": reason, "bleu": reason, "meteor": 0.0}
    overlap = rouge(candidate, reference, ("rougeL",), stemmed=True)
    return {**overlap, "bleu": smoothed_bleu(candidate, reference), "meteor": 0.0}


def corrected_metrics(candidate: str, reference: str, *, with_meteor: bool) -> dict[str, float | Unscored]:
    """The same where each Chinese character is a word, and METEOR of the same words as BLEU."""
    names = ("rougeL", "bleu", "meteor") if with_meteor else ("rougeL", "bleu")
    if (reason := too_long(candidate, reference)) is not None:
        return dict.fromkeys(names, reason)
    metrics: dict[str, float | Unscored] = {}
    metrics |= rouge(candidate, reference, ("rougeL",), stemmed=True, characters=True)
    candidate, reference = characters_apart(candidate), characters_apart(reference)
    metrics["bleu"] = smoothed_bleu(candidate, reference)
    if with_meteor:
        metrics["meteor"] = meteor.meteor(candidate.split(), reference.split())
    return metrics
