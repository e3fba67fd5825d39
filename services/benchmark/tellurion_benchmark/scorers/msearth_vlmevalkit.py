"""MSEarth's multiple-choice questions as VLMEvalKit asks and scores them (its MSEarthMCQ).

An option is inferred from the answer by rules; where they find none, a judge is asked which option the answer means.
It is asked warmer each time, as in SFE's protocol. After three replies without one VLMEvalKit guesses at random; here
the item has no score then.
"""

from __future__ import annotations

import re
from collections.abc import Mapping

from tellurion_benchmark.prompts import Prompts
from tellurion_benchmark.scorers.alone import Alone
from tellurion_benchmark.scorers.judged import judged_warmer
from tellurion_benchmark.scoring import NOTHING, Ask, Item, Json, Message, NoAnswer, Scored, Unscored

ANSWER_TOKENS = 4096
JUDGE_TOKENS = 1024
NO_OPTION = "Z"
"""Stands for a refusal, and is always wrong."""
ONLY_CHOICE = "VLMEvalKit has only the multiple-choice questions"
NO_TEXT = Unscored("the prediction is no text")
REFUSALS = (
    "Sorry, I can't help with images of people yet.",
    "I can't process this file.",
    "I'm sorry, but without the image provided",
    "Cannot determine the answer",
)
FROM_THE_END = 4
"""A letter counts among so many last words."""

_OPTION = re.compile(r"\s*([A-D])\.\s*(.+)")
_ANSWER_IS = re.compile(r"answer\s++is\s++\**+([ABCD])", re.IGNORECASE)
_TO_SPACES = str.maketrans(dict.fromkeys(".()[],:;!*#{}", " "))


class VLMEvalKit(Alone):
    """Its rules, and a judge where they find nothing."""

    suite = "msearth"
    name = "vlmevalkit"
    unavailable: Mapping[str, str] = NOTHING

    def __init__(self, prompts: Prompts) -> None:
        self._prompts = prompts
        self.prompt_version = prompts.version

    async def answer(self, item: Item, model: Ask) -> Json:
        """A reply that should name an option."""
        if item.kind != "mcq":
            raise NoAnswer(ONLY_CHOICE)
        question, options = question_and_options(item.record["query"])
        prompt = self._prompts.fill("vlmevalkit_mcq", question=question, options=_listed(options))
        return await model([Message("user", prompt, item.images)], max_tokens=ANSWER_TOKENS)

    async def score(self, item: Item, prediction: Json, judge: Ask | None) -> Scored:
        """1 where the inferred option is the right one; without a judge, no score where the rules find none."""
        if item.kind != "mcq":
            return Scored(None, Unscored(ONLY_CHOICE))
        if not isinstance(prediction, str):
            return Scored(None, NO_TEXT, {"mcq_accuracy": NO_TEXT})
        answer = prediction.strip()
        question, options = question_and_options(item.record["query"])
        right = item.record["response"].strip()[:1].upper()
        option = inferred(answer, options)
        if option is not None:
            score = float(option == right)
            return Scored(option, score, {"mcq_accuracy": score})

        def read(reply: str) -> float | None:
            meant = inferred(reply, options)
            return None if meant is None else float(meant == right)

        prompt = self._prompts.fill("vlmevalkit_judge", question=question, options=_listed(options), answer=answer)
        verdict = await judged_warmer(judge, [Message("user", prompt)], read, max_tokens=JUDGE_TOKENS)
        return Scored(None, verdict.score, {"mcq_accuracy": verdict.score}, reason=verdict.words)


def question_and_options(query: str) -> tuple[str, dict[str, str]]:
    """A published query without its image mark and first label, and its options by letter."""
    question, _, listed = query.strip().removeprefix("<image>").lstrip().removeprefix("Caption:").partition("Options:")
    found = (_OPTION.match(line) for line in listed.splitlines())
    return question.strip(), {match[1]: match[2].strip() for match in found if match}


def inferred(answer: str, options: Mapping[str, str]) -> str | None:
    """The option that an answer names, by VLMEvalKit's rules in their order; None where they find none.

    One letter alone, near the end; "answer is" and a letter; the text of one option, in an answer not much longer than
    all of them.
    """
    if any(refusal in answer for refusal in REFUSALS):
        return NO_OPTION
    words = answer.translate(_TO_SPACES).split()
    letters = [letter for letter in options if letter in words]
    if len(letters) == 1 and words.index(letters[0]) >= len(words) - FROM_THE_END:
        return letters[0]
    if not letters and NO_OPTION in words:
        return NO_OPTION
    said = _ANSWER_IS.search(answer)
    if said and said[1].upper() in options:
        return said[1].upper()
    lowered = answer.lower()
    if len(lowered) > 2 * sum(map(len, options.values())):
        return None
    texts = [letter for letter, text in options.items() if text.lower() in lowered]
    return texts[0] if len(texts) == 1 else None


def _listed(options: Mapping[str, str]) -> str:
    return "".join(f"{letter}. {text}\n" for letter, text in options.items())
