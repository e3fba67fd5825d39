"""Who makes a request, by its API key, and whether that one may ask for this path."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Mapping
from typing import Protocol

from tellurion_core.call import Identity
from tellurion_core.errors import PermissionDenied, Unauthenticated
from tellurion_core.identity.api_keys import ALL_SERVICES, ApiKey, ApiKeys, read_pepper
from tellurion_core.identity.roles import Role
from tellurion_core.jobs.database import open_engine
from tellurion_core.jobs.settings import JobSettings
from tellurion_core.settings import load
from tellurion_gateway.settings import GatewaySettings
from tellurion_gateway.upstreams import METHODS

CHALLENGE = {"WWW-Authenticate": 'Bearer realm="tellurion"'}
"""Header of an answer that asks for a credential (RFC 6750, section 3)."""
LOOKING = ("GET", "HEAD", "OPTIONS")
"""Methods that change nothing."""

_SERVICE = re.compile(r"/v1/(?:grpc/)?([a-z]+)(?=[/:]|$)")
_OWN = re.compile(r"/v1/(?:uploads|artifacts)(?:/|$)")
"""Paths that the gateway answers itself; of all others, the services know what a role may do."""


class Authentication(Protocol):
    """Says who makes a request."""

    async def __call__(self, method: str, path: str, headers: Mapping[str, str]) -> Identity:
        """The identity of a request.

        Raises:
            Unauthenticated: it carries no valid credential.
            PermissionDenied: its credential is not for this.
        """


async def anybody(method: str, path: str, headers: Mapping[str, str]) -> Identity:
    """The tenant `local`, whoever asks: for a gateway that only its own user can reach."""
    return Identity("local", "local")


class KeyAuthentication:
    """Asks for an API key: `Authorization: Bearer tell_…`."""

    def __init__(self, keys: ApiKeys) -> None:
        self._keys = keys

    async def __call__(self, method: str, path: str, headers: Mapping[str, str]) -> Identity:
        """See `Authentication`."""
        scheme, _, credential = headers.get("authorization", "").partition(" ")
        if scheme.lower() != "bearer":
            raise Unauthenticated("an API key is asked for: Authorization: Bearer tell_…")
        key = await asyncio.to_thread(self._keys.verify, credential)
        _check(key, method, path)
        return key.identity


def authentication(settings: GatewaySettings) -> Authentication:
    """What these settings ask for.

    Raises:
        InvalidInput: the pepper or the database cannot be used.
        Unavailable: the database cannot be reached.
    """
    if settings.api_key_pepper is None:
        return anybody
    engine = open_engine(load(JobSettings).database_url(settings))
    return KeyAuthentication(ApiKeys(engine, read_pepper(settings.api_key_pepper)))


def _check(key: ApiKey, method: str, path: str) -> None:
    match = _SERVICE.match(path)
    if match and match[1] in METHODS and ALL_SERVICES not in key.scopes and match[1] not in key.scopes:
        raise PermissionDenied(f"this API key is not for the {match[1]} service", reason="NOT_IN_SCOPE")
    if key.role < Role.USER and method not in LOOKING and _OWN.match(path):
        raise PermissionDenied("this takes the role user; yours is viewer")
