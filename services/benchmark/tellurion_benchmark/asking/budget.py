"""What an evaluation may use up: nothing is asked that could exceed it, whatever the answer turns out to cost.

The worst case of a request is set aside before it is sent, and given back for what the endpoint says that it did cost;
where it does not say, it stays set aside. Each attempt at a job writes what was spent and is set aside over and over
into a small file of its own, so that the next attempt knows it however this one ends. (That file is not synced: a power
failure, unlike a killed process, may lose its last seconds.)
"""

from __future__ import annotations

import asyncio
import json
import os
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path

from tellurion_benchmark.asking.attempts import new_file
from tellurion_benchmark.asking.question import Question
from tellurion_benchmark.scoring import NoAnswer
from tellurion_core.endpoints.wire import Usage

TOKENS_OF_AN_IMAGE = 16_384
"""Most that a vision model in use makes of one (Qwen2.5-VL without a limit of pixels)."""
TOKENS_OF_A_TEMPLATE = 512
"""More than chat templates add by themselves."""
RECORD = 240
"""Bytes of the record, so that a shorter one leaves nothing of a longer one."""


@dataclass(frozen=True, slots=True)
class Spending:
    """What was, or may be, used up."""

    requests: int = 0
    """Sent, whether or not they were answered."""
    input_tokens: int = 0
    """Sent."""
    output_tokens: int = 0
    """Received."""
    cost: Decimal = Decimal(0)
    """In the currency of the prices; decimal, so that what is set aside and given back leaves exactly nothing."""

    def __add__(self, other: Spending) -> Spending:
        return Spending(
            self.requests + other.requests,
            self.input_tokens + other.input_tokens,
            self.output_tokens + other.output_tokens,
            self.cost + other.cost,
        )

    def __neg__(self) -> Spending:
        return Spending(-self.requests, -self.input_tokens, -self.output_tokens, -self.cost)

    def __sub__(self, other: Spending) -> Spending:
        return self + -other


@dataclass(frozen=True, slots=True)
class Limits:
    """The most of each; no bound where 0."""

    requests: int = 0
    tokens: int = 0
    cost: Decimal = Decimal(0)

    def allow(self, spending: Spending) -> bool:
        """Whether this is within them."""
        return (
            (not self.requests or spending.requests <= self.requests)
            and (not self.tokens or spending.input_tokens + spending.output_tokens <= self.tokens)
            and (not self.cost or spending.cost <= self.cost)
        )


@dataclass(frozen=True, slots=True)
class Prices:
    """Of a million tokens."""

    input: Decimal = Decimal(0)
    output: Decimal = Decimal(0)

    def of(self, usage: Usage) -> Spending:
        """What one request costs."""
        cost = (usage.input * self.input + usage.output * self.output) / 1_000_000
        return Spending(1, usage.input, usage.output, cost)


class Budget:
    """The budget of one evaluation, over all its attempts; model and judge share it."""

    def __init__(self, folder: Path, limits: Limits) -> None:
        self._limits = limits
        self._spent = self._set_aside = Spending()
        for path in folder.glob("*.spent"):
            spent, set_aside = _recorded(path)
            self._spent += spent
            self._set_aside += set_aside
        self._earlier = self._spent, self._set_aside
        self._held = Spending()
        self._freed = asyncio.Event()
        self._file = new_file(folder, ".spent")

    @property
    def spent(self) -> Spending:
        """Used up so far by all attempts, as the endpoints count."""
        return self._spent

    @property
    def set_aside(self) -> Spending:
        """The worst case of what was asked and whose cost no endpoint has said, by all attempts."""
        return self._set_aside

    async def reserve(self, worst: Spending) -> None:
        """Sets a request's worst case aside; waits where only that of other requests stands in its way.

        Raises:
            NoAnswer: it would not fit even if those cost nothing.
        """
        while not self._limits.allow(self._spent + self._set_aside + self._held + worst):
            if not self._limits.allow(self._spent + self._set_aside + worst):
                raise NoAnswer("the budget is used up")
            freed = self._freed
            await freed.wait()
        self._held += worst
        self._record()

    def settle(self, worst: Spending, spent: Spending, unknown: Spending) -> None:
        """Gives back a request's worst case for what was spent, and what it may have cost beside that."""
        self._held -= worst
        self._spent += spent
        self._set_aside += unknown
        self._record()
        self._freed.set()
        self._freed = asyncio.Event()

    def close(self) -> None:
        """Closes the record."""
        self._file.close()

    def _record(self) -> None:
        spent, set_aside = self._earlier
        record = json.dumps([_written(self._spent - spent), _written(self._set_aside - set_aside + self._held)])
        os.pwrite(self._file.fileno(), record.ljust(RECORD).encode(), 0)


def worst_case(question: Question) -> Usage:
    """Most tokens that a question and its answer can have: no tokeniser makes more of a text than it has bytes."""
    text = sum(len(message.text.encode(errors="surrogatepass")) for message in question.messages)
    shown = TOKENS_OF_AN_IMAGE * len(question.images)
    return Usage(text + shown + TOKENS_OF_A_TEMPLATE, question.max_tokens)


def _written(spending: Spending) -> list[int | str]:
    return [spending.requests, spending.input_tokens, spending.output_tokens, str(spending.cost)]


def _recorded(path: Path) -> tuple[Spending, Spending]:
    """What an earlier attempt spent, and what it had set aside at its end or when it was killed."""
    try:
        spent, set_aside = json.loads(path.read_bytes())
    except ValueError:
        return Spending(), Spending()
    return _read(*spent), _read(*set_aside)


def _read(requests: int, sent: int, received: int, cost: str) -> Spending:
    return Spending(requests, sent, received, Decimal(cost))
