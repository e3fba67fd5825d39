"""Loops in ranges, on any number of threads."""

from __future__ import annotations

import threading

import pytest

from tellurion_splatting import threads
from tellurion_splatting.threads import in_ranges


def pieces(start: int, stop: int, power: int) -> int:
    return sum(k**power for k in range(start, stop))


@pytest.mark.parametrize("count", [0, 1, 10, 1000])
def test_results_come_in_order_whatever_the_threads(count: int) -> None:
    expected = [pieces(start, min(start + 7, count), 2) for start in range(0, count, 7)]
    for number in (1, 2, 5, 300):
        assert in_ranges(pieces, count, 7, number, 2) == expected


def test_many_numbers_of_threads_leave_no_more_than_the_pools_behind() -> None:
    for number in range(2, 60):
        in_ranges(pieces, 100, 1, number, 2)
    ours = [thread for thread in threading.enumerate() if thread.name.startswith("splatting")]
    assert len(ours) <= threads.WORKERS


def test_an_error_in_a_range_reaches_the_caller() -> None:
    def fail(start: int, stop: int) -> None:
        raise ZeroDivisionError(start, stop)

    with pytest.raises(ZeroDivisionError):
        in_ranges(fail, 100, 1, 4)
