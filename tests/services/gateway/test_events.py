"""Work as server-sent events, without a server."""

from __future__ import annotations

import asyncio
from contextlib import aclosing

import anyio
import pytest

from tellurion_core.errors import NotFound
from tellurion_core.progress import Progress
from tellurion_gateway.events import KEEP_ALIVE, events

PATH = "/v1/work"


async def test_comments_fill_the_silence_and_leave_the_work_running() -> None:
    heard = asyncio.Event()

    async def work(report: Progress) -> str:
        report(0.5, "half")
        await heard.wait()
        return "{}"

    told = []
    async for event in events(work, PATH, comment_seconds=0.01):
        told.append(event)
        if told.count(KEEP_ALIVE) == 3:
            heard.set()
    progress = b'event: progress\ndata: {"fraction": 0.5, "message": "half"}\n\n'
    assert told == [progress, KEEP_ALIVE, KEEP_ALIVE, KEEP_ALIVE, b"event: result\ndata: {}\n\n"]


async def test_progress_that_is_not_taken_does_not_pile_up() -> None:
    async def work(report: Progress) -> str:
        for thousandth in range(1000):
            report(thousandth / 1000, "")
        return "{}"

    told = [event async for event in events(work, PATH, comment_seconds=10)]
    assert len(told) == 2
    assert b"0.999" in told[0]


@pytest.mark.parametrize(
    ("error", "status"), [(NotFound("no such month"), b'"status": 404'), (LookupError("hunter2"), b'"status": 500')]
)
async def test_an_error_of_the_work_is_the_last_event(error: Exception, status: bytes) -> None:
    async def work(report: Progress) -> str:
        raise error

    (told,) = [event async for event in events(work, PATH, comment_seconds=10)]
    assert told.startswith(b"event: error\n")
    assert status in told
    assert b"hunter2" not in told


class Unhurried:
    """Work that reports once, waits, and takes a while to end when it is cancelled."""

    ended = False

    async def __call__(self, report: Progress) -> str:
        report(0.5, "half")
        try:
            await asyncio.sleep(3600)
        finally:
            await asyncio.sleep(0.02)
            self.ended = True
        return "{}"


@pytest.mark.parametrize("taken", [1, 2])
async def test_closing_in_progress_or_in_silence_waits_until_the_work_has_ended(taken: int) -> None:
    work = Unhurried()
    async with aclosing(events(work, PATH, comment_seconds=0.01)) as told:
        for _ in range(taken):
            await anext(told)
    assert work.ended


@pytest.mark.parametrize("taken", [1, 2])
async def test_a_cancelled_scope_as_the_web_framework_has_waits_too(taken: int) -> None:
    work = Unhurried()
    with anyio.CancelScope() as scope:
        async with aclosing(events(work, PATH, comment_seconds=0.01 if taken > 1 else 10)) as told:
            for _ in range(taken):
                await anext(told)
            asyncio.get_running_loop().call_soon(scope.cancel)
            async for _ in told:
                pass
    assert scope.cancelled_caught
    assert work.ended
