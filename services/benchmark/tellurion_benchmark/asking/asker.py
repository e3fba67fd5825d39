"""A model or a judge behind an endpoint, as `scoring.Ask`: found among the answers, or asked until it answers."""

from __future__ import annotations

import asyncio
import random
import time
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from decimal import Decimal
from types import TracebackType
from typing import Self, TypeVar
from weakref import WeakValueDictionary

import httpx

from tellurion_benchmark.asking.answers import AnswerLog
from tellurion_benchmark.asking.budget import Budget, Prices, Spending, worst_case
from tellurion_benchmark.asking.concurrency import Concurrency, Room
from tellurion_benchmark.asking.question import Asked, Question
from tellurion_benchmark.asking.retries import Patience, Tries
from tellurion_benchmark.scoring import Message, NoAnswer
from tellurion_core.endpoints.allowlist import AllowList, ListedTransport
from tellurion_core.endpoints.endpoint import Endpoint
from tellurion_core.endpoints.troubles import Busy, Refused, TimedOut, Trouble, Unwelcome
from tellurion_core.endpoints.wire import Reply, exchange

CONNECT_SECONDS = 10.0
IMAGE_BYTES = 256 << 20
"""Of all questions that are with an endpoint at once: a request has them in memory, a third larger."""
A = TypeVar("A")


@dataclass(slots=True)
class Counts:
    """What this attempt met with, for run.json."""

    answered: int = 0
    """Questions that the endpoint answered."""
    reused: int = 0
    """Questions that had been answered before."""
    cut_off: int = 0
    """Answers that ended for want of tokens."""
    requests: int = 0
    """Sent."""
    seconds: float = 0.0
    """Taken by all requests together."""
    troubles: Counter[str] = field(default_factory=Counter)
    """Requests without an answer, by reason."""
    given_up: Counter[str] = field(default_factory=Counter)
    """Questions without an answer, by reason."""
    newest: str | None = None
    """Reason of the newest trouble since the last answer."""


class Asker:
    """One endpoint, asked within a budget; every answer is stored before it is given."""

    def __init__(
        self,
        endpoint: Endpoint,
        asked: Asked,
        *,
        allowed: AllowList,
        answers: AnswerLog,
        budget: Budget,
        rng: random.Random,
        patience: Patience | None = None,
    ) -> None:
        self.endpoint = endpoint
        self._asked = asked
        self._answers = answers
        self._budget = budget
        self._rng = rng
        self._patience = patience or Patience()
        self._prices = Prices(Decimal(str(endpoint.input_price)), Decimal(str(endpoint.output_price)))
        self._concurrency = Concurrency(endpoint.concurrency)
        self._room = Room(IMAGE_BYTES)
        self._one_at_a_time: WeakValueDictionary[bytes, asyncio.Lock] = WeakValueDictionary()
        self._in_vain = 0
        self.counts = Counts()
        self.snapshots: set[str] = set()
        """Versions of the model whose answers were given."""
        self._client = httpx.AsyncClient(
            transport=ListedTransport(allowed, connections=endpoint.concurrency),
            headers=endpoint.headers(),
            timeout=httpx.Timeout(None, connect=CONNECT_SECONDS),  # the whole exchange has one of its own
            follow_redirects=False,
            trust_env=False,
        )

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._client.aclose()

    async def __call__(
        self, messages: Sequence[Message], *, max_tokens: int, temperature: float = 0.0, sample: int = 0
    ) -> str:
        """The model's reply, as `scoring.Ask` has it.

        Raises:
            NoAnswer: the endpoint gave none, after retries, or the budget is used up.
        """
        question = Question(tuple(messages), max_tokens, temperature, sample)
        try:
            key = await _unblocking(question, question.key, self._asked)
        except OSError:
            raise NoAnswer("an image cannot be read") from None
        async with self._one_at_a_time.setdefault(key, asyncio.Lock()):
            stored = self._answers.entry(key)
            if stored is not None:
                self.counts.reused += 1
                self._remember(stored.get("snapshot"))
                return str(stored["answer"])
            try:
                reply = await self._ask(question)
            except NoAnswer as error:
                self.counts.given_up[str(error)] += 1
                raise
            about = {"model": self._asked.model, "snapshot": reply.snapshot, "finish_reason": reply.finish_reason}
            await self._answers.store(key, reply.text, about)
        self._remember(reply.snapshot)
        self.counts.answered += 1
        self.counts.cut_off += reply.finish_reason == "length"
        return reply.text

    def _remember(self, snapshot: object) -> None:
        if isinstance(snapshot, str):
            self.snapshots.add(snapshot)

    async def _ask(self, question: Question) -> Reply:
        tries = Tries(self._patience, self._rng)
        while True:
            self._check_vain()
            try:
                reply = await self._ask_once(question)
            except Trouble as trouble:
                self.counts.troubles[trouble.reason] += 1
                self.counts.newest = trouble.reason
                try:
                    pause = tries.pause(trouble)
                except NoAnswer:
                    # A question that is refused for its own sake says nothing about the others.
                    self._in_vain += isinstance(trouble, Unwelcome) or not isinstance(trouble, Refused)
                    raise
                await asyncio.sleep(pause)
            else:
                self._in_vain, self.counts.newest = 0, None
                return reply

    def _check_vain(self) -> None:
        """Raises NoAnswer where the endpoint is asked no more."""
        if self._in_vain >= self._patience.vain:
            raise NoAnswer(f"the endpoint gave no answer to {self._patience.vain} questions in a row")

    async def _ask_once(self, question: Question) -> Reply:
        worst = self._prices.of(worst_case(question))
        async with self._room.of(question.image_bytes()), self._concurrency.slot() as began:
            self._check_vain()  # again: questions wait for their turn together
            body = await _unblocking(question, question.body, self.endpoint.model)
            await self._budget.reserve(worst)
            spent, unknown = Spending(requests=1), replace(worst, requests=0)
            start = time.perf_counter()
            try:
                reply = await exchange(self._client, self.endpoint, body)
                self._concurrency.eased()
                if reply.usage is not None:
                    spent, unknown = self._prices.of(reply.usage), Spending()
            except Trouble as trouble:
                if isinstance(trouble, Busy | TimedOut):
                    self._concurrency.crowded(began, after=trouble.after)
                if not trouble.paid:
                    unknown = Spending()
                raise
            finally:
                self._budget.settle(worst, spent, unknown)
                self.counts.requests += 1
                self.counts.seconds += time.perf_counter() - start
        return reply


async def _unblocking(question: Question, make: Callable[[A], bytes], argument: A) -> bytes:
    """What is made of a question, in a thread where images are read for it."""
    return await asyncio.to_thread(make, argument) if question.images else make(argument)
