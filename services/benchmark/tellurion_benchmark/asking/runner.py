"""Work on many items at once, with the results in the items' order and memory that does not grow with their number."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Awaitable, Callable, Iterable
from typing import TypeVar

from tellurion_core.errors import Cancelled
from tellurion_core.predictor import CancelCheck

T = TypeVar("T")
R = TypeVar("R")
AHEAD = 16
"""Results that may wait for an earlier one, times the concurrency: one slow item does not make the others wait."""
LOOK_SECONDS = 0.1
"""Between looks at whether the run was cancelled."""


async def run(
    items: Iterable[T],
    work: Callable[[T], Awaitable[R]],
    *,
    concurrency: int,
    cancelled: CancelCheck,
    finished: Callable[[int], None],
) -> AsyncGenerator[R, None]:
    """Yields what the work makes of each item, in their order; closing it early cancels the work.

    `concurrency` items are in work at once: twice as many as an endpoint answers at once leave none of its slots empty
    while answers are stored and scored. `finished` is told how many items are done, in whatever order, and again while
    none is.

    Raises:
        Cancelled: the run was cancelled; what was asked is cancelled too.
    """
    numbered = enumerate(items)
    results: dict[int, R] = {}
    room = asyncio.Semaphore(AHEAD * concurrency)
    news = asyncio.Event()
    done = 0

    async def worker() -> None:
        nonlocal done
        await room.acquire()
        while (entry := next(numbered, None)) is not None:
            position, item = entry
            results[position] = await work(item)
            done += 1
            finished(done)
            news.set()
            await asyncio.sleep(0)  # work that never waits would keep everything else from running
            await room.acquire()

    tasks = [asyncio.create_task(worker()) for _ in range(concurrency)]
    workers = asyncio.gather(*tasks)
    workers.add_done_callback(lambda _: news.set())
    position = 0
    try:
        while True:
            try:
                async with asyncio.timeout(LOOK_SECONDS):
                    await news.wait()
            except TimeoutError:
                finished(done)
            news.clear()
            if cancelled():
                raise Cancelled("the evaluation was cancelled")
            ended = workers.done()
            while position in results:
                yield results.pop(position)
                position += 1
                room.release()
            if ended:
                workers.result()
                return
    finally:
        for task in tasks:  # after one has raised, `workers` is done and the others are not
            task.cancel()
        await asyncio.gather(workers, *tasks, return_exceptions=True)
