"""OmniEarth-Bench as its release scores it, and corrected: a file beside this one for each kind of question.

The release takes any letter from a to e for a choice, gives as overlap of boxes the accuracy at 0.9 (its log of tasks
has both), rounds the means of chains to four places before their harmonic mean, and joins lines of captions without a
space; `corrected` does none of this.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Collection, Mapping, Sequence
from functools import partial
from typing import ClassVar

from tellurion_benchmark.metrics.bounds import too_long
from tellurion_benchmark.prompts import Prompts
from tellurion_benchmark.scorers import omniearth_caption as captions
from tellurion_benchmark.scorers import omniearth_choice as choice
from tellurion_benchmark.scorers import omniearth_cot as cot
from tellurion_benchmark.scorers import omniearth_grounding as grounding
from tellurion_benchmark.scorers.boxes import THRESHOLDS
from tellurion_benchmark.scorers.judged import Verdict, judged
from tellurion_benchmark.scorers.omniearth_open import mark_in
from tellurion_benchmark.scoring import Ask, Gathered, Item, Json, Message, Scored, Unscored
from tellurion_benchmark.suites import OMNIEARTH

ANSWER_TOKENS: Mapping[str, int] = {
    "single": 64,
    "multiple": 64,
    "grounding": 1024,
    "cot": 8192,
    "open": 2048,
    "caption": 2048,
}
WITH_OPTIONS = frozenset({"single", "multiple", "cot"})
OPEN_JUDGE_TOKENS, CHAIN_JUDGE_TOKENS = 1024, 4096
SYSTEM = Message("system", "You are a helpful assistant.")
"""Before open questions and captions."""
CHAIN_JUDGE = Message("system", "You are an AI assistant that helps people solve their questions.")
NO_TEXT = Unscored("the prediction is no text")
NO_REFERENCE = Unscored("the reference names no option")
NO_SIZE = Unscored("the image's size is not known")


class Official:
    """The release's scorer."""

    suite = "omniearth"
    name = "official"
    corrects: ClassVar[bool] = False

    def __init__(self, prompts: Prompts) -> None:
        self._prompts = prompts
        self.prompt_version = prompts.version
        self.unavailable: Mapping[str, str] = captions.unavailable()
        of_the_corpus: dict[str, Callable[[Sequence[float]], float]] = {
            "cot_f1": partial(cot.corpus_f1, places=None),
            **captions.OF_THE_CORPUS,
        }
        self.pooled: Mapping[str, Callable[[Sequence[float]], float]] = {
            metric: value for metric, value in of_the_corpus.items() if metric not in self.unavailable
        }
        self.shown: Mapping[str, Callable[[Sequence[float]], float]] = (
            {} if self.corrects else {"cot_f1": partial(cot.corpus_f1, places=cot.PLACES)}
        )

    def prepare(self, kinds: Collection[str]) -> None:
        """Nothing is loaded: Java starts when all captions are there."""

    async def answer(self, item: Item, model: Ask) -> Json:
        """A reply in words."""
        listed = item.record["Answer Choices"] if item.kind in WITH_OPTIONS else ()
        options = [option.strip() for option in listed]
        prompt = self._prompts.fill(
            item.kind,
            question=item.record["Text"],
            options="\n".join(options),
            letters=", ".join(choice.letters(len(options))),
        )
        asked = Message("user", prompt, item.images)
        before = [SYSTEM] if item.kind in ("open", "caption") else []
        return await model([*before, asked], max_tokens=ANSWER_TOKENS[item.kind])

    async def score(self, item: Item, prediction: Json, judge: Ask | None) -> Scored | Gathered:
        """What a reply is worth; a caption only beside all others."""
        if not isinstance(prediction, str):
            return self._unscored(item, NO_TEXT)
        match item.kind:
            case "single" | "multiple":
                return self._chosen(item, prediction)
            case "grounding":
                return self._located(item, prediction)
            case "cot":
                return await self._reasoned(item, prediction, judge)
            case "open":
                return await self._answered(item, prediction, judge)
            case _:
                return self._described(item, prediction)

    def finish(self, gathered: Sequence[Json]) -> Sequence[Scored]:
        """The scores of the captions, in their order."""
        return captions.compared(gathered)

    def _chosen(self, item: Item, answer: str) -> Scored:
        options = item.record["Answer Choices"]
        right = choice.whole_letters(item.record["Ground Truth"], len(options))
        if not right:
            return self._unscored(item, NO_REFERENCE)
        found = choice.whole_letters(answer, len(options)) if self.corrects else choice.released_letters(answer)
        score = float(found == right)
        metrics: dict[str, float | Unscored] = {"accuracy": score}
        unable = choice.unable_letter(options)
        if unable is not None:
            metrics["unable_to_decide"] = float(found == unable)
        return Scored(found or None, score, metrics)

    def _located(self, item: Item, answer: str) -> Scored:
        width, height = item.record.get("image_width"), item.record.get("image_height")
        if not width or not height:
            return self._unscored(item, NO_SIZE)
        box = grounding.box_in(answer)
        reference = grounding.reference_box(item.record["Ground Truth"], width, height)
        overlap = 0.0 if box is None else grounding.best_iou(box, reference, width, height)
        metrics = {f"grounding_acc@{threshold}": float(overlap >= threshold) for threshold in THRESHOLDS}
        score = overlap if self.corrects else metrics[f"grounding_acc@{THRESHOLDS[-1]}"]
        extracted = None if box is None else ",".join(f"{number:g}" for number in box)
        return Scored(extracted, score, {"grounding_iou": score, **metrics})

    async def _reasoned(self, item: Item, answer: str, judge: Ask | None) -> Scored:
        steps, pictures = cot.reference_steps(item.record), cot.described_pictures(item.record)
        numbered = [{"step_index": number, "content": step} for number, step in enumerate(steps)]
        complete_in = partial(cot.recall_in, count=len(steps))
        precise = await self._judged_chain(
            item, answer, "judge_cot_precision", [*steps, *pictures], cot.precision_in, judge
        )
        complete = await self._judged_chain(item, answer, "judge_cot_recall", numbered, complete_in, judge)
        precision, recall = precise.score, complete.score
        if isinstance(precision, Unscored) or isinstance(recall, Unscored):
            score: float | Unscored = precision if isinstance(precision, Unscored) else recall
        else:
            score = cot.f1(precision, recall)
        return Scored(
            answer or None,
            score,
            {"cot_precision": precision, "cot_recall": recall},
            {"cot_f1": (*_summed(precision), *_summed(recall))},
            f"{precise.words}\n{complete.words}".strip(),
        )

    async def _judged_chain(
        self,
        item: Item,
        answer: str,
        prompt: str,
        steps: Sequence[Json],
        read: Callable[[str], float | None],
        judge: Ask | None,
    ) -> Verdict:
        record = item.record
        asked = self._prompts.fill(
            prompt,
            question="\n".join([record["Text"], *record["Answer Choices"]]),
            answer=record["Ground Truth"],
            solution=answer,
            gt_annotation=json.dumps(steps, ensure_ascii=False),
        )
        return await judged(judge, [CHAIN_JUDGE, Message("user", asked)], read, max_tokens=CHAIN_JUDGE_TOKENS)

    async def _answered(self, item: Item, answer: str, judge: Ask | None) -> Scored:
        record = item.record
        prompt = self._prompts.fill(
            "judge_open", question=record["Text"], gt_answer=record["Ground Truth"], pred_answer=answer
        )
        asked = [Message("system", self._prompts.fill("judge_open_rules")), Message("user", prompt)]
        verdict = await judged(judge, asked, mark_in, max_tokens=OPEN_JUDGE_TOKENS)
        mark = verdict.score
        strict = mark if isinstance(mark, Unscored) else float(mark == 1)
        return Scored(answer or None, mark, {"open_score": mark, "open_strict": strict}, reason=verdict.words)

    def _described(self, item: Item, answer: str) -> Scored | Gathered:
        if captions.COMPUTED[0] in self.unavailable:
            return self._unscored(item, Unscored(self.unavailable[captions.COMPUTED[0]]))
        joins_lines = not self.corrects
        candidate = captions.plain(answer, joins_lines=joins_lines)
        reference = captions.plain(item.record["Ground Truth"], joins_lines=joins_lines)
        if (reason := too_long(candidate, reference)) is not None:
            return self._unscored(item, reason)
        return Gathered({"candidate": candidate, "reference": reference})

    def _unscored(self, item: Item, reason: Unscored) -> Scored:
        lacking = (*self.unavailable, *self.pooled)
        return Scored(None, reason, dict.fromkeys((m for m in OMNIEARTH.kinds[item.kind] if m not in lacking), reason))


class Corrected(Official):
    """The release's scorer without its defects."""

    name = "corrected"
    corrects = True


def _summed(score: float | Unscored) -> tuple[float, float]:
    """What adds up to a mean: the score and how many there are."""
    return (0.0, 0.0) if isinstance(score, Unscored) else (score, 1.0)
