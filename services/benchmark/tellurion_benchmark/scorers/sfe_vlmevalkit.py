"""SFE as VLMEvalKit asks and scores it (its SFE and SFE-zh).

A judge gives every answer a digit from 0 to 9, boxes too. VLMEvalKit shows images where `<image>` stands in a question,
here they come first; it gives 0 where three replies of the judge hold no digit, here the item has no score then.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from string import ascii_uppercase

from tellurion_benchmark.prompts import Prompts
from tellurion_benchmark.scorers.alone import Alone
from tellurion_benchmark.scorers.judged import judged_warmer
from tellurion_benchmark.scorers.sfe import question_type
from tellurion_benchmark.scoring import NOTHING, Ask, Item, Json, Message, Scored, Unscored

ANSWER_TOKENS = 4096
JUDGE_TOKENS = 1024
BEST_MARK = 9
LETTERS = ascii_uppercase[:15]
"""Of the options that are shown: A to O."""
IMAGE = "<image>"
NO_TEXT = Unscored("the prediction is no text")

_LABEL = re.compile(r"\(?([A-O])\s*+[).:]\s*+")


class VLMEvalKit(Alone):
    """One judge for everything."""

    suite = "sfe"
    name = "vlmevalkit"
    unavailable: Mapping[str, str] = NOTHING

    def __init__(self, prompts: Prompts) -> None:
        self._prompts = prompts
        self.prompt_version = prompts.version

    async def answer(self, item: Item, model: Ask) -> Json:
        """A reply that should be a letter, a few words, or boxes."""
        kind, record = question_type(item), item.record
        prompt = self._prompts.fill(
            f"vlmevalkit_{kind}",
            field=record["field"],
            question=record["question"].replace(IMAGE, "").strip(),
            options="\n".join(labelled(record["options"])) if kind == "mcq" else "",
        )
        return await model([Message("user", prompt, item.images)], max_tokens=ANSWER_TOKENS)

    async def score(self, item: Item, prediction: Json, judge: Ask | None) -> Scored:
        """The judge's digit in percent of 9; no score where it gave none."""
        if not isinstance(prediction, str):
            return Scored(None, NO_TEXT, {"judge_score": NO_TEXT})
        prompt = self._prompts.fill(
            "vlmevalkit_judge",
            question=item.record["question"],
            answer=item.record["answer"],
            prediction=prediction,
        )
        verdict = await judged_warmer(judge, [Message("user", prompt)], percent, max_tokens=JUDGE_TOKENS)
        return Scored(prediction or None, verdict.score, {"judge_score": verdict.score}, reason=verdict.words)


def labelled(options: list[str]) -> list[str]:
    """The options A to O, each with its letter once."""
    return [f"{letter}. {_without(letter, option.strip())}" for letter, option in zip(LETTERS, options, strict=False)]


def percent(reply: str) -> float | None:
    """A reply of digits alone that are 0 to 9, in percent of 9."""
    digits = reply.strip()
    significant = digits.lstrip("0") or "0"
    return int(significant) / BEST_MARK * 100 if digits.isdecimal() and len(significant) == 1 else None


def _without(letter: str, option: str) -> str:
    label = _LABEL.match(option)
    return option[label.end() :] if label and label[1] == letter else option
