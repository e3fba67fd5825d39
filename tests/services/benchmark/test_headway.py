"""What whoever waits for an evaluation is told."""

from __future__ import annotations

from decimal import Decimal

import pytest

from tellurion_benchmark.asking.budget import Spending
from tellurion_benchmark.headway import Headway


@pytest.fixture
def told():
    return []


@pytest.fixture
def headway(told):
    """Of 830 items, with a clock that the test sets."""
    clock = [0.0]
    headway = Headway(lambda fraction, message: told.append((fraction, message)), "asked", 830, lambda: clock[0])
    headway.clock = clock
    return headway


def test_what_is_done_has_failed_was_spent_and_is_left(headway, told):
    headway.failed = 3
    headway.clock[0] = 30.0
    headway.finished(120, Spending(117, 1000, 90, Decimal("0.4249")))
    # 710 items at 4 a second: 177.5 s.
    assert told == [(pytest.approx(0.98 * 120 / 830), "asked 120 of 830, 3 failed, 0.42 spent, about 3 min left")]


def test_without_prices_tokens_are_counted(headway, told):
    headway.clock[0] = 1.0
    headway.finished(415, Spending(415, 1000, 90))
    assert told[0][1] == "asked 415 of 830, 1090 tokens, about 1 s left"


def test_news_come_not_too_often_except_for_the_last(headway, told):
    for done in range(1, 831):
        headway.clock[0] += 0.1
        headway.finished(done)
    assert 830 / 6 <= len(told) <= 830 / 5 + 1
    assert told[-1][1] == "asked 830 of 830"


def test_the_time_left_follows_a_speed_that_changes(headway, told):
    for done in range(1, 411):  # at first answers are found that were paid for before
        headway.clock[0] += 0.001
        headway.finished(done)
    for done in range(411, 551):
        headway.clock[0] += 60.0
        headway.finished(done)
    assert told[-1][1].endswith("about 5 h left")  # 280 items at a minute each


@pytest.mark.parametrize(("seconds", "said"), [(0.0, "1 s"), (80.0, "80 s"), (100.0, "2 min"), (6000.0, "2 h")])
def test_durations_are_as_rough_as_they_are_sure(headway, told, seconds, said):
    headway.clock[0] = seconds or 0.5
    headway.finished(415 if seconds else 829)
    assert told[0][1].endswith(f"about {said} left")


def test_that_nothing_is_done_yet_is_said_at_once(headway, told):
    headway.finished(0)
    assert told == [(0.0, "asked 0 of 830")]


@pytest.mark.parametrize(("times", "said"), [(1, "once"), (12, "12 times")])
def test_what_keeps_an_endpoint_from_answering_is_told(headway, told, times, said):
    headway.finished(0, Spending(), ("the endpoint cannot be reached", times))
    assert told == [(0.0, f"asked 0 of 830, 0 tokens, the endpoint cannot be reached, {said}")]


def test_the_last_item_is_told_at_once_and_once(headway, told):
    for done in (829, 830, 830):
        headway.finished(done)
    assert [message for _, message in told] == ["asked 829 of 830, about 1 s left", "asked 830 of 830"]
