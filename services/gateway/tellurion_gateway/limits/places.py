"""The places of one gateway, shared among tenants so that nobody can take them all.

A tenant may hold three times as many as are free (dynamic thresholds: Choudhury and Hahne, IEEE/ACM Transactions on
Networking 6, 1998): alone, three quarters; of many that want all they can get, each gets the same, and some are free
for whoever comes next.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from tellurion_core.errors import Unavailable
from tellurion_gateway.limits.allowance import Limiter, too_many

ALPHA = 3


class Places:
    """Of one process."""

    def __init__(self, most: int, limiter: Limiter) -> None:
        """`most` is how many requests are answered at once; `limiter` holds tenants to their allowance besides."""
        self._most = most
        self._limiter = limiter
        self._held: Counter[str] = Counter()

    @asynccontextmanager
    async def taken(self, tenant: str) -> AsyncIterator[None]:
        """A place, for as long as a request is answered.

        Raises:
            Unavailable: there is none.
            LimitReached: the tenant has its share, or more than its allowance.
        """
        free = self._most - self._held.total()
        if free <= 0:
            raise Unavailable(f"{self._most} requests are being answered; try again", reason="OVERLOADED")
        if (held := self._held[tenant]) >= ALPHA * free:
            raise too_many(held)
        self._held[tenant] += 1
        try:
            async with self._limiter.place(tenant):
                yield
        finally:
            self._held[tenant] -= 1
            if not self._held[tenant]:
                del self._held[tenant]
