"""Who makes a request, by its `Authorization` header: an API key, or a token of the identity provider."""

from __future__ import annotations

import asyncio
import hashlib
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Protocol

from starlette.datastructures import Headers

from tellurion_core.call import Identity
from tellurion_core.errors import TellurionError, Unauthenticated
from tellurion_core.identity.authenticator import bearer
from tellurion_core.identity.roles import Role

LOCAL = Identity("local", "local")
"""Who calls a gateway that asks nobody."""
NOBODY = Identity("", "", Role.VIEWER, frozenset())
"""Who calls before it is known."""
KNOWN_SECONDS = 1.0
"""How long a credential that was good is not looked up again; so much later, at most, a revocation is noticed."""
MOST_KNOWN = 10_000
THREADS = 4
"""That look credentials up; whoever floods the gateway with bad ones keeps no more of them busy."""


class Identify(Protocol):
    """Says who makes a request."""

    async def __call__(self, headers: Headers) -> Identity:
        """The caller.

        Raises:
            Unauthenticated: it does not say who it is, or not truthfully.
        """

    def close(self) -> None:
        """Ends."""


class Anybody:
    """Takes everybody for the installation's own user."""

    async def __call__(self, headers: Headers) -> Identity:
        """See `Identify`."""
        return LOCAL

    def close(self) -> None:
        """See `Identify`."""


class Authentication:
    """Asks for a credential, and looks it up."""

    def __init__(self, look_up: Callable[[str], Identity]) -> None:
        """`look_up` blocks, and raises Unauthenticated."""
        self._look_up = look_up
        self._threads = ThreadPoolExecutor(THREADS, thread_name_prefix="identity")
        self._known: dict[bytes, tuple[float, Identity]] = {}

    async def __call__(self, headers: Headers) -> Identity:
        """See `Identify`."""
        given = headers.getlist("authorization")
        if len(given) > 1:
            raise Unauthenticated("there is more than one authorization")
        credential = bearer(given[0] if given else None)
        if credential is None:
            raise Unauthenticated("give an API key or a token: Authorization: Bearer <key>")
        digest, now = hashlib.sha256(credential.encode("latin-1")).digest(), time.monotonic()
        until, identity = self._known.get(digest, (0.0, NOBODY))
        if now >= until:
            identity = await asyncio.get_running_loop().run_in_executor(self._threads, self._look_up, credential)
            if len(self._known) >= MOST_KNOWN:
                self._known.clear()
            self._known[digest] = now + KNOWN_SECONDS, identity
        return identity

    def close(self) -> None:
        """See `Identify`."""
        self._threads.shutdown(cancel_futures=True)


def challenge(error: TellurionError) -> dict[str, str]:
    """What the answer to a request without a credential says of how to give one (RFC 6750, section 3)."""
    if not isinstance(error, Unauthenticated):
        return {}
    invalid = ', error="invalid_token"' if error.reason.startswith("INVALID") else ""
    return {"WWW-Authenticate": f'Bearer realm="tellurion"{invalid}'}
