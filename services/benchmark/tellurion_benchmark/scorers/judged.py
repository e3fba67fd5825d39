"""Asking a judge, where whatever fails leaves no score."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from tellurion_benchmark.scoring import Ask, Message, NoAnswer, Unscored

NO_JUDGE = Unscored("no judge")
UNREADABLE = Unscored("the judge did not answer in the form that was asked for")
TEMPERATURES = (0.0, 0.5, 1.0)
"""Of a judge that is asked again, until its reply can be read."""
WORDS_KEPT = 2000
"""Characters of a judge's reply that a report repeats."""


@dataclass(frozen=True, slots=True)
class Verdict:
    """What a judge made of an answer."""

    score: float | Unscored
    """Its value."""
    words: str = ""
    """The reply, shortened."""


async def judged(
    judge: Ask | None,
    messages: Sequence[Message],
    read: Callable[[str], float | None],
    *,
    max_tokens: int,
    temperature: float = 0.0,
    sample: int = 0,
) -> Verdict:
    """The judge's value; `read` takes it out of the reply, or tells by None that it has none.

    A blank reply is a judge that failed, and no value whatever a benchmark's release would make of it.
    """
    if judge is None:
        return Verdict(NO_JUDGE)
    try:
        reply = await judge(messages, max_tokens=max_tokens, temperature=temperature, sample=sample)
    except NoAnswer as error:
        return Verdict(Unscored(str(error)))
    score = read(reply) if reply.strip() else None
    return Verdict(UNREADABLE if score is None else score, reply[:WORDS_KEPT])


async def judged_warmer(
    judge: Ask | None, messages: Sequence[Message], read: Callable[[str], float | None], *, max_tokens: int
) -> Verdict:
    """As `judged`, asked at each of `TEMPERATURES` until a reply can be read.

    An endpoint that gives no reply ends it: what it would have said decides whether there is a next question.
    """
    for sample, temperature in enumerate(TEMPERATURES):
        verdict = await judged(judge, messages, read, max_tokens=max_tokens, temperature=temperature, sample=sample)
        if verdict.score != UNREADABLE:
            break
    return verdict
