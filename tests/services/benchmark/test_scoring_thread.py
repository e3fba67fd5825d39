"""Scorers compute in a thread, and ask in the event loop beside it, which waits for nothing that they compute."""

from __future__ import annotations

import asyncio
import time

import pytest

from tellurion_benchmark.scoring import NoAnswer
from tellurion_benchmark.scoring_thread import ScoringThread


def computed(seconds: float) -> None:
    """Work that never waits."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        pass


async def test_what_a_scorer_computes_does_not_block_the_loop():
    longest, last = 0.0, time.monotonic()

    async def beat() -> None:
        nonlocal longest, last
        while True:
            await asyncio.sleep(0.01)
            longest, last = max(longest, time.monotonic() - last), time.monotonic()

    async def score() -> str:
        computed(1.5)
        return "scored"

    beating = asyncio.create_task(beat())
    async with ScoringThread() as thread:
        assert await thread.result(score()) == "scored"
    beating.cancel()
    assert longest < 0.5


async def test_scorers_compute_one_at_a_time():
    now = most = 0

    async def score() -> None:
        nonlocal now, most
        now += 1
        most = max(most, now)
        computed(0.01)
        now -= 1

    async with ScoringThread() as thread:
        await asyncio.gather(*(thread.result(score()) for _ in range(8)))
    assert most == 1


async def test_a_judge_is_asked_in_the_loop_that_asks_while_others_are_scored():
    here, both = asyncio.get_running_loop(), asyncio.Barrier(2)

    async def judge(messages, *, max_tokens, temperature=0.0, sample=0):
        assert asyncio.get_running_loop() is here
        await both.wait()
        return f"{messages} {max_tokens} {temperature} {sample}"

    async with ScoringThread() as thread:
        heard = thread.heard(judge)

        async def score() -> str:
            assert asyncio.get_running_loop() is not here
            return await heard(("?",), max_tokens=8, temperature=0.5, sample=2)

        replies = await asyncio.gather(thread.result(score()), thread.result(score()))
    assert replies == ["('?',) 8 0.5 2"] * 2


async def test_what_a_judge_or_a_scorer_raises_is_raised():
    async def silent(messages, *, max_tokens, temperature=0.0, sample=0):
        raise NoAnswer("busy")

    async with ScoringThread() as thread:
        with pytest.raises(NoAnswer, match="busy"):
            await thread.result(thread.heard(silent)((), max_tokens=8))


async def test_at_its_end_nothing_is_scored_or_asked_any_more():
    asked, ended = asyncio.Event(), []

    async def judge(messages, *, max_tokens, temperature=0.0, sample=0):
        asked.set()
        try:
            await asyncio.sleep(60)
        finally:
            await asyncio.sleep(0.01)
            ended.append("judge")

    async with ScoringThread() as thread:
        work = asyncio.create_task(thread.result(thread.heard(judge)((), max_tokens=8)))
        await asked.wait()
    assert ended == ["judge"]
    with pytest.raises(asyncio.CancelledError):
        await work
