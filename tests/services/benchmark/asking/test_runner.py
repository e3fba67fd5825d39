"""Many items at once, their results in order, and memory that does not grow."""

from __future__ import annotations

import asyncio
import time
from contextlib import aclosing

import pytest

from tellurion_benchmark.asking.runner import AHEAD, run
from tellurion_core.errors import Cancelled


async def results(items, work, *, concurrency=4, cancelled=lambda: False, finished=lambda _: None):
    return [r async for r in run(items, work, concurrency=concurrency, cancelled=cancelled, finished=finished)]


async def test_results_come_in_the_items_order_however_long_each_takes():
    async def work(n):
        await asyncio.sleep(0.01 * (n % 3))
        return n * n

    assert await results(range(30), work) == [n * n for n in range(30)]


async def test_no_items_are_no_results():
    assert await results([], asyncio.sleep) == []


async def test_an_item_or_a_result_may_be_none():
    async def work(n):
        return n

    assert await results([None, 1, None], work) == [None, 1, None]


async def test_no_more_are_in_work_than_allowed():
    now = most = 0

    async def work(n):
        nonlocal now, most
        now += 1
        most = max(most, now)
        await asyncio.sleep(0.001)
        now -= 1

    await results(range(40), work, concurrency=5)
    assert most == 5


async def test_one_slow_item_holds_up_only_so_many_results():
    gate, begun = asyncio.Event(), []

    async def work(n):
        begun.append(n)
        if n == 0:
            await gate.wait()
        return n

    running = asyncio.create_task(results(range(1000), work, concurrency=2))
    await asyncio.sleep(0.1)
    assert len(begun) == 2 * AHEAD
    gate.set()
    assert await running == list(range(1000))


async def test_items_are_taken_from_the_iterator_only_as_they_are_needed():
    taken = 0

    def items():
        nonlocal taken
        for n in range(10_000):
            taken += 1
            yield n

    async def work(n):
        return n

    async with aclosing(
        run(items(), work, concurrency=2, cancelled=lambda: False, finished=lambda _: None)
    ) as produced:
        async for n in produced:
            assert taken <= n + 1 + 2 * AHEAD
            if n == 500:
                break


async def test_a_cancelled_run_ends_within_a_moment_and_ends_its_work():
    ended = []

    async def work(n):
        try:
            await asyncio.sleep(60)
        finally:
            ended.append(n)

    began = time.monotonic()
    with pytest.raises(Cancelled):
        await results(range(9), work, cancelled=lambda: time.monotonic() - began > 0.05)
    assert time.monotonic() - began < 0.5
    assert sorted(ended) == [0, 1, 2, 3]


async def test_an_error_of_the_work_ends_the_run():
    async def work(n):
        if n == 7:
            raise ZeroDivisionError
        await asyncio.sleep(0)

    with pytest.raises(ZeroDivisionError):
        await results(range(100), work)


async def test_after_an_error_no_further_item_is_begun():
    begun, gate = [], asyncio.Event()

    async def work(n):
        begun.append(n)
        if n == 0:
            raise ZeroDivisionError
        await gate.wait()

    with pytest.raises(ZeroDivisionError):
        await results(range(100), work)
    gate.set()
    for _ in range(20):
        await asyncio.sleep(0)
    assert begun == [0, 1, 2, 3]


async def test_progress_counts_what_is_finished():
    told = []

    async def work(n):
        await asyncio.sleep(0)

    await results(range(10), work, finished=told.append)
    assert told == list(range(1, 11))


async def test_progress_is_told_again_while_nothing_is_finished():
    told, again = [], asyncio.Event()

    def finished(done):
        told.append(done)
        again.set()

    async def work(n):
        await again.wait()

    await results(range(1), work, finished=finished)
    assert told == [0, 1]


async def test_work_that_never_waits_lets_others_run():
    ticks = 0

    async def tick():
        nonlocal ticks
        while True:
            ticks += 1
            await asyncio.sleep(0)

    async def work(n):
        return n

    ticking = asyncio.create_task(tick())
    await results(range(2000), work)
    ticking.cancel()
    assert ticks > 400
