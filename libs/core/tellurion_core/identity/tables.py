"""Tables of API keys and of tokens that were revoked; moments are seconds since 1970 by the database's clock."""

from __future__ import annotations

from sqlalchemy import Column, Double, LargeBinary, String, Table

from tellurion_core.jobs.table import METADATA

api_keys = Table(
    "api_keys",
    METADATA,
    # The part of a key that may be seen.
    Column("prefix", String(8), primary_key=True),
    # HMAC-SHA-256 of the whole key.
    Column("digest", LargeBinary, nullable=False),
    Column("tenant", String(63), nullable=False),
    Column("subject", String(200), nullable=False),
    Column("role", String(8), nullable=False),
    # Joined by spaces.
    Column("scopes", String(1000), nullable=False),
    Column("created", Double, nullable=False),
    Column("expires", Double),
    Column("revoked", Double),
    Column("used", Double),
)

revoked_tokens = Table(
    "revoked_tokens",
    METADATA,
    # SHA-256 of the token's `jti`, in hexadecimal: whoever issues tokens may make those as long as it likes.
    Column("jti_sha256", String(64), primary_key=True),
    Column("revoked", Double, nullable=False),
)
