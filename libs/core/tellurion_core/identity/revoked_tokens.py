"""Tokens of identity providers that are worth nothing before their time is over, by their `jti` (RFC 7519, 4.1.7)."""

from __future__ import annotations

from hashlib import sha256

from sqlalchemy import Engine, select

from tellurion_core.errors import InvalidInput
from tellurion_core.jobs.database import insert_or, now, reading, writing
from tellurion_core.jobs.table import revoked_tokens

MAX_JTI_CHARACTERS = 1000


class RevokedTokens:
    """Those of an installation, in its database of jobs."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    def revoke(self, jti: str) -> None:
        """Makes the token of this id worth nothing; it need not be known, and may be so already.

        Raises:
            InvalidInput: no token of ours has such an id.
        """
        if not 0 < len(jti) <= MAX_JTI_CHARACTERS:
            raise InvalidInput.of("jti", received=f"{len(jti)} characters", accepted=f"1 to {MAX_JTI_CHARACTERS}")
        with writing(self._engine) as connection:
            values = {"digest": _digest(jti), "revoked": now()}
            connection.execute(insert_or(connection, revoked_tokens, values, key="digest", otherwise=None))

    def __contains__(self, jti: str) -> bool:
        known = select(revoked_tokens.c.digest).where(revoked_tokens.c.digest == _digest(jti))
        with reading(self._engine) as connection:
            return connection.execute(known).first() is not None


def _digest(jti: str) -> bytes:
    return sha256(jti.encode(errors="surrogatepass")).digest()
