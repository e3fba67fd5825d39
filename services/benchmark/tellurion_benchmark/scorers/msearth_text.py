"""MSEarth's metrics of a text against its reference: per sample, so that the mean over samples is theirs."""

from __future__ import annotations

from tellurion_benchmark.metrics import absent, meteor
from tellurion_benchmark.metrics.bleu import bleu
from tellurion_benchmark.metrics.bounds import too_long
from tellurion_benchmark.metrics.rouge import rouge
from tellurion_benchmark.scoring import Unscored

ROUGE = ("rouge1", "rouge2", "rougeL", "rougeLsum")
BLEU = ("bleu", "bleu1", "bleu2", "bleu3", "bleu4")
"""The second to the fifth are n-gram precisions, whatever their names."""
NAMES = (*BLEU, *ROUGE, "meteor")
BLANK = Unscored("blank answer")


def unavailable() -> dict[str, str]:
    """Which of MSEarth's metrics this installation lacks, and why."""
    reasons = {"bertscore": absent.BERTSCORE, "meteor": meteor.unavailable()}
    return {name: reason for name, reason in reasons.items() if reason is not None}


def text_metrics(candidate: str, reference: str, *, with_meteor: bool) -> dict[str, float | Unscored]:
    """Each metric in [0, 1]; a blank candidate is in no mean."""
    reason = too_long(candidate, reference) if candidate.strip() else BLANK
    if reason is not None:
        return dict.fromkeys(NAMES if with_meteor else NAMES[:-1], reason)
    found = bleu(candidate, reference)
    metrics: dict[str, float | Unscored] = dict(zip(BLEU, (found.score, *found.precisions), strict=True))
    metrics |= rouge(candidate, reference, ROUGE, stemmed=False)
    if with_meteor:
        metrics["meteor"] = meteor.meteor(meteor.words(candidate), meteor.words(reference))
    return metrics
