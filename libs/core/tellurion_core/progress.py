"""Progress of awaited work as a stream: the steps as they are reported, then the result."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Callable, Coroutine
from dataclasses import dataclass
from typing import Any, TypeVar

from tellurion.common.v1 import progress_pb2

T = TypeVar("T")
Progress = Callable[[float, str], None]
"""Told the part of the work that is done, 0 to 1, and what is being done now."""


@dataclass(frozen=True)
class Step:
    """How far the work has come."""

    fraction: float
    """Part that is done, 0 to 1."""
    message: str
    """What is being done now."""

    def wire(self) -> progress_pb2.Progress:
        """As a message."""
        return progress_pb2.Progress(fraction=min(max(self.fraction, 0.0), 1.0), message=self.message[:200])


async def followed(start: Callable[[Progress], Coroutine[Any, Any, T]]) -> AsyncGenerator[Step | T, None]:
    """Yields each step that the work reports, and its result last; closing it early cancels the work.

    Steps that come faster than they are taken are skipped: only the newest waits.
    """
    newest: list[Step] = []
    news = asyncio.Event()

    def report(fraction: float, message: str) -> None:
        newest[:] = [Step(fraction, message)]
        news.set()

    work = asyncio.ensure_future(start(report))
    work.add_done_callback(lambda _: news.set())
    try:
        while True:
            await news.wait()
            news.clear()
            if newest:
                yield newest.pop()
            if work.done():
                yield work.result()
                return
    finally:
        if not work.done():
            work.cancel()
            await asyncio.wait([work])
