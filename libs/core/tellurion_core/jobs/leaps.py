"""Leaps of the clock: the machine slept, or its time was set."""

from __future__ import annotations

import time
from collections.abc import Callable

Clock = Callable[[], float]


class Leaps:
    """Tells whether the clock on the wall was just put forward, and those who live by the other could not keep up."""

    def __init__(self, seconds: float, *, wall: Clock = time.time, steady: Clock = time.monotonic) -> None:
        """`seconds` is the least leap; `steady` stands still while the machine sleeps."""
        self._seconds = seconds
        self._wall = wall
        self._steady = steady
        self._ahead = wall() - steady()

    def leapt(self) -> bool:
        """Whether the clock leapt forward since it was asked last."""
        before, self._ahead = self._ahead, self._wall() - self._steady()
        return self._ahead - before > self._seconds
