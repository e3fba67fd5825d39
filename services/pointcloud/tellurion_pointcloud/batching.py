"""Dynamic batching: clouds of any size that wait together are one inference, and work on a stream keeps its order."""

from __future__ import annotations

import asyncio
import math
import time
from collections import deque
from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextvars import Context
from dataclasses import dataclass, field
from typing import Any, TypeVar

import numpy as np

from tellurion_core.call import current_call
from tellurion_core.interceptor import DRAIN_SECONDS
from tellurion_core.predictor import Predictor
from tellurion_core.tensors import Array

T = TypeVar("T")
R = TypeVar("R")

MOST = 16
"""Clouds of one inference."""
WAIT_SECONDS = 0.003
"""How long a cloud waits for others to join it."""


@dataclass(eq=False)
class _Waiting:
    inputs: Mapping[str, Array]
    deadline: float
    answer: asyncio.Future[dict[str, Array]]
    since: float = field(default_factory=time.monotonic)


class Batching:
    """Inferences of single clouds, of which those that wait together are run as one; on one event loop.

    An answer does not depend on what it was batched with, as far as the model's does not. An inference is cancelled
    when nobody waits for it any more.
    """

    def __init__(self, predictor: Predictor, *, most: int = MOST, wait: float = WAIT_SECONDS) -> None:
        self._predictor = predictor
        self._most = most
        self._wait = wait
        self._lines: dict[str, deque[_Waiting]] = {}
        self._runners: dict[str, asyncio.Task[None]] = {}

    async def infer(self, model: str, inputs: Mapping[str, Array]) -> dict[str, Array]:
        """The model's outputs for one cloud, inputs and outputs without the batch axis; raises what `infer` raises.

        `inputs` are `points [N, 3]`, and whatever else the model takes for a cloud: of each point, or of all.
        """
        call = current_call.get()
        answer = asyncio.get_running_loop().create_future()
        waiting = _Waiting(inputs, math.inf if call is None else call.deadline, answer)
        line = self._lines.setdefault(model, deque())
        line.append(waiting)
        if model not in self._runners:
            # In a context of its own: it outlives the call that begins it.
            runner = asyncio.create_task(self._serve(model, line), context=Context())
            self._runners[model] = runner
        return await answer

    async def close(self) -> None:
        """Ends all inferences."""
        for runner in (runners := [*self._runners.values()]):
            runner.cancel()
        await asyncio.gather(*runners, return_exceptions=True)

    async def _serve(self, model: str, line: deque[_Waiting]) -> None:
        """Runs what waits, until nothing does."""
        try:
            while line:
                left = line[0].since + self._wait - time.monotonic()
                if len(line) < self._most and left > 0:
                    await asyncio.sleep(left)
                taken = [line.popleft() for _ in range(min(len(line), self._most))]
                wanted = [each for each in taken if not each.answer.done()]
                if wanted:
                    await self._run(model, wanted)
        finally:
            del self._runners[model]
            while line:
                line.popleft().answer.cancel()

    async def _run(self, model: str, batch: Sequence[_Waiting]) -> None:
        running = asyncio.ensure_future(self._inferred(model, batch))

        def left(_: asyncio.Future[dict[str, Array]]) -> None:
            if all(each.answer.done() for each in batch):
                running.cancel()

        for each in batch:
            each.answer.add_done_callback(left)
        try:
            await asyncio.wait([running])
        except asyncio.CancelledError:
            for each in batch:
                each.answer.cancel()
            running.cancel()
            raise
        if running.cancelled():
            for each in batch:
                each.answer.cancel()
            return
        error = running.exception()
        for index, each in enumerate(batch):
            if each.answer.done():
                continue
            if error is not None:
                each.answer.set_exception(error)
            else:
                each.answer.set_result({name: array[index] for name, array in running.result().items()})

    async def _inferred(self, model: str, batch: Sequence[_Waiting]) -> dict[str, Array]:
        """What the predictor answers; inputs that cannot be batched fail here, where everybody who waits is told."""
        inputs = padded([each.inputs for each in batch])
        return await self._predictor.infer(model, inputs, deadline=max(each.deadline for each in batch))


def padded(clouds: Sequence[Mapping[str, Array]]) -> dict[str, Array]:
    """The inputs of several clouds as those of a batch: ragged ones filled up with zeros, which are not `present`."""
    lengths = np.array([len(cloud["points"]) for cloud in clouds])
    batch: dict[str, Array] = {"present": np.arange(lengths.max()) < lengths[:, None]}
    for name, first in clouds[0].items():
        shape = (lengths.max(), *first.shape[1:]) if first.ndim else ()
        batch[name] = np.zeros((len(clouds), *shape), first.dtype)
        for index, cloud in enumerate(clouds):
            batch[name][(index, slice(lengths[index])) if shape else index] = cloud[name]
    return batch


async def in_order(
    items: AsyncIterator[T], work: Callable[[T], Awaitable[R]], *, most: int = 2 * MOST
) -> AsyncGenerator[R, None]:
    """What comes of each item, in their order, with up to `most` of them at work; closing it early cancels them.

    An error comes in its place, and ends it; what `items` still brings is then read for a while, as the harness does
    with the rest of any stream that it refuses.
    """
    room = asyncio.Semaphore(most)
    begun: asyncio.Queue[asyncio.Future[R] | None] = asyncio.Queue()
    failed = False

    async def begin() -> None:
        try:
            async for item in items:
                await room.acquire()
                if failed:
                    room.release()
                else:
                    begun.put_nowait(asyncio.ensure_future(work(item)))
        finally:
            begun.put_nowait(None)

    reader = asyncio.ensure_future(begin())
    try:
        while (task := await begun.get()) is not None:
            yield await task
            room.release()
        await reader
    except Exception:
        failed = True
        room.release()
        await asyncio.wait([reader], timeout=DRAIN_SECONDS)
        raise
    finally:
        unfinished: list[asyncio.Future[Any]] = [reader]
        while not begun.empty():
            if (task := begun.get_nowait()) is not None:
                unfinished.append(task)
        for each in unfinished:
            each.cancel()
        await asyncio.gather(*unfinished, return_exceptions=True)
