"""The public keys of an identity provider, fetched when they are needed and kept for a while."""

from __future__ import annotations

import asyncio
import math
import ssl
import time
from collections.abc import Callable, Mapping
from http import HTTPStatus
from pathlib import Path

import httpx
import jwt
import structlog
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey

from tellurion_core.errors import InvalidInput, Unavailable

ALGORITHMS = ("RS256", "ES256", "EdDSA")
"""By which tokens may be signed; which of them, the key says, never the token."""
MAX_BYTES = 256 << 10
"""Of a set of keys."""
FETCH_SECONDS = 5.0
"""How long fetching it may take."""
FRESH_SECONDS = 600.0
"""How long it is used without a look whether there is another."""
STALE_SECONDS = 86400.0
"""How long it is used where no other can be had."""
PAUSE_SECONDS = 10.0
"""Least time between two fetches, whatever keys tokens name."""
MIN_RSA_BITS = 2048
MALFORMED = (AttributeError, KeyError, RecursionError, TypeError, ValueError)
"""What reading JSON of another shape than a set of keys ends in."""

log = structlog.get_logger()


class KeySet:
    """The keys at one URL, by their id."""

    def __init__(self, url: str, ca: Path | None, clock: Callable[[], float] = time.monotonic) -> None:
        """Raises InvalidInput of authorities that cannot be used."""
        self._url = url
        try:
            self._trust = ssl.create_default_context(cafile=ca)
        except (OSError, ssl.SSLError):
            accepted = "PEM certificates of authorities"
            raise InvalidInput.of("TELLURION_OIDC_JWKS_CA", received=ca, accepted=accepted) from None
        self._clock = clock
        self._keys: Mapping[str, jwt.PyJWK] = {}
        self._asked = self._fetched = -math.inf
        self._fetching: asyncio.Task[None] | None = None

    async def get(self, key_id: str) -> jwt.PyJWK | None:
        """The key of this id; None where the provider has none. Keys that are known are not waited for.

        Raises:
            Unavailable: no keys can be had from the provider.
        """
        age = self._clock() - self._fetched
        if key_id not in self._keys or age > FRESH_SECONDS:
            if self._fetching is None and self._clock() - self._asked > PAUSE_SECONDS:
                self._fetching = asyncio.create_task(self._fetch())
            if self._fetching is not None and (key_id not in self._keys or age > STALE_SECONDS):
                await asyncio.shield(self._fetching)
        if self._clock() - self._fetched > STALE_SECONDS:
            raise Unavailable("the identity provider's keys cannot be had now; try again later")
        return self._keys.get(key_id)

    async def _fetch(self) -> None:
        try:
            async with asyncio.timeout(FETCH_SECONDS):
                self._keys = _usable(await self._read())
            self._fetched = self._clock()
        except (httpx.HTTPError, TimeoutError, jwt.PyJWTError, *MALFORMED) as error:
            log.warning("the identity provider's keys cannot be fetched", error=type(error).__name__)
        finally:
            self._asked = self._clock()
            self._fetching = None

    async def _read(self) -> bytes:
        body = bytearray()
        # Neither proxies of the environment nor redirects: the keys are where the settings say, or nowhere.
        async with (
            httpx.AsyncClient(verify=self._trust, trust_env=False, timeout=FETCH_SECONDS) as client,
            client.stream("GET", self._url, headers={"Accept-Encoding": "identity"}) as response,
        ):
            if response.status_code != HTTPStatus.OK:
                raise ValueError(response.status_code)
            async for part in response.aiter_raw():
                body += part
                if len(body) > MAX_BYTES:
                    raise ValueError("too large")
        return bytes(body)


def _usable(written: bytes) -> Mapping[str, jwt.PyJWK]:
    """The keys of a set by which tokens may be signed."""
    keys = jwt.PyJWKSet.from_json(written.decode()).keys
    return {key.key_id: key for key in keys if key.key_id and key.public_key_use != "enc" and _is_strong(key)}


def _is_strong(key: jwt.PyJWK) -> bool:
    match key.algorithm_name:
        case "RS256":
            return isinstance(key.key, RSAPublicKey) and key.key.key_size >= MIN_RSA_BITS
        case "EdDSA":
            return isinstance(key.key, Ed25519PublicKey)
        case other:
            return other in ALGORITHMS
