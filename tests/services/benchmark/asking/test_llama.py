"""A real server and a real model: what it answers is stored, and is the same when it is asked again."""

from __future__ import annotations

import asyncio

import pytest

from tellurion_benchmark.scoring import Message, NoAnswer


async def test_a_real_model_answers_and_counts_its_tokens(start, llama):
    ask = start(llama)
    question = [Message("user", "Which is larger? A: the Pacific. B: a pond. Answer with a letter.")]
    answers = await asyncio.gather(*(ask(question, max_tokens=n) for n in (1, 2)))
    assert all(answers)
    assert ask.counts.answered == 2
    assert ask.counts.cut_off >= 1
    assert await ask(question, max_tokens=1) == answers[0]
    assert ask.counts.requests == 2


async def test_a_question_that_is_too_long_is_refused_once(start, llama):
    ask = start(llama)
    with pytest.raises(NoAnswer, match="HTTP 400, exceed_context_size_error"):
        await ask([Message("user", "deep " * 20_000)], max_tokens=4)
    assert ask.counts.requests == 1
