"""Tokens by which a service knows for whom it is called: JSON Web Tokens (RFC 7519) signed by Ed25519 (RFC 8037).

Whoever holds the private key speaks for everybody: the gateway, and what calls services for others later. Services hold
public keys only. A token lives for five minutes, so that one that leaks is soon worth nothing.
"""

from __future__ import annotations

import hashlib
import re
import time
import uuid
from collections.abc import Iterable
from pathlib import Path

import jwt
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    PublicFormat,
    load_pem_private_key,
    load_pem_public_key,
)

from tellurion_core.call import Identity
from tellurion_core.errors import InvalidInput, Unauthenticated
from tellurion_core.identity.roles import Role

ALGORITHM = "EdDSA"
AUDIENCE = "tellurion-services"
CLAIMS = ["aud", "sub", "tenant", "role", "jti", "iat", "exp"]
LIFETIME = 300
"""Seconds for which a token is good."""
LEEWAY = 5
"""Seconds by which two clocks may differ."""
MAX_TOKEN_CHARACTERS = 4096
_PEM = re.compile(rb"-----BEGIN PUBLIC KEY-----.+?-----END PUBLIC KEY-----", re.DOTALL)


class TokenMinter:
    """Makes tokens."""

    def __init__(self, key: Ed25519PrivateKey) -> None:
        self._key = key
        self._headers = {"kid": _key_id(key.public_key())}

    @classmethod
    def of(cls, path: Path) -> TokenMinter:
        """That of a PEM file. Raises InvalidInput."""
        try:
            key = load_pem_private_key(path.read_bytes(), None)
        except (OSError, ValueError, TypeError, UnsupportedAlgorithm):
            key = None
        if not isinstance(key, Ed25519PrivateKey):
            accepted = "an Ed25519 private key in a PEM file, not encrypted"
            raise InvalidInput.of("TELLURION_TOKEN_PRIVATE_KEY", received=path, accepted=accepted)
        return cls(key)

    def __call__(self, identity: Identity) -> str:
        """A token that says who calls."""
        now = int(time.time())
        claims = {
            "aud": AUDIENCE,
            "sub": identity.subject,
            "tenant": identity.tenant,
            "role": str(identity.role),
            "jti": uuid.uuid4().hex,
            "iat": now,
            "exp": now + LIFETIME,
        }
        return jwt.encode(claims, self._key, ALGORITHM, self._headers)


class TokenVerifier:
    """Reads tokens, and believes those that one of its keys has signed."""

    def __init__(self, keys: Iterable[Ed25519PublicKey]) -> None:
        """Several `keys`, while one takes the place of another."""
        self._keys = {_key_id(key): key for key in keys}

    @classmethod
    def of(cls, path: Path) -> TokenVerifier:
        """That of the keys in a file: PEM blocks, or a JWK set (RFC 7517). Raises InvalidInput."""
        try:
            written = path.read_bytes()
            if written.lstrip().startswith(b"{"):
                keys = [each.key for each in jwt.PyJWKSet.from_json(written.decode()).keys]
            else:
                keys = [load_pem_public_key(block) for block in _PEM.findall(written)]
        except (OSError, ValueError, TypeError, AttributeError, UnsupportedAlgorithm, jwt.PyJWTError):
            keys = []
        if not keys or not all(isinstance(key, Ed25519PublicKey) for key in keys):
            accepted = "Ed25519 public keys, as PEM blocks or as a JWK set"
            raise InvalidInput.of("TELLURION_TOKEN_PUBLIC_KEYS", received=path, accepted=accepted)
        return cls(keys)

    def __call__(self, token: str) -> Identity:
        """Who calls.

        Raises:
            Unauthenticated: the token is not one of ours, or its time is over.
        """
        try:
            if len(token) > MAX_TOKEN_CHARACTERS:
                raise ValueError
            key = self._keys[jwt.get_unverified_header(token)["kid"]]
            claims = jwt.decode(token, key, [ALGORITHM], {"require": CLAIMS}, audience=AUDIENCE, leeway=LEEWAY)
            if claims["exp"] - claims["iat"] > LIFETIME:
                raise ValueError
            return Identity(str(claims["tenant"]), str(claims["sub"]), Role.named(str(claims["role"])))
        except (jwt.PyJWTError, InvalidInput, KeyError, TypeError, ValueError):
            # Which of them it was helps only those who try.
            raise Unauthenticated("the token is not valid, or no longer", reason="INVALID_TOKEN") from None


def _key_id(key: Ed25519PublicKey) -> str:
    return hashlib.sha256(key.public_bytes(Encoding.Raw, PublicFormat.Raw)).hexdigest()[:16]
