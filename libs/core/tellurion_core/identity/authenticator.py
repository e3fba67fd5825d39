"""Who calls a gRPC service, by the token that the call carries."""

from __future__ import annotations

from typing import Any

import grpc

from tellurion_core.call import Identity
from tellurion_core.errors import Unauthenticated
from tellurion_core.identity.tokens import TokenVerifier

AUTHORIZATION = "authorization"
"""Metadata, and the HTTP header, that hold `Bearer <credential>`."""


def bearer(header: str | None) -> str | None:
    """The credential of an `Authorization` header (RFC 6750); None where there is no header.

    Raises:
        Unauthenticated: it is of another scheme.
    """
    if header is None:
        return None
    scheme, _, credential = header.partition(" ")
    if scheme.lower() != "bearer" or not credential.strip():
        raise Unauthenticated("the authorization is not of the form: Bearer <credential>")
    return credential.strip()


class TokenAuthenticator:
    """Asks each call for a token."""

    def __init__(self, verify: TokenVerifier, *, trust_socket: bool = False) -> None:
        """With `trust_socket`, whoever calls over a Unix socket without a token is the platform's own user."""
        self._verify = verify
        self._trust_socket = trust_socket

    def __call__(self, metadata: dict[str, str], context: grpc.aio.ServicerContext[Any, Any]) -> Identity:
        """See `Authenticator`."""
        token = bearer(metadata.get(AUTHORIZATION))
        if token is not None:
            return self._verify(token)
        if self._trust_socket and context.peer().startswith("unix:"):
            return Identity("local", "local")
        raise Unauthenticated("this service answers calls with a token only: authorization: Bearer <token>")
