"""Work followed step by step."""

from __future__ import annotations

import asyncio
from contextlib import aclosing

import pytest

from tellurion_core.fields import validate
from tellurion_core.progress import Progress, Step, followed


async def test_steps_come_as_they_are_reported_and_the_result_last() -> None:
    taken = asyncio.Event()

    async def work(report: Progress) -> str:
        for fraction in (0.25, 0.5):
            report(fraction, "on the way")
            await taken.wait()
            taken.clear()
        return "done"

    events = []
    async for event in followed(work):
        events.append(event)
        taken.set()
    assert events == [Step(0.25, "on the way"), Step(0.5, "on the way"), "done"]


async def test_of_steps_that_come_faster_than_they_are_taken_the_newest_is_kept() -> None:
    async def work(report: Progress) -> int:
        for hundredth in range(100):
            report(hundredth / 100, "")
        return 7

    assert [event async for event in followed(work)] == [Step(0.99, ""), 7]


async def test_work_that_reports_nothing_still_answers() -> None:
    async def work(report: Progress) -> None:
        await asyncio.sleep(0)

    assert [event async for event in followed(work)] == [None]


async def test_an_error_of_the_work_is_raised() -> None:
    async def work(report: Progress) -> None:
        report(0.1, "")
        raise LookupError("lost")

    with pytest.raises(LookupError, match="lost"):
        [event async for event in followed(work)]


async def test_leaving_early_cancels_the_work() -> None:
    stopped = asyncio.Event()

    async def work(report: Progress) -> None:
        report(0.1, "")
        try:
            await asyncio.sleep(3600)
        finally:
            stopped.set()

    async with aclosing(followed(work)) as events:
        assert await anext(events) == Step(0.1, "")
    assert stopped.is_set()


@pytest.mark.parametrize("step", [Step(1.0000001, "x"), Step(-0.1, "x"), Step(0.5, "x" * 1000)])
def test_a_step_on_the_wire_keeps_the_rules_of_its_message(step: Step) -> None:
    validate(step.wire())
