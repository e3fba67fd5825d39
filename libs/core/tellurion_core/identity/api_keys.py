"""API keys: `tell_<prefix>_<secret>`, a prefix that may be seen and 256 random bits that nobody keeps but the caller.

The database has the HMAC-SHA-256 of a key under a pepper that is not in it: whoever reads the database can neither use
the keys nor try any. A key that is not known costs the same work as one that is, and all refusals look alike.
"""

from __future__ import annotations

import hashlib
import hmac
import re
import secrets
import string
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from sqlalchemy import select, update
from sqlalchemy.engine import Engine

from tellurion_core.call import EVERYTHING, Identity
from tellurion_core.errors import InvalidInput, NotFound, Unauthenticated, shown
from tellurion_core.identity.roles import Role
from tellurion_core.identity.tables import api_keys, revoked_tokens
from tellurion_core.jobs.database import insert_or, now, reading, writing

PEPPER_BYTES = 32
MOST_DAYS = 3650
USE_SECONDS = 60.0
"""How exactly the last use of a key is kept: not every request is to write."""
TENANT = re.compile(r"[a-z0-9][a-z0-9-]{0,62}")
"""Names of tenants."""
_KEY = re.compile(r"tell_([a-z0-9]{8})_[A-Za-z0-9_-]{43}")
_SUBJECT = re.compile(r"[!-~](?:[ -~]{0,198}[!-~])?")
_SCOPE = re.compile(r"\*|[a-z][a-z0-9_]{0,39}")
_REFUSAL = "the API key is not valid, or no longer"


@dataclass(frozen=True)
class ApiKey:
    """What is known of a key: all but the key."""

    prefix: str
    """By which it is named."""
    identity: Identity
    """Who calls with it."""
    created: datetime
    expires: datetime | None
    revoked: datetime | None
    used: datetime | None
    """Its last use, to a minute; None before the first."""


