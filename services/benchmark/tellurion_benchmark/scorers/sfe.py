"""SFE as its release scores it, an lmms-eval task, and corrected; in English or Chinese.

A judge marks every answer from 0 to 10, except for boxes, whose overlap is measured. The release counts every other
item as a zero of acc@t, marks an answer 0 where its judge names no number, and takes marks above 10 as they are;
`corrected` averages acc@t over boxes alone, and has no score for such marks. What differs in text metrics is in
`sfe_text`.
"""

from __future__ import annotations

import math
import re
from collections.abc import Collection, Mapping
from typing import ClassVar

from tellurion_benchmark.metrics import meteor
from tellurion_benchmark.prompts import Prompts
from tellurion_benchmark.readers.reading import Fields
from tellurion_benchmark.readers.sfe import KINDS
from tellurion_benchmark.scorers import sfe_text
from tellurion_benchmark.scorers.alone import Alone
from tellurion_benchmark.scorers.boxes import THRESHOLDS
from tellurion_benchmark.scorers.judged import judged
from tellurion_benchmark.scorers.sfe_boxes import MOST, boxes_in, greedy_iou
from tellurion_benchmark.scoring import Ask, Item, Json, Message, Scored, Unscored
from tellurion_benchmark.suites import SFE

ANSWER_TOKENS = 1024
JUDGE_TOKENS = 20
SYSTEM = Message("system", "You are a helpful and precise assistant for checking the correctness of the answer.")
BEST_MARK = 10
PERCENT_OF_A_MARK = 10.0
ACCURACIES: Mapping[str, float] = {f"acc@{threshold}": threshold for threshold in THRESHOLDS}
"""By name, the overlap that counts as a hit when it is exceeded."""
NO_TEXT = Unscored("the prediction is no text")
NO_BOX = Unscored("no box in the answer")
NO_REFERENCE = Unscored(f"the reference does not hold 1 to {MOST} boxes")

_INTEGER = re.compile(r"-?\d++")


class Official(Alone):
    """The release's scorer."""

    suite = "sfe"
    name = "official"
    corrects: ClassVar[bool] = False

    def __init__(self, prompts: Prompts) -> None:
        self._prompts = prompts
        self.prompt_version = prompts.version
        self.unavailable: Mapping[str, str] = sfe_text.unavailable(corrected=self.corrects)

    def prepare(self, kinds: Collection[str]) -> None:
        """Loads METEOR's words, where open answers are measured by it."""
        if self.corrects and "open_ended" in kinds and "meteor" not in self.unavailable:
            meteor.load()

    async def answer(self, item: Item, model: Ask) -> Json:
        """A reply that should be a letter, a few words, or boxes."""
        return await model([Message("user", self._asked(item), item.images)], max_tokens=ANSWER_TOKENS)

    async def score(self, item: Item, prediction: Json, judge: Ask | None) -> Scored:
        """What a reply is worth; a judge that fails leaves the other metrics as they are."""
        if not isinstance(prediction, str):
            return Scored(None, NO_TEXT, dict.fromkeys(self._metrics(item.kind), NO_TEXT))
        if item.kind == "boxes":
            return self._overlapped(item, prediction)
        prompt = self._prompts.fill("judge", question=self._asked(item), answer=item.record["answer"], pred=prediction)
        verdict = await judged(judge, [SYSTEM, Message("user", prompt)], self._percent, max_tokens=JUDGE_TOKENS)
        metrics: dict[str, float | Unscored] = {"judge_score": verdict.score}
        if item.kind == "open_ended":
            metrics |= self._measured(prediction, item.record["answer"])
        if not self.corrects:
            metrics |= dict.fromkeys(ACCURACIES, 0.0)
        return Scored(prediction or None, verdict.score, metrics, reason=verdict.words)

    def _metrics(self, kind: str) -> list[str]:
        """Those that an item of this kind enters."""
        return [metric for metric in SFE.under(self.name).kinds[kind] if metric not in self.unavailable]

    def _asked(self, item: Item) -> str:
        return self._prompts.fill(question_type(item), **question(item))

    def _percent(self, reply: str) -> float | None:
        mark = corrected_mark(reply) if self.corrects else released_mark(reply)
        return None if mark is None else mark * PERCENT_OF_A_MARK

    def _measured(self, answer: str, reference: str) -> dict[str, float | Unscored]:
        if self.corrects:
            return sfe_text.corrected_metrics(answer, reference, with_meteor="meteor" not in self.unavailable)
        return sfe_text.released_metrics(answer, reference)

    def _overlapped(self, item: Item, answer: str) -> Scored:
        references, found = boxes_in(item.record["answer"]), boxes_in(answer)
        if not 1 <= len(references) <= MOST:
            return Scored(None, NO_REFERENCE, dict.fromkeys(self._metrics("boxes"), NO_REFERENCE))
        if not found:
            return Scored(None, NO_BOX, {"iou": NO_BOX, "execution_success": 0.0, **dict.fromkeys(ACCURACIES, 0.0)})
        overlap = greedy_iou(references, found)
        hits = {name: float(overlap > threshold) for name, threshold in ACCURACIES.items()}
        extracted = "; ".join(",".join(f"{number:g}" for number in box) for box in found[: len(references)])
        return Scored(extracted, overlap, {"iou": overlap, "execution_success": 1.0, **hits})


class Corrected(Official):
    """The release's scorer without its defects."""

    name = "corrected"
    corrects = True


def question_type(item: Item) -> str:
    """How a question is asked: also one about boxes has a published type."""
    return Fields(item.record, item.id).kind("question_type", KINDS)


def question(item: Item) -> dict[str, str]:
    """What prompts say of a question."""
    record = item.record
    return {
        "field": record["field"],
        "question": record["question"],
        "options": "\n".join(record["options"]) if question_type(item) == "mcq" else "",
    }


def released_mark(reply: str) -> float | None:
    """The first run of digits as a number, whatever its sign and size; 0 without one; None where it is infinite."""
    found = _INTEGER.search(reply)
    mark = float(found[0].removeprefix("-")) if found else 0.0
    return mark if math.isfinite(mark) else None


def corrected_mark(reply: str) -> float | None:
    """The first integer, if it is from 0 to 10."""
    found = _INTEGER.search(reply)
    mark = float(found[0]) if found else math.nan
    return mark if 0 <= mark <= BEST_MARK else None
