"""Earth-Gold: what three dialogues about one question are worth.

Scientific exploration score = diversity of the model's dialogues × retention of the reference's rank among them.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TypeAlias

import numpy as np

from tellurion_benchmark.metrics.embeddings import cosine, embed
from tellurion_benchmark.scoring import Ask, Json, Message

SAMPLES = 3
PREFIX = "Please respond to the following question in 80 words or less.\n"
FIRST_TEMPERATURE = 0.6
"""Of the first turn; the second has 0."""

Answers: TypeAlias = tuple[str, str]
"""A dialogue's two answers."""


async def converse(record: Mapping[str, Json], model: Ask, system: Message, *, max_tokens: int) -> Json:
    """Three dialogues of two turns; the second turn sees the first question without the prefix."""
    samples = []
    for sample in range(SAMPLES):
        opening = [system, Message("user", PREFIX + record["user_0"])]
        first = await model(opening, max_tokens=max_tokens, temperature=FIRST_TEMPERATURE, sample=sample)
        history = [system, Message("user", record["user_0"]), Message("assistant", first)]
        second = await model([*history, Message("user", PREFIX + record["user_1"])], max_tokens=max_tokens)
        samples.append({"assistant_0": first, "assistant_1": second})
    return {"samples": samples}


def dialogues(prediction: Json) -> tuple[Answers, ...] | None:
    """The answers in a prediction; None where it does not hold three dialogues of two answers."""
    samples = prediction.get("samples") if isinstance(prediction, dict) else None
    if not isinstance(samples, list) or len(samples) != SAMPLES:
        return None
    found = [(s.get("assistant_0"), s.get("assistant_1")) for s in samples if isinstance(s, dict)]
    answers = tuple((a, b) for a, b in found if isinstance(a, str) and isinstance(b, str))
    return answers if len(answers) == SAMPLES else None


def similarity(answers: Sequence[Answers]) -> float:
    """Mean cosine of each dialogue's embedding with their mean."""
    embedded = [embed(first + second) for first, second in answers]
    centre = np.mean(embedded, axis=0)
    return float(np.mean([cosine(centre, one) for one in embedded]))


def diversity(similarity: float) -> float:
    """From 1, of dialogues that say the same, to 10, of dialogues whose similarity is at most 0.91."""
    return 1 / (10 * max(abs(similarity) - 0.9, 0.01))


def retention(rank: float) -> float:
    """Share of the model's dialogues that a judge puts before the reference, which has this rank among all."""
    return (rank - 1) / SAMPLES


def rank_in(reply: Json) -> float | None:
    """A rank from 1 to 4: an integer, or a reply that is nothing else; None where it is neither."""
    ranks = range(1, SAMPLES + 2)
    if isinstance(reply, str):
        return next((float(rank) for rank in ranks if reply.strip() == str(rank)), None)
    return float(reply) if type(reply) is int and reply in ranks else None


def shown(record: Mapping[str, Json], answers: Answers, *, both_turns: bool) -> str:
    """A dialogue as its judge reads it."""
    turns = [{"user": record[f"user_{turn}"], "assistant": answers[turn]} for turn in (0, 1)]
    return str(turns if both_turns else turns[1])
