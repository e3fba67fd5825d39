"""How often a question is asked again, and when."""

from __future__ import annotations

import random

import pytest

from tellurion_benchmark.asking.retries import Patience, Tries
from tellurion_benchmark.scoring import NoAnswer
from tellurion_core.endpoints.troubles import Busy, Failed, Refused, TimedOut


class Longest(random.Random):
    """Draws the upper end of every interval."""

    def uniform(self, a: float, b: float) -> float:
        return b


def test_a_refused_question_is_never_asked_again():
    with pytest.raises(NoAnswer, match="no such model"):
        Tries(Patience(), random.Random(0)).pause(Refused("no such model"))


@pytest.mark.parametrize(("kind", "times"), [(Failed, 3), (TimedOut, 3), (Busy, 5)])
def test_any_other_is_asked_again_so_many_times(kind, times):
    tries = Tries(Patience(failures=3, waits=5), random.Random(0))
    for _ in range(times):
        tries.pause(kind("why"))
    with pytest.raises(NoAnswer, match="why"):
        tries.pause(kind("why"))


def test_waiting_for_a_busy_endpoint_is_no_failure():
    tries = Tries(Patience(failures=1, waits=5), random.Random(0))
    for _ in range(5):
        tries.pause(Busy("busy"))
    tries.pause(Failed("failed"))


def test_the_longest_pause_doubles_up_to_its_bound():
    tries = Tries(Patience(failures=9, first=1, longest=5), Longest())
    assert [tries.pause(Failed("x")) for _ in range(5)] == [1, 2, 4, 5, 5]


def test_pauses_are_spread_over_the_whole_interval():
    rng = random.Random(0)
    pauses = [Tries(Patience(), rng).pause(Failed("x")) for _ in range(1000)]
    assert min(pauses) < 0.02
    assert max(pauses) > 0.98
    assert sum(pauses) / 1000 == pytest.approx(0.5, abs=0.05)


def test_an_endpoint_that_asks_for_more_time_gets_it():
    assert Tries(Patience(), random.Random(0)).pause(Busy("x", after=30.0)) == 30.0
