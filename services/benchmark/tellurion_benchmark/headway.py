"""How far an evaluation has come, in words for whoever waits for it."""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable
from decimal import Decimal

from tellurion_benchmark.asking.budget import Spending

EVERY_SECONDS = 0.5
"""Time between two messages."""
WINDOW_SECONDS = 120.0
"""Over which the speed is taken that the time left is guessed by."""
ITEMS_SHARE = 0.98
"""Of the whole, the part that asking and scoring the items is."""


class Headway:
    """Tells of items as they are finished: `asked 120 of 830, 3 failed, 0.42 spent, about 3 min left`.

    Where an endpoint does not answer, it tells what comes instead: `asked 0 of 830, the endpoint cannot be reached, 12
    times`.
    """

    def __init__(
        self, tell: Callable[[float, str], None], verb: str, items: int, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._tell = tell
        self._verb = verb
        self._items = items
        self._clock = clock
        self._marks = deque([(clock(), 0)])
        self._told: tuple[float, int] | None = None
        self.failed = 0
        """Items without an answer so far."""

    def finished(self, done: int, spent: Spending | None = None, trouble: tuple[str, int] | None = None) -> None:
        """Says that so many items are done, if the last message is old enough or this one is of the last item.

        `trouble` is what keeps an endpoint from answering now, and how often it did.
        """
        now = self._clock()
        if self._told is not None:
            at, before = self._told
            if now - at < EVERY_SECONDS and not before < done == self._items:
                return
        self._told = now, done
        parts = [f"{self._verb} {done} of {self._items}"]
        if self.failed:
            parts.append(f"{self.failed} failed")
        if spent is not None:
            parts.append(_spent(spent))
        if trouble is not None:
            reason, times = trouble
            parts.append(f"{reason}, {'once' if times == 1 else f'{times} times'}")
        while len(self._marks) > 1 and self._marks[1][0] <= now - WINDOW_SECONDS:
            self._marks.popleft()
        began, before = self._marks[0]
        if before < done < self._items:
            parts.append(f"about {_duration((self._items - done) * (now - began) / (done - before))} left")
        self._marks.append((now, done))
        self._tell(ITEMS_SHARE * done / max(self._items, 1), ", ".join(parts))


def _spent(spent: Spending) -> str:
    """What was used up: money where it has a price, else tokens."""
    if spent.cost:
        return f"{spent.cost.quantize(Decimal('0.01'))} spent"
    return f"{spent.input_tokens + spent.output_tokens} tokens"


def _duration(seconds: float) -> str:
    """Seconds, minutes or hours, as roughly as they are known."""
    for unit, length in (("h", 3600.0), ("min", 60.0)):
        if seconds >= 1.5 * length:
            return f"{seconds / length:.0f} {unit}"
    return f"{max(seconds, 1):.0f} s"
