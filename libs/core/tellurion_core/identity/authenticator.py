"""How a service knows who calls: by the token in `authorization: Bearer …`."""

from __future__ import annotations

from typing import Any

import grpc

from tellurion_core.call import Identity
from tellurion_core.errors import Unauthenticated
from tellurion_core.identity.tokens import TokenVerifier

_SCHEME = "Bearer "


class TokenAuthenticator:
    """Takes no call without a valid token, whoever makes it and however it came."""

    def __init__(self, verify: TokenVerifier) -> None:
        self._verify = verify

    def __call__(self, metadata: dict[str, str], context: grpc.aio.ServicerContext[Any, Any]) -> Identity:
        """The identity that the call's token tells.

        Raises:
            Unauthenticated: the call carries no token, or none that is valid.
        """
        credential = metadata.get("authorization", "")
        if not credential.startswith(_SCHEME):
            raise Unauthenticated("the call carries no token: authorization: Bearer …")
        return self._verify(credential.removeprefix(_SCHEME))
