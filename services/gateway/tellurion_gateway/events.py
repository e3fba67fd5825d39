"""Work as server-sent events: `progress` while it goes on, then `result` or `error` (WHATWG HTML, section 9.2)."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncGenerator, Awaitable, Callable

import structlog

from tellurion_core.errors import Internal, TellurionError
from tellurion_core.predictor import Progress
from tellurion_gateway.problems import problem_document

KEEP_ALIVE = b": still working\n\n"

log = structlog.get_logger()


async def events(
    work: Callable[[Progress], Awaitable[str]], path: str, *, comment_seconds: float
) -> AsyncGenerator[bytes]:
    """The stream of events of `work`, which is told where to report progress and answers JSON.

    `error` carries a problem document about the request to `path`. A comment is sent after each silence of
    `comment_seconds`. Closing the generator cancels the work.
    """
    queue: asyncio.Queue[bytes | None] = asyncio.Queue()

    def progress(fraction: float, message: str) -> None:
        queue.put_nowait(_event("progress", json.dumps({"fraction": fraction, "message": message})))

    async def run() -> None:
        queue.put_nowait(await _last_event(work(progress), path))
        queue.put_nowait(None)

    task = asyncio.create_task(run())
    try:
        while True:
            try:
                async with asyncio.timeout(comment_seconds):
                    event = await queue.get()
            except TimeoutError:
                event = KEEP_ALIVE
            if event is None:
                return
            yield event
    finally:
        task.cancel()


async def _last_event(work: Awaitable[str], path: str) -> bytes:
    try:
        return _event("result", await work)
    except TellurionError as error:
        failure = error
    except Exception:
        log.exception("request failed")
        failure = Internal("see the log")
    return _event("error", json.dumps(problem_document(failure, path)))


def _event(name: str, data: str) -> bytes:
    """One event; JSON has no line breaks of its own."""
    return f"event: {name}\ndata: {data}\n\n".encode()
