"""Work as server-sent events: `progress` while it goes on, then `result` or `error` (WHATWG HTML, section 9.2)."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncGenerator, Callable, Coroutine
from contextlib import aclosing
from typing import Any, TypeVar

import anyio

from tellurion_core.progress import Progress, Step, followed
from tellurion_gateway.problems import problem_document, told_failure

T = TypeVar("T")
KEEP_ALIVE = b": still working\n\n"


def events(
    work: Callable[[Progress], Coroutine[Any, Any, str]], path: str, *, comment_seconds: float
) -> AsyncGenerator[bytes]:
    """The stream of events of `work`, which is told where to report progress and answers JSON.

    Progress that comes faster than it is taken is skipped: only the newest waits. Closing the generator cancels the
    work and waits until it has ended.
    """
    return told(_steps(work), path, comment_seconds=comment_seconds)


async def told(news: AsyncGenerator[tuple[str, str]], path: str, *, comment_seconds: float) -> AsyncGenerator[bytes]:
    """The stream of these events, each a name and JSON; `error` ends it where they fail.

    `error` carries a problem document about the request to `path`. A comment is sent after each silence of
    `comment_seconds`. Closing the generator closes `news`.
    """
    try:
        async with aclosing(_with_silences(news, comment_seconds)) as events:
            async for event in events:
                yield KEEP_ALIVE if event is None else _event(*event)
        return
    except Exception as error:  # noqa: BLE001 -- told, and logged
        failure = problem_document(told_failure(error), path)
    yield _event("error", json.dumps(failure))


async def _steps(work: Callable[[Progress], Coroutine[Any, Any, str]]) -> AsyncGenerator[tuple[str, str]]:
    async with aclosing(followed(work)) as news:
        async for new in news:
            if isinstance(new, Step):
                yield "progress", json.dumps({"fraction": new.fraction, "message": new.message})
            else:
                yield "result", new


async def _with_silences(told: AsyncGenerator[T], seconds: float) -> AsyncGenerator[T | None]:
    """What is told, and None after each silence of so many seconds; closes `told` in the end."""
    coming = asyncio.ensure_future(anext(told))
    try:
        while True:
            # Unlike a timeout, this leaves what is awaited running.
            await asyncio.wait([coming], timeout=seconds)
            if not coming.done():
                yield None
                continue
            try:
                news = coming.result()
            except StopAsyncIteration:
                return
            yield news
            coming = asyncio.ensure_future(anext(told))
    finally:
        coming.cancel()
        # The web framework cancels at every await, and `told` cannot be closed while it is still running.
        with anyio.CancelScope(shield=True):
            await asyncio.wait([coming])
            await told.aclose()


def _event(name: str, data: str) -> bytes:
    """One event; JSON has no line breaks of its own."""
    return f"event: {name}\ndata: {data}\n\n".encode()
