"""Who makes a request, by its API key or its provider's token, and whether that one may ask for this path."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Collection
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from hashlib import sha256
from typing import Protocol

from cachetools import TTLCache
from starlette.datastructures import Headers

from tellurion_core.call import ARTIFACTS, LOCAL, Identity
from tellurion_core.errors import InvalidInput, PermissionDenied, Unauthenticated
from tellurion_core.identity.api_keys import ApiKeys, read_pepper
from tellurion_core.identity.authenticator import AUTHORIZATION
from tellurion_core.identity.revoked_tokens import RevokedTokens
from tellurion_core.identity.roles import Role
from tellurion_core.jobs.database import open_engine
from tellurion_core.jobs.settings import JobSettings
from tellurion_core.settings import load
from tellurion_gateway.identity.oidc import Provider
from tellurion_gateway.identity.oidc_settings import OidcSettings
from tellurion_gateway.settings import GatewaySettings

CHALLENGE = {"WWW-Authenticate": 'Bearer realm="tellurion"'}
"""Header of an answer that asks for a credential (RFC 6750, section 3)."""
LOOKING = ("GET", "HEAD", "OPTIONS")
"""Methods that change nothing."""
KNOWN_SECONDS, MOST_KNOWN = 2.0, 1024
"""How long what was good is taken to be so, and thus works on after it was revoked; and how many are kept."""
THREADS = 4
"""That look credentials up: whoever floods the gateway with bad ones keeps no more of them busy."""

LOOPBACK_HOSTS = ("localhost", "127.0.0.1", "[::1]")
"""What a machine calls itself."""
_PORT = re.compile(r":\d*$")
_OWN = re.compile(r"/v1/(?:uploads|artifacts)(?:/|$)")
"""Paths of what the gateway keeps for a tenant. Of calls, services know what a role may do; keys take an admin."""


class Authentication(Protocol):
    """Says who makes a request."""

    async def __call__(self, method: str, path: str, headers: Headers) -> Identity:
        """The identity of a request.

        Raises:
            Unauthenticated: it carries no valid credential.
            PermissionDenied: its bearer may not do this.
            Unavailable: it cannot be known now.
        """


class EmbeddedAuthentication:
    """Takes whoever asks for the one user of the installation: for a gateway that only that one can reach."""

    def __init__(self, hosts: Collection[str] = ()) -> None:
        """With `hosts`, only requests to one of them are taken: a page elsewhere can make its own name point here (DNS
        rebinding), and a browser on this machine then asks under that name.
        """
        self._hosts = hosts

    async def __call__(self, method: str, path: str, headers: Headers) -> Identity:
        """See `Authentication`."""
        if self._hosts and _PORT.sub("", headers.get("host", "")).lower() not in self._hosts:
            told = f"this gateway answers to {', '.join(self._hosts)}; TELLURION_HOSTS may name others"
            raise PermissionDenied(told, reason="OTHER_HOST")
        return LOCAL


class CredentialAuthentication:
    """Asks for an API key or a token of the identity provider: `Authorization: Bearer …`."""

    def __init__(self, keys: ApiKeys, revoked: RevokedTokens, provider: Provider | None) -> None:
        self._keys = keys
        self._revoked = revoked
        self._provider = provider
        self._threads = ThreadPoolExecutor(THREADS, thread_name_prefix="identity")
        # By digest: what is looked up must not tell by its time how much of it was right.
        self._known: TTLCache[bytes, Identity] = TTLCache(MOST_KNOWN, KNOWN_SECONDS)

    async def __call__(self, method: str, path: str, headers: Headers) -> Identity:
        """See `Authentication`."""
        given = headers.getlist(AUTHORIZATION)
        scheme, _, credential = given[0].partition(" ") if len(given) == 1 else ("", "", "")
        if scheme.lower() != "bearer":
            asked = "Authorization: Bearer …; commands send TELLURION_API_KEY"
            raise Unauthenticated(f"an API key or a token is asked for, and not more than one: {asked}")
        digest = sha256(credential.encode(errors="replace")).digest()
        if (identity := self._known.get(digest)) is None:
            identity = self._known[digest] = await self._looked_up(credential)
        if _OWN.match(path):
            if not identity.may_call(ARTIFACTS):
                raise PermissionDenied("this API key is not for artifacts", reason="NOT_IN_SCOPE")
            if identity.role < Role.USER and method not in LOOKING:
                raise PermissionDenied(f"this takes the role user; yours is {identity.role.label}")
        return identity

    async def _looked_up(self, credential: str) -> Identity:
        loop = asyncio.get_running_loop()
        if self._provider is None or credential.startswith("tell_"):
            return (await loop.run_in_executor(self._threads, self._keys.verify, credential)).identity
        token = await self._provider(credential)
        if await loop.run_in_executor(self._threads, self._revoked.__contains__, token.jti):
            raise Unauthenticated("the token is not valid, or no longer")
        return token.identity


@dataclass(frozen=True)
class Credentials:
    """What an installation that asks for credentials knows of them, in its database."""

    keys: ApiKeys
    revoked: RevokedTokens


def credentials(settings: GatewaySettings) -> Credentials | None:
    """The credentials of these settings; None where nobody is asked for any.

    Raises:
        InvalidInput: the pepper or the database cannot be used.
        Unavailable: the database cannot be reached.
    """
    if settings.api_key_pepper is None:
        return None
    engine = open_engine(load(JobSettings).database_url(settings))
    return Credentials(ApiKeys(engine, read_pepper(settings.api_key_pepper)), RevokedTokens(engine))


def authentication(settings: GatewaySettings, known: Credentials | None) -> Authentication:
    """What an installation with these credentials asks for.

    Raises:
        InvalidInput: the identity provider's settings cannot be used.
    """
    oidc = load(OidcSettings)
    if known is None:
        if oidc.issuer is not None:
            accepted = "TELLURION_API_KEY_PEPPER and TELLURION_TOKEN_PRIVATE_KEY with it"
            raise InvalidInput.of("TELLURION_OIDC_ISSUER", received=oidc.issuer, accepted=accepted)
        # Under TLS, no other name has a certificate.
        rebindable = settings.on_loopback and settings.tls_certificate is None
        own = (*LOOPBACK_HOSTS, _PORT.sub("", settings.listen), *settings.hosts)
        return EmbeddedAuthentication(dict.fromkeys(own) if rebindable else ())
    return CredentialAuthentication(known.keys, known.revoked, None if oidc.issuer is None else Provider(oidc))
