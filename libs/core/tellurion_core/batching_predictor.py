"""Dynamic batching: requests to a model that agree and wait together are run as one; one that fails, fails alone."""

from __future__ import annotations

import asyncio
import math
import time
from collections import deque
from collections.abc import Callable, Hashable, Iterable, Mapping, Sequence
from contextvars import Context
from dataclasses import dataclass, field

from tellurion_core.batching import ITEMS, OF_ALL, agreement, joined, parts, rows, takes_batches
from tellurion_core.call import current_call
from tellurion_core.errors import Cancelled, DeadlineExceeded
from tellurion_core.predictor import CancelCheck, Described, Predictor
from tellurion_core.progress import Progress
from tellurion_core.tensors import Array, check_tensors


@dataclass(eq=False)
class _Waiting:
    inputs: Mapping[str, Array]
    rows: int
    deadline: float
    cancelled: CancelCheck | None
    progress: Progress | None
    answer: asyncio.Future[dict[str, Array]]
    since: float = field(default_factory=time.monotonic)

    def gone(self) -> bool:
        return self.answer.done() or (self.cancelled is not None and self.cancelled())


@dataclass(frozen=True)
class Batch:
    """An inference that was run."""

    model: str
    """Name of the model."""
    size: int
    """Requests that it answered."""
    seconds: float
    """How long it took."""


class BatchingPredictor:
    """A predictor that joins requests for another one; on one event loop.

    An answer does not depend on what it was batched with, as far as the model's does not. Where a batch fails, each of
    its requests is run by itself. An inference is cancelled when nobody waits for it any more.
    """

    def __init__(
        self,
        predictor: Predictor,
        models: Iterable[Described],
        *,
        most: int = ITEMS,
        wait: float = 0.003,
        ran: Callable[[Batch], None] = lambda _: None,
    ) -> None:
        """`most` items are run as one, and the first of them waits for others for `wait` seconds."""
        self._predictor = predictor
        self._models = {model.name: model for model in models if takes_batches(model)}
        self._most = most
        self._wait = wait
        self._ran = ran
        self._lines: dict[Hashable, deque[_Waiting]] = {}
        self._runners: dict[Hashable, asyncio.Task[None]] = {}

    async def infer(
        self,
        model: str,
        inputs: Mapping[str, Array],
        *,
        deadline: float | None = None,
        cancelled: CancelCheck | None = None,
        progress: Progress | None = None,
    ) -> dict[str, Array]:
        """See `Predictor.infer`."""
        call = current_call.get()
        deadline = min(math.inf if deadline is None else deadline, math.inf if call is None else call.deadline)
        answer: asyncio.Future[dict[str, Array]] = asyncio.get_running_loop().create_future()
        described = self._models.get(model)
        if described is None:
            alone = _Waiting(inputs, 1, deadline, cancelled, progress, answer)
            return (await self._inferred(model, [alone]))[0]
        check_tensors(inputs, described.inputs)
        waiting = _Waiting(inputs, rows(described, inputs), deadline, cancelled, progress, answer)
        key = model, agreement(described, inputs)
        line = self._lines.setdefault(key, deque())
        line.append(waiting)
        if key not in self._runners:
            # In a context of its own: it outlives the call that begins it.
            self._runners[key] = asyncio.create_task(self._serve(described, key, line), context=Context())
        try:
            async with asyncio.timeout(None if deadline == math.inf else deadline - time.monotonic()):
                return await answer
        except TimeoutError:
            raise DeadlineExceeded(f"{model}: not done before the deadline") from None

    async def close(self) -> None:
        """See `Predictor.close`."""
        await asyncio.gather(*self._runners.values(), return_exceptions=True)
        await self._predictor.close()

    async def _serve(self, model: Described, key: Hashable, line: deque[_Waiting]) -> None:
        """Runs what waits, until nothing does."""
        try:
            while line:
                left = line[0].since + self._wait - time.monotonic()
                if sum(each.rows for each in line) < self._most and left > 0:
                    await asyncio.sleep(left)
                taken = [line.popleft()]
                while line and sum(each.rows for each in taken) + line[0].rows <= self._most:
                    taken.append(line.popleft())
                await self._run(model, taken)
        finally:
            del self._runners[key], self._lines[key]
            while line:
                line.popleft().answer.cancel()

    async def _run(self, model: Described, taken: Sequence[_Waiting]) -> None:
        for each in taken:
            if not each.answer.done() and each.gone():
                each.answer.set_exception(Cancelled("cancelled before it began"))
        if not (batch := [each for each in taken if not each.answer.done()]):
            return
        running = asyncio.ensure_future(self._inferred(model.name, batch))

        def left(_: object) -> None:
            if all(each.answer.done() for each in batch):
                running.cancel()

        for each in batch:
            each.answer.add_done_callback(left)
        try:
            await asyncio.wait([running])
        except asyncio.CancelledError:
            running.cancel()
            for each in batch:
                each.answer.cancel()
            raise
        if running.cancelled():
            for each in batch:
                each.answer.cancel()
        elif (error := running.exception()) is None:
            for each, answer in zip(batch, running.result(), strict=True):
                if not each.answer.done():
                    each.answer.set_result(answer)
        elif len(batch) > 1 and not isinstance(error, OF_ALL):
            for each in batch:
                await self._run(model, [each])
        else:
            for each in batch:
                if not each.answer.done():
                    each.answer.set_exception(error)

    async def _inferred(self, model: str, batch: Sequence[_Waiting]) -> list[dict[str, Array]]:
        """What the predictor answers to each; what cannot be joined or told apart fails here, and all who wait hear."""

        def report(fraction: float, message: str) -> None:
            for each in batch:
                if each.progress is not None and not each.answer.done():
                    each.progress(fraction, message)

        asked = [each.inputs for each in batch]
        latest = max(each.deadline for each in batch)
        started = time.monotonic()
        outputs = await self._predictor.infer(
            model,
            joined(self._models[model], asked) if len(asked) > 1 else asked[0],
            deadline=None if latest == math.inf else latest,
            cancelled=lambda: all(each.gone() for each in batch),
            progress=report,
        )
        self._ran(Batch(model, len(batch), time.monotonic() - started))
        return parts(self._models[model], asked, outputs) if len(asked) > 1 else [outputs]
