"""Request ids that are safe to log, and the time that a call has left."""

from __future__ import annotations

import time

import pytest

from tellurion_core.call import Call, Identity, accepted_request_id, current_call, new_request_id


@pytest.mark.parametrize("received", ["r-1", "A.b_c:9-z", "x" * 64])
def test_a_safe_request_id_is_taken(received: str) -> None:
    assert accepted_request_id(received) == received


@pytest.mark.parametrize("received", [None, "", "x" * 65, "a b", "a\n", 'a"}', "é", "../a"])
def test_an_unsafe_request_id_is_replaced_by_a_safe_one(received: str | None) -> None:
    made = accepted_request_id(received)
    assert made != received
    assert accepted_request_id(made) == made


def test_no_two_new_request_ids_are_the_same() -> None:
    assert len({new_request_id() for _ in range(1000)}) == 1000


def test_the_time_remaining_runs_out() -> None:
    now = time.monotonic()
    ahead, past = (Call("/m", "r", Identity("t", "s"), now + seconds) for seconds in (60, -1))
    assert 59 < ahead.time_remaining() <= 60
    assert past.time_remaining() <= -1


def test_there_is_no_call_outside_of_one() -> None:
    assert current_call.get() is None
