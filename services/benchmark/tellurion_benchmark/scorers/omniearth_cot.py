"""OmniEarth-Bench's chains of thought, judged as MME-CoT does: precision, recall and their harmonic mean.

Source: Jiang et al. (2025), MME-CoT: benchmarking chain-of-thought in large multimodal models.
"""

from __future__ import annotations

import math
import re
from collections.abc import Mapping, Sequence

from tellurion_benchmark.scorers.reply import value_from
from tellurion_benchmark.scoring import Json

JUDGED_TYPES = frozenset({"logical inference", "image description"})
TYPES = JUDGED_TYPES | {"background information"}
"""Background information is no step that could be right or wrong."""
RIGHT = frozenset({"Match", "Matched", "Reasonable"})
MATCHED = "Matched"
WORDS = RIGHT | {"Wrong", "Unmatched", "N/A"}
"""With which a judge can answer; a reply without any of them says nothing."""
PLACES = 4
"""To which the release rounds a corpus's means."""

_STEP = re.compile(r"\s*+Step\s++\w++\s*+:")
_PICTURE = "is a photo"
"""Marks the steps that say what an image shows; the release does not ask for them."""


def reference_steps(record: Mapping[str, Json]) -> list[str]:
    """What a chain should say: the published inferences, and at last the answer."""
    steps = [_STEP.sub("", step, count=1).strip() for step in record["CoT"]]
    return [step for step in steps if step and _PICTURE not in step] + [f"The answer is {record['Ground Truth']}"]


def described_pictures(record: Mapping[str, Json]) -> list[str]:
    """What the published chain says that images show."""
    steps = [_STEP.sub("", step, count=1).strip() for step in record["CoT"]]
    return [step for step in steps if _PICTURE in step]


def precision_in(reply: str) -> float | None:
    """(matched + reasonable) / (inferences + descriptions) of a judge's steps; 0 where all is background.

    None where it is no list of steps, or none of these has a type that there is.
    """
    steps = _judgements(reply, "step_type")
    if steps is None or not any(step["step_type"] in TYPES for step in steps):
        return None
    judged = [step["judgment"] for step in steps if step["step_type"] in JUDGED_TYPES]
    return sum(judgement in RIGHT for judgement in judged) / len(judged) if judged else 0.0


def recall_in(reply: str, count: int) -> float | None:
    """Matched / `count` reference steps; a step that the judge left out is not matched, and more are not looked at."""
    steps = _judgements(reply)
    return None if steps is None else sum(step["judgment"] == MATCHED for step in steps[:count]) / count


def f1(precision: float, recall: float) -> float:
    """Their harmonic mean; 0 where both are."""
    return 2 * precision * recall / (precision + recall) if precision + recall else 0.0


def corpus_f1(sums: Sequence[float], *, places: int | None) -> float:
    """From the sum of precisions, their count, and the same of recalls; NaN where there are none of either.

    `places`: the means, and what becomes of them, are rounded to so many decimals.
    """
    if not all(sums[1::2]) or not sums:
        return math.nan
    precision, recall = sums[0] / sums[1], sums[2] / sums[3]
    if places is None:
        return f1(precision, recall)
    return round(f1(round(precision, places), round(recall, places)), places)


def _judgements(reply: str, *more: str) -> list[Mapping[str, str]] | None:
    """A judge's list of objects that all have a judgement, and what else is asked for, as text.

    None if it is none, or no judgement is one of `WORDS`.
    """
    steps = value_from(reply, "[")
    if not isinstance(steps, list) or not steps:
        return None
    for step in steps:
        if not isinstance(step, dict) or not all(isinstance(step.get(key), str) for key in ("judgment", *more)):
            return None
    return steps if any(step["judgment"] in WORDS for step in steps) else None
