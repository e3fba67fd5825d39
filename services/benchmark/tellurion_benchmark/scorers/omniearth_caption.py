"""OmniEarth-Bench's captions, which pycocoevalcap compares all at once: rare n-grams weigh more than common ones.

How rare they are is counted over the references of the captions that are compared, as in the release: an item without
an answer counts for nothing, so CIDErs of two models are the same scale only where both answered the same items. All
captions are in memory at once, some kilobytes each.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from functools import partial

from tellurion_benchmark.metrics import absent, coco, java, meteor_java, ptb
from tellurion_benchmark.scoring import Json, Scored, Unscored

COMPUTED = ("caption_cider", "caption_rougeL")
"""By item; the other metrics are of the whole corpus."""
OF_THE_CORPUS: Mapping[str, Callable[[Sequence[float]], float]] = {
    **{f"caption_bleu{order}": partial(coco.bleu, order=order) for order in range(1, coco.ORDERS + 1)},
    "caption_meteor": meteor_java.meteor_of,
}
"""From the sum of the items' statistics."""

_RELEASED_MARKS, _MARKS = re.compile(r"[#*\n]"), re.compile(r"[#*]")


def unavailable() -> dict[str, str]:
    """Which metrics this installation lacks, and why: all of them where no Java program can run."""
    reason = java.unavailable()
    lacking = {} if reason is None else dict.fromkeys((*COMPUTED, *OF_THE_CORPUS), reason)
    return lacking | {"caption_spice": absent.SPICE}


def plain(text: str, *, joins_lines: bool) -> str:
    """A text without marks of Markdown; `joins_lines`: the release deletes line ends, which joins two words."""
    return _RELEASED_MARKS.sub("", text) if joins_lines else _MARKS.sub("", text)


def compared(captions: Sequence[Json]) -> list[Scored]:
    """The scores of all captions, each a `candidate` and a `reference`, in their order."""
    if not captions:
        return []
    texts = [caption[side] for side in ("candidate", "reference") for caption in captions]
    try:
        tokens = ptb.tokens(texts)
    except java.JavaFailed as error:
        failed = Unscored(str(error))
        return [Scored(caption["candidate"] or None, failed, dict.fromkeys(COMPUTED, failed)) for caption in captions]
    pairs = list(zip(tokens[: len(captions)], tokens[len(captions) :], strict=True))
    statistics, reason = _meteor(pairs)
    return [
        _scored(caption["candidate"], pair, cider, meteor, reason)
        for caption, pair, cider, meteor in zip(captions, pairs, coco.cider(pairs), statistics, strict=True)
    ]


def _meteor(pairs: Sequence[tuple[str, str]]) -> tuple[Sequence[tuple[float, ...] | None], str]:
    try:
        return meteor_java.statistics(pairs), ""
    except java.JavaFailed as error:
        return [None] * len(pairs), str(error)


def _scored(
    candidate: str, pair: tuple[str, str], cider: float, meteor: tuple[float, ...] | None, reason: str
) -> Scored:
    pooled = dict.fromkeys(OF_THE_CORPUS, coco.bleu_statistics(*pair))
    if meteor is None:
        del pooled["caption_meteor"]
    else:
        pooled["caption_meteor"] = meteor
    metrics = {"caption_cider": cider, "caption_rougeL": coco.rouge_l(*pair)}
    return Scored(candidate or None, cider, metrics, pooled, reason)
