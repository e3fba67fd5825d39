"""Bytes that arrive asynchronously, given to work that blocks in a thread; neither gets far ahead of the other."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from queue import SimpleQueue
from typing import TypeVar

from tellurion_core.errors import DataCorrupted

T = TypeVar("T")

CHUNKS_AHEAD = 2
"""Chunks that wait for the work: all the memory that it takes."""


async def fed(threads: ThreadPoolExecutor, consume: Callable[[Iterator[bytes]], T], chunks: AsyncIterator[bytes]) -> T:
    """What `consume` makes of the chunks in a thread; where they break off, it is told so, and has ended on return."""
    loop = asyncio.get_running_loop()
    waiting: SimpleQueue[bytes | None] = SimpleQueue()
    room = asyncio.Semaphore(CHUNKS_AHEAD)
    whole = False

    def received() -> Iterator[bytes]:
        while (chunk := waiting.get()) is not None:
            yield chunk
            loop.call_soon_threadsafe(room.release)
        if not whole:
            raise DataCorrupted("the bytes broke off")

    work = loop.run_in_executor(threads, lambda: consume(received()))
    work.add_done_callback(lambda _: room.release())
    try:
        async for chunk in chunks:
            await room.acquire()
            if work.done():
                break
            waiting.put(chunk)
        whole = True
    finally:
        waiting.put(None)
        await asyncio.wait([work])
        failure = work.exception()
    if failure is not None:
        raise failure
    return work.result()