class ApiKeys:
    """The keys of all tenants, and the tokens of others that are not to be believed any more.

    Every method raises Unavailable where the database cannot be reached.
    """

    def __init__(self, engine: Engine, pepper: bytes) -> None:
        self._engine = engine
        self._pepper = pepper

    def create(
        self,
        tenant: str,
        subject: str,
        role: Role = Role.USER,
        scopes: Iterable[str] = EVERYTHING,
        days: float | None = None,
    ) -> tuple[ApiKey, str]:
        """A new key, and the key itself, which cannot be had again. It expires after so many days, or never.

        Raises:
            InvalidInput: naming what cannot be used.
        """
        scopes = frozenset(scopes)
        _check(tenant, subject, scopes, days)
        prefix = "".join(secrets.choice(string.ascii_lowercase + string.digits) for _ in range(8))
        key = f"tell_{prefix}_{secrets.token_urlsafe(32)}"
        values = {
            "prefix": prefix,
            "digest": self._digest(key),
            "tenant": tenant,
            "subject": subject,
            "role": str(role),
            "scopes": " ".join(sorted(scopes)),
            "created": now(),
            "expires": None if days is None else now() + timedelta(days=days).total_seconds(),
        }
        with writing(self._engine) as connection:
            row = connection.execute(api_keys.insert().values(values).returning(*api_keys.c)).one()
        return _api_key(row), key

    def list(self, tenant: str | None = None) -> Sequence[ApiKey]:
        """All keys, or a tenant's, oldest first; those that expired or were revoked too."""
        query = select(api_keys).order_by(api_keys.c.created, api_keys.c.prefix)
        if tenant is not None:
            query = query.where(api_keys.c.tenant == tenant)
        with reading(self._engine) as connection:
            return [_api_key(row) for row in connection.execute(query)]

    def revoke(self, prefix: str) -> None:
        """Ends a key; nothing is done to one that was revoked before.

        Raises:
            NotFound: no key has this prefix.
        """
        known = update(api_keys).where(api_keys.c.prefix == prefix)
        with writing(self._engine) as connection:
            if not connection.execute(known.values(prefix=api_keys.c.prefix)).rowcount:
                raise NotFound(f"there is no key {shown(prefix)}")
            connection.execute(known.where(api_keys.c.revoked.is_(None)).values(revoked=now()))

    def identify(self, key: str) -> Identity:
        """Who calls with this key.

        Raises:
            Unauthenticated: nobody does, or nobody does any more.
        """
        match = _KEY.fullmatch(key)
        prefix, digest = match[1] if match else "", self._digest(key)
        query = select(api_keys, now().label("now")).where(api_keys.c.prefix == prefix)
        with reading(self._engine) as connection:
            row = connection.execute(query).first()
        # Compared also where there is nothing to compare with, in the time that it takes otherwise.
        same = hmac.compare_digest(digest, bytes(len(digest)) if row is None else row.digest)
        if row is None or not same or row.revoked is not None or (row.expires is not None and row.expires <= row.now):
            raise Unauthenticated(_REFUSAL, reason="INVALID_KEY")
        if row.used is None or row.used < row.now - USE_SECONDS:
            with writing(self._engine) as connection:
                connection.execute(update(api_keys).where(api_keys.c.prefix == prefix).values(used=now()))
        return _api_key(row).identity

    def revoke_token(self, jti: str) -> None:
        """Ends a token that another has issued, by its `jti`; revoking it again does nothing.

        Raises:
            InvalidInput: the `jti` is empty.
        """
        if not jti:
            raise InvalidInput.of("jti", received="nothing", accepted="the `jti` of a token")
        values = {"jti_sha256": _sha256(jti), "revoked": now()}
        with writing(self._engine) as connection:
            connection.execute(insert_or(connection, revoked_tokens, values, key="jti_sha256", otherwise=None))

    def token_revoked(self, jti: str) -> bool:
        """Whether the token of this `jti` was revoked."""
        query = select(revoked_tokens.c.revoked).where(revoked_tokens.c.jti_sha256 == _sha256(jti))
        with reading(self._engine) as connection:
            return connection.execute(query).first() is not None

    def _digest(self, key: str) -> bytes:
        return hmac.digest(self._pepper, key.encode(errors="surrogateescape"), "sha256")


def read_pepper(path: Path) -> bytes:
    """The pepper of a file. Raises InvalidInput."""
    try:
        pepper = path.read_bytes()
    except OSError:
        pepper = b""
    if len(pepper) < PEPPER_BYTES:
        accepted = f"a file of {PEPPER_BYTES} random bytes or more"
        raise InvalidInput.of("TELLURION_KEY_PEPPER", received=path, accepted=accepted)
    return pepper


def _sha256(text: str) -> str:
    return hashlib.sha256(text.encode(errors="surrogateescape")).hexdigest()


def _check(tenant: str, subject: str, scopes: frozenset[str], days: float | None) -> None:
    if not TENANT.fullmatch(tenant):
        raise InvalidInput.of("tenant", received=tenant, accepted=TENANT.pattern)
    if not _SUBJECT.fullmatch(subject):
        accepted = "1 to 200 printable characters of ASCII, no space first or last"
        raise InvalidInput.of("subject", received=subject, accepted=accepted)
    if not 1 <= len(scopes) <= 20 or not all(map(_SCOPE.fullmatch, scopes)):
        raise InvalidInput.of("scopes", received=" ".join(sorted(scopes)), accepted="names of services, or *")
    if days is not None and not 0 < days <= MOST_DAYS:
        raise InvalidInput.of("days", received=days, accepted=f"more than 0, at most {MOST_DAYS}")


def _api_key(row: Any) -> ApiKey:
    def moment(seconds: float | None) -> datetime | None:
        return None if seconds is None else datetime.fromtimestamp(seconds, UTC)

    created = moment(row.created)
    assert created is not None
    identity = Identity(row.tenant, row.subject, Role.named(row.role), frozenset(row.scopes.split()))
    return ApiKey(row.prefix, identity, created, moment(row.expires), moment(row.revoked), moment(row.used))
