"""How a service knows who calls: by the token in `authorization: Bearer …`."""

from __future__ import annotations

from typing import Any

import grpc

from tellurion_core.call import LOCAL, Identity
from tellurion_core.errors import Unauthenticated
from tellurion_core.identity.tokens import TokenVerifier

AUTHORIZATION = "authorization"
"""Metadata, and the HTTP header, that hold `Bearer <credential>` (RFC 6750)."""
_SCHEME = "Bearer "


class TokenAuthenticator:
    """Takes no call without a valid token; where sockets are trusted, only those of their user."""

    def __init__(self, verify: TokenVerifier, *, trust_socket: bool = False) -> None:
        """With `trust_socket`, a call over a Unix socket that carries no token is the installation's own user's."""
        self._verify = verify
        self._trust_socket = trust_socket

    def __call__(self, metadata: dict[str, str], context: grpc.aio.ServicerContext[Any, Any]) -> Identity:
        """The identity that the call's token tells.

        Raises:
            Unauthenticated: the call carries no token, or none that is valid.
        """
        credential = metadata.get(AUTHORIZATION)
        if credential is None and self._trust_socket and context.peer().startswith("unix:"):
            return LOCAL
        credential = credential or ""
        if not credential.startswith(_SCHEME):
            raise Unauthenticated("the call carries no token: authorization: Bearer …")
        return self._verify(credential.removeprefix(_SCHEME))
