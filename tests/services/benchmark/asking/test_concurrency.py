"""How the number of concurrent requests follows what the endpoint takes."""

from __future__ import annotations

import asyncio

import pytest

from tellurion_benchmark.asking.concurrency import FIRST_LIMIT, Concurrency, Room


async def test_every_answer_raises_the_limit_until_the_ceiling():
    concurrency = Concurrency(10)
    for answers in range(20):
        assert concurrency.limit == min(FIRST_LIMIT + answers, 10)
        concurrency.eased()


async def test_too_much_halves_the_limit_once_for_all_that_were_under_way():
    concurrency = Concurrency(64)
    for _ in range(60):
        concurrency.eased()
    async with concurrency.slot() as one, concurrency.slot() as other:
        concurrency.crowded(one)
        concurrency.crowded(other)
    assert concurrency.limit == 32
    async with concurrency.slot() as later:
        concurrency.crowded(later)
    assert concurrency.limit == 16


async def test_after_that_a_full_round_of_answers_raises_it_by_one():
    concurrency = Concurrency(64)
    async with concurrency.slot() as began:
        concurrency.crowded(began)
    assert concurrency.limit == 2
    concurrency.eased()
    assert concurrency.limit == 2
    concurrency.eased()
    concurrency.eased()
    assert concurrency.limit == 3


async def test_it_never_falls_below_one():
    concurrency = Concurrency(1)
    for _ in range(5):
        async with concurrency.slot() as began:
            concurrency.crowded(began)
    assert concurrency.limit == 1


async def test_no_more_than_the_limit_run_and_the_rest_in_their_order():
    concurrency, running, most, order = Concurrency(3), 0, 0, []

    async def one(number):
        nonlocal running, most
        async with concurrency.slot():
            order.append(number)
            running += 1
            most = max(most, running)
            await asyncio.sleep(0)
            running -= 1

    await asyncio.gather(*map(one, range(20)))
    assert most == 3
    assert order == list(range(20))


async def test_whoever_stops_waiting_leaves_the_slot_to_the_next():
    concurrency = Concurrency(1)

    async def one():
        async with concurrency.slot():
            pass

    async with concurrency.slot():
        impatient, patient = asyncio.create_task(one()), asyncio.create_task(one())
        await asyncio.sleep(0)
        impatient.cancel()
    impatient.cancel()
    await asyncio.wait_for(patient, 1)
    with pytest.raises(asyncio.CancelledError):
        await impatient


async def test_one_that_is_cancelled_as_its_turn_comes_gives_it_on():
    concurrency = Concurrency(1)

    async def one():
        async with concurrency.slot():
            pass

    async with concurrency.slot():
        unlucky, next_one = asyncio.create_task(one()), asyncio.create_task(one())
        await asyncio.sleep(0)
    unlucky.cancel()
    await asyncio.wait_for(next_one, 1)


async def test_nothing_is_sent_while_the_endpoint_rests():
    now = 100.0
    concurrency = Concurrency(4, clock=lambda: now)
    async with concurrency.slot() as began:
        concurrency.crowded(began, after=0.05)
    entered = asyncio.Event()

    async def one():
        async with concurrency.slot():
            entered.set()

    task = asyncio.create_task(one())
    await asyncio.sleep(0.02)
    assert not entered.is_set()
    now += 0.05
    await asyncio.wait_for(task, 1)


async def test_what_is_under_way_at_once_fits_the_room_in_the_order_it_was_asked_for():
    room, left, gates = Room(10), [], {size: asyncio.Event() for size in (6, 5, 4)}

    async def hold(size):
        async with room.of(size):
            left.append(size)
            await gates[size].wait()

    held = [asyncio.create_task(hold(size)) for size in (6, 5, 4)]
    await asyncio.sleep(0)
    assert left == [6]  # 4 would fit, but comes after 5
    gates[6].set()
    await held[0]
    await asyncio.sleep(0)
    assert left == [6, 5, 4]
    gates[5].set()
    gates[4].set()
    await asyncio.gather(*held)


async def test_who_is_cancelled_takes_no_room():
    room = Room(10)
    async with room.of(10):
        waiting = [asyncio.create_task(_enter(room, 10)) for _ in range(3)]
        await asyncio.sleep(0)
        waiting[0].cancel()
        await asyncio.sleep(0)
    # The second was given the room at this moment, and is cancelled before it runs.
    waiting[1].cancel()
    await asyncio.wait_for(waiting[2], 1)
    await asyncio.wait_for(_enter(room, 10), 1)


async def _enter(room, size):
    async with room.of(size):
        pass
