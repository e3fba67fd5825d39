"""What goes from a front to a replica and back: less time than there was, and errors that stay what they are."""

from __future__ import annotations

import asyncio
import pickle
import time
from dataclasses import replace

import pytest

from tellurion_core.call import Call, Identity, current_call
from tellurion_core.errors import DeadlineExceeded, InvalidInput
from tellurion_core.ray_serving.hop import Answer, Hop


def answering(seconds: float) -> Call:
    call = Call("/s/M", "r-1", Identity("institute", "somebody"), time.monotonic() + seconds)
    current_call.set(call)
    return call


async def test_a_replica_has_no_more_time_than_the_front_and_knows_who_asks() -> None:
    front = answering(2.0)
    replica = pickle.loads(pickle.dumps(Hop.onward())).enter()
    assert time.monotonic() < replica.deadline < front.deadline
    assert (replica.request_id, replica.identity) == (front.request_id, front.identity)
    assert current_call.get() == replica


async def test_the_wait_for_a_replica_takes_of_its_time() -> None:
    hop = (answering(2.0), Hop.onward())[1]
    await asyncio.sleep(0.2)
    assert hop.enter().time_remaining() < 1.8
    elsewhere = replace(hop, clock="another machine's").enter()
    assert 1.8 < elsewhere.time_remaining() < 2.0


async def test_nothing_goes_on_after_the_deadline() -> None:
    answering(0.0)
    with pytest.raises(DeadlineExceeded):
        Hop.onward()


def test_an_error_crosses_with_its_fields() -> None:
    error = InvalidInput.of("points[3]", received="NaN", accepted="metres")
    with pytest.raises(InvalidInput) as caught:
        pickle.loads(pickle.dumps(Answer.failed(error, "r-1", []))).result()
    assert caught.value.violations == error.violations
    assert caught.value.reason == error.reason
