"""Allowances of all gateways together, kept in Redis by its clock; one that cannot reach it goes on by itself.

    tellurion:limits:{<tenant>}:whole     when the tenant's burst is whole again, seconds since 1970
    tellurion:limits:{<tenant>}:places    its requests that are being answered, each with the end of its lease

A lease is renewed as long as its process lives, so that the places of one that was killed come back.
"""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from typing import Any

import structlog
from redis.asyncio import Redis
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff
from redis.exceptions import RedisError

from tellurion_gateway.limits.allowance import Allowance, too_fast, too_many
from tellurion_gateway.limits.local import LocalLimiter

LEASE_SECONDS = 15.0
ANSWERS_WITHIN = 0.25
"""Seconds that a request waits for Redis at most."""
ASKED_AGAIN = 1.0
"""Seconds after which a Redis that did not answer is asked again."""
# Rate and places are looked at in one step, so that no two gateways give away the same.
ENTER = """
local time = redis.call('TIME')
local now = time[1] + time[2] / 1e6
local rate, burst, at_once, lease = tonumber(ARGV[2]), tonumber(ARGV[3]), tonumber(ARGV[4]), tonumber(ARGV[5])
redis.call('ZREMRANGEBYSCORE', KEYS[2], '-inf', now)
if redis.call('ZCARD', KEYS[2]) >= at_once then return -1 end
local whole = math.max(tonumber(redis.call('GET', KEYS[1]) or 0), now) + 1 / rate
local wait = whole - now - burst / rate
if wait > 1e-6 then return math.ceil(wait * 1e6) end
redis.call('SET', KEYS[1], string.format('%.6f', whole), 'PX', math.ceil((whole - now) * 1000))
redis.call('ZADD', KEYS[2], now + lease, ARGV[1])
redis.call('PEXPIRE', KEYS[2], math.ceil(lease * 1000))
return 0
"""
RENEW = """
local time = redis.call('TIME')
for i = 2, #ARGV do redis.call('ZADD', KEYS[1], 'XX', time[1] + ARGV[1], ARGV[i]) end
redis.call('PEXPIRE', KEYS[1], math.ceil(ARGV[1] * 1000))
"""

log = structlog.get_logger()


class SharedLimiter:
    """Holds tenants to their allowance; see `Limiter`."""

    def __init__(self, url: str, allowance: Allowance) -> None:
        """`url` is `redis://…`, `rediss://…` with TLS, or `unix:///path`."""
        limits: dict[str, Any] = {"socket_timeout": ANSWERS_WITHIN, "socket_connect_timeout": ANSWERS_WITHIN}
        self._redis = Redis.from_url(url, retry=Retry(NoBackoff(), 0), **limits)
        self._enter, self._renew = self._redis.register_script(ENTER), self._redis.register_script(RENEW)
        self._allowance = allowance
        self._alone = LocalLimiter(allowance)
        self._held: dict[str, set[str]] = {}
        self._renewing: asyncio.Task[None] | None = None
        self._reached = True
        self._ask_from = 0.0

    @asynccontextmanager
    async def place(self, tenant: str) -> AsyncIterator[None]:
        """See `Limiter.place`."""
        self._renewing = self._renewing or asyncio.create_task(self._renew_leases())
        lease = secrets.token_hex(8)
        answer = await self._entered(tenant, lease)
        if answer is None:
            async with self._alone.place(tenant):
                yield
            return
        if answer < 0:
            raise too_many(self._allowance.at_once)
        if answer > 0:
            raise too_fast(self._allowance, answer / 1e6)
        self._held.setdefault(tenant, set()).add(lease)
        try:
            yield
        finally:
            self._held[tenant].remove(lease)
            if not self._held[tenant]:
                del self._held[tenant]
            with suppress(RedisError, OSError):  # the lease runs out
                await self._redis.zrem(_keys(tenant)[1], lease)

    async def close(self) -> None:
        """Ends the renewal and the connections."""
        if self._renewing is not None:
            self._renewing.cancel()
            await asyncio.wait([self._renewing])
        await self._redis.aclose()

    async def _entered(self, tenant: str, lease: str) -> int | None:
        """0 where there is a place, -1 where there is none, or after how many microseconds; None without Redis."""
        allowance, answer, clock = self._allowance, None, asyncio.get_running_loop().time
        if clock() < self._ask_from:
            return None
        arguments = (lease, allowance.rate, allowance.burst, allowance.at_once, LEASE_SECONDS)
        with suppress(RedisError, OSError):
            answer = int(await self._enter(keys=_keys(tenant), args=arguments))
        if (answer is not None) != self._reached:
            self._reached = answer is not None
            log.warning("limits are shared again" if self._reached else "no Redis: each gateway limits by itself")
        if answer is None:
            self._ask_from = clock() + ASKED_AGAIN
        return answer

    async def _renew_leases(self) -> None:
        while True:
            await asyncio.sleep(LEASE_SECONDS / 3)
            for tenant, leases in list(self._held.items()):
                with suppress(RedisError, OSError):
                    await self._renew(keys=_keys(tenant)[1:], args=(LEASE_SECONDS, *leases))


def _keys(tenant: str) -> tuple[str, str]:
    return f"tellurion:limits:{{{tenant}}}:whole", f"tellurion:limits:{{{tenant}}}:places"
