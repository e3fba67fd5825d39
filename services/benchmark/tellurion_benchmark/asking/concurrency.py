"""How many questions are with an endpoint at once: as many as it takes, which it tells by refusing.

Additive increase, multiplicative decrease (Chiu and Jain, 1989), begun like TCP's slow start: every answer raises the
limit by one until the endpoint first has too much; from then on, a full round of answers does. Too much halves it.
"""

from __future__ import annotations

import asyncio
import time
from collections import deque
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

FIRST_LIMIT = 4


class Room:
    """So many bytes for what is under way at once, given in the order in which they are asked for."""

    def __init__(self, size: int) -> None:
        self._left = size
        self._waiting: deque[tuple[int, asyncio.Future[None]]] = deque()

    @asynccontextmanager
    async def of(self, size: int) -> AsyncIterator[None]:
        """Room of this size, which is no larger than the whole."""
        turn = asyncio.get_running_loop().create_future()
        self._waiting.append((size, turn))
        self._admit()
        try:
            await turn
            yield
        finally:
            if turn.done() and not turn.cancelled():
                self._left += size
            self._admit()

    def _admit(self) -> None:
        while self._waiting and (self._waiting[0][1].done() or self._waiting[0][0] <= self._left):
            size, turn = self._waiting.popleft()
            if not turn.done():
                self._left -= size
                turn.set_result(None)


class Concurrency:
    """Slots for requests, given in the order in which they are asked for."""

    def __init__(self, ceiling: int, clock: Callable[[], float] = time.monotonic) -> None:
        self._ceiling = ceiling
        self._clock = clock
        self._limit = float(min(FIRST_LIMIT, ceiling))
        self._running = 0
        self._waiting: deque[asyncio.Future[None]] = deque()
        self._round = 0
        self._rests_until = 0.0

    @property
    def limit(self) -> int:
        """Requests that may run at once now."""
        return int(self._limit)

    @asynccontextmanager
    async def slot(self) -> AsyncIterator[int]:
        """Room for one request; yields the round in which it began, for `crowded`."""
        await self._enter()
        try:
            while (rest := self._rests_until - self._clock()) > 0:  # noqa: ASYNC110 -- it ends by time, not by an event
                await asyncio.sleep(rest)
            yield self._round
        finally:
            self._leave()

    def eased(self) -> None:
        """Says that an answer came."""
        step = 1.0 if self._round == 0 else 1.0 / self._limit
        self._limit = min(self._limit + step, float(self._ceiling))

    def crowded(self, began: int, *, after: float | None = None) -> None:
        """Says that a request was too much; nothing is sent for `after` seconds.

        Requests that were under way together halve the limit once, not once each.
        """
        if began == self._round:
            self._round += 1
            self._limit = max(self._limit / 2, 1.0)
        if after is not None:
            self._rests_until = max(self._rests_until, self._clock() + after)

    async def _enter(self) -> None:
        if self._running < self.limit and not self._waiting:
            self._running += 1
            return
        turn = asyncio.get_running_loop().create_future()
        self._waiting.append(turn)
        try:
            await turn
        except asyncio.CancelledError:
            if not turn.cancelled():
                self._leave()
            raise

    def _leave(self) -> None:
        self._running -= 1
        while self._waiting and self._running < self.limit:
            turn = self._waiting.popleft()
            if not turn.done():
                self._running += 1
                turn.set_result(None)
