"""The token by which a gateway tells a service for whom it calls: an Ed25519 JWT (RFC 7519, 8037) of five minutes."""

from __future__ import annotations

import re
import time
import uuid
from collections.abc import Callable, Iterable
from pathlib import Path

import jwt
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.hazmat.primitives.serialization import load_pem_private_key, load_pem_public_key

from tellurion_core.call import TENANT, Identity
from tellurion_core.errors import InvalidInput, Unauthenticated
from tellurion_core.identity.roles import ROLES

AUDIENCE = "tellurion-services"
ISSUER = "tellurion-gateway"
LIFETIME_SECONDS = 300
LEEWAY_SECONDS = 5
"""How far the clocks of two hosts may be apart."""
MAX_TOKEN_CHARACTERS = 4096

_CLAIMS = ["iss", "aud", "sub", "exp", "iat", "jti", "tenant", "role"]
_PEM = re.compile(rb"-----BEGIN PUBLIC KEY-----.+?-----END PUBLIC KEY-----", re.DOTALL)


class TokenMinter:
    """Makes tokens, signed with one private key."""

    def __init__(self, key: Ed25519PrivateKey, clock: Callable[[], float] = time.time) -> None:
        self._key = key
        self._clock = clock

    def __call__(self, identity: Identity) -> str:
        """A token of this identity, good for five minutes from now."""
        now = int(self._clock())
        claims = {
            "iss": ISSUER,
            "aud": AUDIENCE,
            "sub": identity.subject,
            "iat": now,
            "exp": now + LIFETIME_SECONDS,
            "jti": uuid.uuid4().hex,
            "tenant": identity.tenant,
            "role": identity.role.label,
        }
        return jwt.encode(claims, self._key, algorithm="EdDSA")


class TokenVerifier:
    """Tells who a token is of; any of several keys may have signed it, so that keys can be changed."""

    def __init__(self, keys: Iterable[Ed25519PublicKey]) -> None:
        self._keys = tuple(keys)

    def __call__(self, token: str) -> Identity:
        """The identity that a token tells.

        Raises:
            Unauthenticated: it is not a token for services, its time is over, or nobody who may has signed it.
        """
        for key in self._keys if len(token) <= MAX_TOKEN_CHARACTERS else ():
            try:
                # The algorithm is ours, never the token's.
                claims = jwt.decode(
                    token,
                    key,
                    algorithms=["EdDSA"],
                    audience=AUDIENCE,
                    issuer=ISSUER,
                    leeway=LEEWAY_SECONDS,
                    options={"require": _CLAIMS},
                )
            except jwt.InvalidTokenError:
                continue
            tenant, role = str(claims["tenant"]), str(claims["role"])
            brief = int(claims["exp"]) - int(claims["iat"]) <= LIFETIME_SECONDS
            if TENANT.fullmatch(tenant) and role in ROLES and brief:
                return Identity(tenant, claims["sub"], ROLES[role])
        raise Unauthenticated("the token is not valid, or no longer")


def read_minter(path: Path) -> TokenMinter:
    """The minter of the private key in a PEM file.

    Raises:
        InvalidInput: the file does not hold an unencrypted Ed25519 private key.
    """
    try:
        key = load_pem_private_key(path.read_bytes(), None)
    except (OSError, ValueError, TypeError, UnsupportedAlgorithm):
        key = None
    if not isinstance(key, Ed25519PrivateKey):
        accepted = "a PEM file of an unencrypted Ed25519 private key"
        raise InvalidInput.of("TELLURION_TOKEN_PRIVATE_KEY", received=path, accepted=accepted)
    return TokenMinter(key)


def read_verifier(path: Path) -> TokenVerifier:
    """The verifier of the public keys in a PEM file.

    Raises:
        InvalidInput: the file does not hold Ed25519 public keys, or holds others beside them.
    """
    try:
        keys = [load_pem_public_key(pem) for pem in _PEM.findall(path.read_bytes())]
    except (OSError, ValueError, UnsupportedAlgorithm):
        keys = []
    ours = [key for key in keys if isinstance(key, Ed25519PublicKey)]
    if not ours or len(ours) != len(keys):
        accepted = "a PEM file of Ed25519 public keys, one or several"
        raise InvalidInput.of("TELLURION_TOKEN_PUBLIC_KEYS", received=path, accepted=accepted)
    return TokenVerifier(ours)
