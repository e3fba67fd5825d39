"""What every drill has in common: a steady load before, during and after it, and what must be true of it in the end."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from .callers import Caller, Load, content_of
from .measuring import kept

STEADY_SECONDS = 6.0
"""Of load before something happens, and after all is ready again."""
DONE_SECONDS = 240.0
"""Within which all that was submitted has to be done after a drill."""


@dataclass(frozen=True)
class Undisturbed:
    """What the platform answers when nothing happens to it."""

    analysis: str
    submitted: str

    @staticmethod
    def of(caller: Caller) -> Undisturbed:
        (analysis,) = {content_of(caller.analysis().raise_for_status()) for _ in range(2)}
        first, second = (caller.submit(f"undisturbed-{number}").raise_for_status().json() for number in range(2))
        (submitted,) = {caller.done(each["operation"], DONE_SECONDS) for each in (first, second)}
        return Undisturbed(analysis, submitted)


def statuses(load: Load) -> set[int]:
    """Of everything that was refused; 0 where a connection broke."""
    return {status for status in load.answers if status != 200}


@contextmanager
def under_load(caller: Caller, undisturbed: Undisturbed, what: str, every: float = 5.0) -> Iterator[Load]:
    """A load around a drill, with long work every so many seconds.

    In the end no answer was wrong, and all work that was taken is done, with one result.
    """
    with Load(caller, undisturbed.analysis, every) as load:
        time.sleep(STEADY_SECONDS)
        begun = time.monotonic()
        yield load
        lasted = time.monotonic() - begun
        good = load.answers[200]
        time.sleep(STEADY_SECONDS)
        served = load.answers[200] - good
    print(f"{what}: {lasted:.0f} s, answers {dict(load.answers)}, {len(load.operations)} submitted")
    kept(drill=what, seconds=round(lasted), answers=load.answers, submitted=len(load.operations))
    print(*sorted({each[:200] for each in load.refused})[:5], sep="\n")
    assert load.wrong == []
    assert served > 0, "nothing was answered after it"
    assert load.operations
    for operation in load.operations:
        assert caller.done(operation, DONE_SECONDS) == undisturbed.submitted
