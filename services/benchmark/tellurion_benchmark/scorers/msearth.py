"""MSEarth as its release scores it, and corrected.

Multiple-choice answers are compared; open answers and captions are judged beside their image, and measured as text.
The release compares option letters case-sensitively, and deletes every backslash of a model's reply before it reads
its JSON, which keeps formulas readable and breaks quotation marks; `corrected` does neither.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import ClassVar

from tellurion_benchmark.metrics import meteor
from tellurion_benchmark.prompts import Prompts
from tellurion_benchmark.scorers import msearth_text
from tellurion_benchmark.scorers.alone import Alone
from tellurion_benchmark.scorers.judged import judged
from tellurion_benchmark.scorers.msearth_choice import option_and_content, same_choice
from tellurion_benchmark.scorers.reply import object_in, value_from
from tellurion_benchmark.scoring import Ask, Item, Json, Message, Scored, Unscored
from tellurion_benchmark.suites import MSEARTH
from tellurion_core.encodable import encodable

ANSWER_KEYS: Mapping[str, str] = {"mcq": "answer", "open": "answer", "caption": "caption"}
"""Under which key of the JSON that is asked for the answer stands."""
ANSWER_TOKENS = 4096
"""The release leaves it to the server."""
JUDGE_TOKENS = 1024
NO_TEXT = Unscored("the prediction is no text")


class Official(Alone):
    """The release's scorer."""

    suite = "msearth"
    name = "official"
    corrects: ClassVar[bool] = False

    def __init__(self, prompts: Prompts) -> None:
        self._prompts = prompts
        self._lacking = msearth_text.unavailable()
        self.prompt_version = prompts.version
        self.unavailable: Mapping[str, str] = {
            f"{kind}_{metric}": reason for kind in ("open", "caption") for metric, reason in self._lacking.items()
        }

    def prepare(self, kinds: Collection[str]) -> None:
        """Loads METEOR's words, where texts are measured."""
        if not {"open", "caption"}.isdisjoint(kinds) and "meteor" not in self._lacking:
            meteor.load()

    async def answer(self, item: Item, model: Ask) -> Json:
        """A reply that should hold JSON; only the first image is shown, as in the release."""
        prompt = self._prompts.fill(item.kind, question=question(item))
        return await model([Message("user", prompt, item.images[:1])], max_tokens=ANSWER_TOKENS)

    async def score(self, item: Item, prediction: Json, judge: Ask | None) -> Scored:
        """What a reply is worth; a judge that fails leaves the other metrics as they are."""
        if not isinstance(prediction, str):
            computed = (metric for metric in MSEARTH.kinds[item.kind] if metric not in self.unavailable)
            return Scored(None, NO_TEXT, dict.fromkeys(computed, NO_TEXT))
        answer = answer_in(prediction, ANSWER_KEYS[item.kind], corrected=self.corrects)
        if item.kind == "mcq":
            right = float(same_choice(answer, item.record["response"], folded=self.corrects))
            option, content = option_and_content(answer)
            return Scored(option or content or None, right, {"mcq_accuracy": right})
        return await self._judged(item, answer, judge)

    async def _judged(self, item: Item, answer: str, judge: Ask | None) -> Scored:
        reference = item.record["response"]
        prompt = self._prompts.fill(
            f"judge_{item.kind}",
            question=question(item),
            caption=item.record.get("caption", ""),
            reference=reference,
            answer=answer,
        )
        read = correctness if item.kind == "open" else mark
        verdict = await judged(judge, [Message("user", prompt, item.images[:1])], read, max_tokens=JUDGE_TOKENS)
        measured = msearth_text.text_metrics(answer, reference, with_meteor="meteor" not in self._lacking)
        metrics = {MSEARTH.kinds[item.kind][0]: verdict.score}
        metrics |= {f"{item.kind}_{metric}": value for metric, value in measured.items()}
        return Scored(answer or None, verdict.score, metrics, reason=verdict.words)


class Corrected(Official):
    """The release's scorer with option letters in either case, and JSON read as it was meant."""

    name = "corrected"
    corrects = True


def question(item: Item) -> str:
    """The question without the mark where an image would stand."""
    return item.record["query"].replace("<image>", "")


def answer_in(reply: str, key: str, *, corrected: bool) -> str:
    """What a model's JSON has under a key, or all of a reply without JSON; empty where there is no such text.

    The release deletes backslashes first. `corrected`: they are kept, and an object that it does not find, since braces
    or backslashes of a formula are in it, is looked for as `value_from` does.
    """
    if not corrected:
        reply = reply.replace("\\", "")
    found: Json = object_in(reply)
    if found is None and corrected:
        found = value_from(reply, "{")
    if not isinstance(found, dict):
        return encodable(reply)
    answer = found.get(key)
    return encodable(answer) if isinstance(answer, str) else ""


def correctness(reply: str) -> float | None:
    """What a judge's JSON says under `is_correct`: 1.0, 0.0 or nothing that can be read."""
    match (object_in(reply) or {}).get("is_correct"):
        case bool(said):
            return float(said)
        case str(said):
            return {"true": 1.0, "1": 1.0, "false": 0.0, "0": 0.0}.get(said.strip().lower())
    return None


def mark(reply: str) -> float | None:
    """What a judge's JSON says under `score`: 1 to 5, or nothing that can be read."""
    said = (object_in(reply) or {}).get("score")
    if not isinstance(said, str):
        return None
    try:
        value = float(said)
    except ValueError:
        return None
    return value if 1 <= value <= 5 else None
