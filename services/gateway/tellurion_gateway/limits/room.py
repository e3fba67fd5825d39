"""The room of one gateway for bodies, which it holds in memory or on disk until they are answered.

It is shared among tenants as places are: a tenant may hold three times as many bytes as are free.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from tellurion_gateway.limits.allowance import RETRY_SECONDS, LimitReached
from tellurion_gateway.limits.places import ALPHA

BODIES = 4
"""Of the largest size there is room for; a tenant that is alone has it for three."""


class Room:
    """Of one process."""

    def __init__(self, most: int) -> None:
        """`most` is how many bytes all bodies may have together."""
        self._most = most
        self._held: Counter[str] = Counter()

    @contextmanager
    def of(self, tenant: str) -> Iterator[Callable[[int], None]]:
        """What is to be told of bytes before they are taken; they are held until the request is answered.

        It raises LimitReached when the tenant would hold more than its share.
        """
        own = 0

        def hold(size: int) -> None:
            nonlocal own
            free = self._most - self._held.total() - size
            if self._held[tenant] + size > ALPHA * free:
                message = f"bodies of {self._held[tenant]} bytes of this tenant are being answered"
                raise LimitReached(message, retry_seconds=RETRY_SECONDS, reason="BODIES")
            own += size
            self._held[tenant] += size

        try:
            yield hold
        finally:
            self._held[tenant] -= own
            if not self._held[tenant]:
                del self._held[tenant]
