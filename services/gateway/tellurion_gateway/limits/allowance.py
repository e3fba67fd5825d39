"""How much a tenant may ask for, and what it is told when it asks for more."""

from __future__ import annotations

from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from typing import Protocol

from tellurion_core.errors import ResourceExhausted

RETRY_SECONDS = 1.0
"""When to try again after too many requests at once: nobody knows when one of them ends."""


@dataclass(frozen=True)
class Allowance:
    """What each tenant has, in all gateways together."""

    rate: float
    """Requests a second, in the long run."""
    burst: int
    """Requests that may come at once after a pause."""
    at_once: int
    """Requests that are answered at once."""


class LimitReached(ResourceExhausted):
    """The tenant asks for more than it may; after `retry_seconds` it may again."""

    def __init__(self, message: str, *, retry_seconds: float, reason: str) -> None:
        super().__init__(message, reason=reason)
        self.retry_seconds = retry_seconds


class Limiter(Protocol):
    """Holds tenants to their allowance."""

    def place(self, tenant: str) -> AbstractAsyncContextManager[None]:
        """A tenant's request, for as long as it is answered.

        Raises:
            LimitReached: there are too many.
        """

    async def close(self) -> None:
        """Ends."""


def too_fast(allowance: Allowance, wait: float) -> LimitReached:
    """More than `rate` a second."""
    message = f"a tenant may make {allowance.rate:g} requests a second, {allowance.burst} in a burst"
    return LimitReached(message, retry_seconds=wait, reason="RATE_LIMIT")


def too_many(at_once: int) -> LimitReached:
    """More than so many at once."""
    message = f"{at_once} requests of this tenant are being answered"
    return LimitReached(message, retry_seconds=RETRY_SECONDS, reason="CONCURRENCY_LIMIT")
