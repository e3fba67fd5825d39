"""Clouds of any size that wait together are one inference, and work on a stream keeps its order."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable, Iterable, Mapping
from typing import Any, TypeVar

import numpy as np

from tellurion_core.batching_predictor import BatchingPredictor
from tellurion_core.interceptor import DRAIN_SECONDS
from tellurion_core.predictor import Described, Predictor
from tellurion_core.tensors import Array

T = TypeVar("T")
R = TypeVar("R")

MOST = 16
"""Clouds of one inference."""
WAIT_SECONDS = 0.003
"""How long a cloud waits for others to join it."""


class Batching:
    """Inferences of single clouds, of which those that wait together are run as one; on one event loop."""

    def __init__(
        self, predictor: Predictor, models: Iterable[Described], *, most: int = MOST, wait: float = WAIT_SECONDS
    ) -> None:
        self._joint = BatchingPredictor(predictor, models, most=most, wait=wait)

    async def infer(self, model: str, inputs: Mapping[str, Array]) -> dict[str, Array]:
        """The model's outputs for one cloud, inputs and outputs without the batch axis; raises what `infer` raises.

        `inputs` are `points [N, 3]`, and whatever else the model takes for a cloud: of each point, or of all.
        """
        cloud = {"present": np.ones(len(inputs["points"]), bool), **inputs}
        outputs = await self._joint.infer(model, {name: np.asarray(array)[None] for name, array in cloud.items()})
        return {name: array[0] for name, array in outputs.items()}

    async def close(self) -> None:
        """Waits for what runs, and closes the predictor."""
        await self._joint.close()


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
