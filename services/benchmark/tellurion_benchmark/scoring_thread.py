"""Scoring beside the event loop in which models are asked: what a metric takes keeps no answer waiting."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Coroutine, Sequence
from types import TracebackType
from typing import Any, Self, TypeVar

from tellurion_benchmark.scoring import Ask, Message

T = TypeVar("T")


class ScoringThread:
    """An event loop in a thread of its own, in which scorers compute one at a time.

    A metric may take seconds. In the loop that asks, answers that are under way would time out meanwhile, and be asked
    and paid for again.
    """

    def __init__(self) -> None:
        self._loop = asyncio.new_event_loop()
        self._ended = asyncio.Event()
        self._thread = threading.Thread(target=self._run, name="scoring", daemon=True)
        self._asking: set[asyncio.Task[Any]] = set()

    async def __aenter__(self) -> Self:
        self._thread.start()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Cancels what is not done, and what was asked for it: nothing is stored or paid for afterwards."""
        self._loop.call_soon_threadsafe(self._ended.set)
        await asyncio.to_thread(self._thread.join)
        # Cancelled with what asked them, they have only to end.
        await asyncio.gather(*self._asking, return_exceptions=True)

    async def result(self, work: Coroutine[Any, Any, T]) -> T:
        """What a scorer returns or raises; it may ask by what `heard` gave."""
        return await asyncio.wrap_future(asyncio.run_coroutine_threadsafe(work, self._loop))

    def heard(self, ask: Ask) -> Ask:
        """A judge for scorers in the thread, who is asked in the event loop that calls this."""
        loop, asking = asyncio.get_running_loop(), self._asking

        async def asked(messages: Sequence[Message], **how: Any) -> str:
            task = asyncio.current_task()
            assert task is not None
            asking.add(task)
            try:
                return await ask(messages, **how)
            finally:
                asking.discard(task)

        async def across(
            messages: Sequence[Message], *, max_tokens: int, temperature: float = 0.0, sample: int = 0
        ) -> str:
            work = asked(messages, max_tokens=max_tokens, temperature=temperature, sample=sample)
            return await asyncio.wrap_future(asyncio.run_coroutine_threadsafe(work, loop))

        return across

    def _run(self) -> None:
        with asyncio.Runner(loop_factory=lambda: self._loop) as runner:
            runner.run(self._ended.wait())
