"""Tokens of an identity provider (OpenID Connect Core 1.0; RFC 7519, 8725): who bears one."""

from __future__ import annotations

import re
from dataclasses import dataclass

import jwt

from tellurion_core.call import TENANT, Identity
from tellurion_core.errors import PermissionDenied, Unauthenticated
from tellurion_core.identity.revoked_tokens import MAX_JTI_CHARACTERS
from tellurion_core.identity.roles import ROLES
from tellurion_core.identity.tokens import LEEWAY_SECONDS
from tellurion_gateway.identity.jwks import KeySet
from tellurion_gateway.identity.oidc_settings import OidcSettings

MAX_TOKEN_CHARACTERS = 8192
REQUIRED = ("exp", "nbf", "iat", "iss", "aud", "sub", "jti")
"""Claims that a token must have. Without `jti` it could not be revoked."""
_SUBJECT = re.compile(r"[!-~]{1,200}")


@dataclass(frozen=True)
class ProvedToken:
    """A token that is good, unless it was revoked."""

    identity: Identity
    """Who bears it."""
    jti: str
    """The token's id."""


class Provider:
    """An identity provider whose tokens are taken."""

    def __init__(self, settings: OidcSettings) -> None:
        """Raises InvalidInput of authorities that cannot be used."""
        assert settings.jwks_url is not None
        self._settings = settings
        self._keys = KeySet(settings.jwks_url, settings.jwks_ca)

    async def __call__(self, token: str) -> ProvedToken:
        """What a token says.

        Raises:
            Unauthenticated: it is none of the provider's for this installation, or its time is over.
            PermissionDenied: it names no tenant, or no role.
            Unavailable: the provider's keys cannot be had.
        """
        try:
            if len(token) > MAX_TOKEN_CHARACTERS:
                raise ValueError
            key = await self._keys.get(str(jwt.get_unverified_header(token)["kid"]))
            if key is None:
                raise ValueError
            claims = jwt.decode(
                token,
                key.key,
                algorithms=[key.algorithm_name],
                audience=self._settings.audience,
                issuer=self._settings.issuer,
                leeway=LEEWAY_SECONDS,
                options={"require": list(REQUIRED)},
            )
            subject, jti = claims["sub"], claims["jti"]
            if not _SUBJECT.fullmatch(subject) or not 0 < len(jti) <= MAX_JTI_CHARACTERS:
                raise ValueError
        except (jwt.PyJWTError, KeyError, TypeError, ValueError, RecursionError):
            # Which of them it was helps only those who try.
            raise Unauthenticated("the token is not valid, or no longer") from None
        tenant, told = claims.get(self._settings.tenant_claim), claims.get(self._settings.role_claim)
        roles = [ROLES[role] for role in (told if isinstance(told, list) else [told]) if role in tuple(ROLES)]
        if not isinstance(tenant, str) or not TENANT.fullmatch(tenant) or not roles:
            raise PermissionDenied("the token names no tenant of this installation, or no role")
        return ProvedToken(Identity(tenant, subject, max(roles)), jti)
