"""EarthSE as its release scores it, and corrected.

Choices, statements and blanks are compared; a judge chooses between the reference and a free answer, whose similarity
is measured too; dialogues are scored as `earthse_gold` says. The release strips nothing and folds no case, counts what
its judge says beside `B` as a loss, and shows the judge of dialogues their second turn alone: `corrected` strips and
folds, has no score for a reply beside `A` and `B`, and shows both.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from typing import ClassVar

from tellurion_benchmark.metrics import embeddings
from tellurion_benchmark.prompts import Prompts
from tellurion_benchmark.scorers import earthse_gold as gold
from tellurion_benchmark.scorers.alone import Alone
from tellurion_benchmark.scorers.judged import Verdict, judged
from tellurion_benchmark.scoring import Ask, Item, Json, Message, Scored, Unscored
from tellurion_benchmark.suites import EARTHSE

EMBEDDED = ("free_form_similarity", "diversity", "ses")
"""What embeddings are needed for."""
SYSTEM = Message("system", "You are a helpful assistant.")
TOKENS = 4096
"""For the model and the judge alike."""
NO_TEXT = Unscored("the prediction is no text")
NO_DIALOGUES = Unscored("the prediction does not hold three dialogues of two answers")
NO_RANK = Unscored("the rank is not from 1 to 4")


class Official(Alone):
    """The release's scorer."""

    suite = "earthse"
    name = "official"
    corrects: ClassVar[bool] = False

    def __init__(self, prompts: Prompts) -> None:
        self._prompts = prompts
        self.prompt_version = prompts.version
        reason = embeddings.unavailable()
        self.unavailable: Mapping[str, str] = {} if reason is None else dict.fromkeys(EMBEDDED, reason)

    def prepare(self, kinds: Collection[str]) -> None:
        """Loads the model of embeddings, where something is embedded."""
        if not {"free_form", "gold"}.isdisjoint(kinds) and not self.unavailable:
            embeddings.load()

    async def answer(self, item: Item, model: Ask) -> Json:
        """Text, or three dialogues."""
        if item.kind == "gold":
            return await gold.converse(item.record, model, SYSTEM, max_tokens=TOKENS)
        prompt = self._prompts.fill(item.kind, question=item.record["question"])
        return await model([SYSTEM, Message("user", prompt)], max_tokens=TOKENS)

    async def score(self, item: Item, prediction: Json, judge: Ask | None) -> Scored:
        """What text or dialogues are worth; a judge that fails leaves the other metrics as they are."""
        if item.kind == "gold":
            return await self._explored(item, prediction, judge)
        if not isinstance(prediction, str):
            return self._unscored(item, NO_TEXT)
        if item.kind == "free_form":
            return await self._compared(item, prediction, judge)
        answer = self._read(prediction)
        right = float(answer == self._read(item.record["answer"]))
        return Scored(answer, right, dict.fromkeys(EARTHSE.kinds[item.kind], right))

    async def _compared(self, item: Item, answer: str, judge: Ask | None) -> Scored:
        question, reference = item.record["question"], item.record["answer"]
        prompt = self._prompts.fill("judge_free_form", question=question, reference=reference, answer=answer)
        verdict = await self._judged(judge, prompt, self._won)
        metrics = {"free_form_win_rate": verdict.score, "accuracy": verdict.score}
        if not self.unavailable:
            metrics["free_form_similarity"] = embeddings.cosine(embeddings.embed(reference), embeddings.embed(answer))
        return Scored(answer, verdict.score, metrics, reason=verdict.words)

    def _won(self, reply: str) -> float | None:
        """The release counts every reply but a bare `B` as a loss."""
        return {"A": 0.0, "B": 1.0}.get(reply.strip()) if self.corrects else float(reply == "B")

    async def _explored(self, item: Item, prediction: Json, judge: Ask | None) -> Scored:
        answers = gold.dialogues(prediction)
        if answers is None:
            return self._unscored(item, NO_DIALOGUES)
        verdict = await self._ranked(item, answers, prediction.get("rank"), judge)
        rank = verdict.score
        retention = rank if isinstance(rank, Unscored) else gold.retention(rank)
        metrics: dict[str, float | Unscored] = {"retention": retention}
        if self.unavailable:
            ses: float | Unscored = Unscored(self.unavailable["ses"])
        else:
            diversity = gold.diversity(gold.similarity(answers))
            ses = retention if isinstance(retention, Unscored) else diversity * retention
            metrics |= {"diversity": diversity, "ses": ses}
        extracted = None if isinstance(rank, Unscored) else f"rank {rank:g}"
        return Scored(extracted, ses, metrics, reason=verdict.words)

    async def _ranked(self, item: Item, answers: Sequence[gold.Answers], given: Json, judge: Ask | None) -> Verdict:
        """The reference's rank among all dialogues: that of the prediction, or else the judge's."""
        if given is not None:
            rank = gold.rank_in(given)
            return Verdict(NO_RANK if rank is None else rank)
        reference = (item.record["assistant_0"], item.record["assistant_1"])
        prompt = self._prompts.fill(
            "judge_gold",
            reference=gold.shown(item.record, reference, both_turns=self.corrects),
            others="\n\n".join(gold.shown(item.record, one, both_turns=self.corrects) for one in answers),
            count=str(gold.SAMPLES + 1),
        )
        return await self._judged(judge, prompt, gold.rank_in)

    async def _judged(self, judge: Ask | None, prompt: str, read: Callable[[str], float | None]) -> Verdict:
        return await judged(judge, [SYSTEM, Message("user", prompt)], read, max_tokens=TOKENS)

    def _read(self, answer: str) -> str:
        return answer.strip().casefold() if self.corrects else answer

    def _unscored(self, item: Item, reason: Unscored) -> Scored:
        computed = (metric for metric in EARTHSE.kinds[item.kind] if metric not in self.unavailable)
        return Scored(None, reason, dict.fromkeys(computed, reason))


class Corrected(Official):
    """The release's scorer that strips, folds case, and shows the judge of dialogues both turns."""

    name = "corrected"
    corrects = True
