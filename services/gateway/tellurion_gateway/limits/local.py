"""Allowances of one process that knows of no others.

The rate is held by the generic cell rate algorithm (ITU-T I.371, annex A): of each tenant one moment is kept, at which
its burst will be whole again.
"""

from __future__ import annotations

import time
from collections import defaultdict
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass

from tellurion_gateway.limits.allowance import Allowance, too_fast, too_many


@dataclass
class _Use:
    whole: float = 0.0
    """When the burst is whole again, on the clock."""
    at_once: int = 0


class LocalLimiter:
    """Holds tenants to their allowance; see `Limiter`."""

    def __init__(self, allowance: Allowance, clock: Callable[[], float] = time.monotonic) -> None:
        self._allowance = allowance
        self._clock = clock
        self._uses: defaultdict[str, _Use] = defaultdict(_Use)

    @asynccontextmanager
    async def place(self, tenant: str) -> AsyncIterator[None]:
        """See `Limiter.place`."""
        allowance, use, now = self._allowance, self._uses[tenant], self._clock()
        if use.at_once >= allowance.at_once:
            raise too_many(allowance.at_once)
        whole = max(use.whole, now) + 1 / allowance.rate
        if (wait := whole - now - allowance.burst / allowance.rate) > 1e-9:
            raise too_fast(allowance, wait)
        use.whole = whole
        use.at_once += 1
        try:
            yield
        finally:
            use.at_once -= 1
            if use.at_once == 0 and use.whole <= self._clock():
                del self._uses[tenant]  # a tenant that comes now and then takes no memory meanwhile

    async def close(self) -> None:
        """Nothing to end."""
