"""One item, asked where there is a model, and scored. What fails leaves it without a score, and the others alone."""

from __future__ import annotations

from collections.abc import Coroutine, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, TypeVar

import structlog

from tellurion_benchmark.results import FAILED, Assessed
from tellurion_benchmark.scoring import Ask, Gathered, Item, Json, Message, NoAnswer, Scored, Unscored, Variant
from tellurion_benchmark.scoring_thread import ScoringThread
from tellurion_core.errors import TellurionError

T = TypeVar("T")
log = structlog.get_logger()

UNSEEN = Path("unseen")
"""Stands for an image that cannot be shown."""


class Assessor:
    """Asks and scores items of one benchmark under one variant, in a thread for scoring where there is one."""

    def __init__(
        self, variant: Variant, *, model: Ask | None, judge: Ask | None, thread: ScoringThread | None = None
    ) -> None:
        self._variant = variant
        self._model = model
        self._judge = judge if judge is None or thread is None else thread.heard(judge)
        self._thread = thread
        self._entered: dict[str, tuple[str, ...]] = {}

    async def __call__(self, question: tuple[Item, Json]) -> Assessed:
        """What a model answers to an item, and what that is worth; without a model, what came with the item.

        Raises:
            TellurionError: nothing more can be asked, of no item.
        """
        item, given = question
        try:
            prediction = await self._prediction(item, given)
        except NoAnswer as error:
            return Assessed(item, False, None, await self._unscored(item, str(error)))
        try:
            return Assessed(item, True, prediction, await self._worth(item, prediction))
        except NoAnswer as error:
            reason = str(error)
        return Assessed(item, True, prediction, await self._unscored(item, reason))

    async def _prediction(self, item: Item, given: Json) -> Json:
        if self._model is None:
            if given is None:
                raise NoAnswer("no prediction")
            return given
        if item.fault is not None:
            raise NoAnswer(item.fault)
        return await _guarded(self._variant.answer(item, self._model), item, "the question could not be asked")

    async def _worth(self, item: Item, prediction: Json) -> Scored | Gathered:
        judge, fault = self._judge, item.fault
        if judge is not None and fault is not None:
            item, judge = replace(item, images=(UNSEEN,)), _Sighted(judge, fault)
        work = self._variant.score(item, prediction, judge)
        if self._thread is not None:
            work = self._thread.result(work)
        return await _guarded(work, item, fault or FAILED.reason)

    async def _unscored(self, item: Item, reason: str) -> Scored:
        """An item without a score, in every metric that an answer to it would be in."""
        if item.kind not in self._entered:
            worth = await self._variant.score(Item(item.id, item.kind, {}, (), {}, item.cluster), None, None)
            self._entered[item.kind] = tuple(worth.metrics) if isinstance(worth, Scored) else ()
        unscored = Unscored(reason)
        return Scored(None, unscored, dict.fromkeys(self._entered[item.kind], unscored))


class _Sighted:
    """A judge that is not asked about an image that cannot be shown."""

    def __init__(self, judge: Ask, fault: str) -> None:
        self._judge = judge
        self._fault = fault

    async def __call__(
        self, messages: Sequence[Message], *, max_tokens: int, temperature: float = 0.0, sample: int = 0
    ) -> str:
        if any(UNSEEN in message.images for message in messages):
            raise NoAnswer(self._fault)
        return await self._judge(messages, max_tokens=max_tokens, temperature=temperature, sample=sample)


def completed(work: Coroutine[Any, Any, T]) -> T:
    """What work that waits for nothing returns, without an event loop."""
    try:
        work.send(None)
    except StopIteration as end:
        value: T = end.value
        return value
    work.close()
    raise AssertionError("it waited")


async def _guarded(work: Coroutine[Any, Any, T], item: Item, failure: str) -> T:
    """The work's result; whatever no one foresaw is that item's failure."""
    try:
        return await work
    except (NoAnswer, TellurionError):
        raise
    except Exception as error:
        log.warning("an item failed", item=item.id, kind=item.kind, exc_info=True)
        raise NoAnswer(failure) from error
