"""API keys: ``tell_<8 hexadecimal digits>_<43 characters of base64url>``, the latter 256 random bits.

A key is shown once, when it is made. What is kept is its HMAC-SHA-256 under the installation's pepper: who has the
database alone can neither use a key nor make one.
"""

from __future__ import annotations

import hmac
import re
import secrets
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sqlalchemy import ColumnElement, Engine, Row, and_, insert, or_, select, true, update

from tellurion_core.call import ALL_SERVICES, TENANT, Identity
from tellurion_core.errors import Conflict, InvalidInput, NotFound, Unauthenticated, Unavailable
from tellurion_core.identity.roles import ROLES, Role
from tellurion_core.jobs.database import now, reading, writing
from tellurion_core.jobs.table import api_keys

MIN_PEPPER_BYTES = 32
MAX_SCOPES_CHARACTERS = 1000
USE_SECONDS = 60.0
"""How exactly it is known when a key was last used."""

_KEY = re.compile(r"tell_([0-9a-f]{8})_[A-Za-z0-9_-]{43}")
_SHOWN = re.compile(r"(?:tell_)?([0-9a-f]{8})(?:_.*)?")
"""A prefix, as it is listed or as a key begins, or a whole key."""
_SCOPE = re.compile(r"[a-z][a-z0-9]{0,39}")
_SUBJECT = re.compile(r"[A-Za-z0-9][A-Za-z0-9._@-]{0,99}")
_NO_DIGEST = bytes(32)
_FIELDS = [column for column in api_keys.c if column is not api_keys.c.digest]


@dataclass(frozen=True)
class ApiKey:
    """What is known of a key; not the key."""

    prefix: str
    """Its public part, by which it is listed and revoked."""
    tenant: str
    subject: str
    role: Role
    scopes: tuple[str, ...]
    """Services that it is for, or `*`."""
    created: float
    """When it was made, seconds since 1970; so are the others."""
    expires: float | None
    revoked: float | None
    used: float | None
    """When it was last used, to the minute."""

    @property
    def identity(self) -> Identity:
        """Who calls with it."""
        return Identity(self.tenant, self.subject, self.role, frozenset(self.scopes), self.expires)


class ApiKeys:
    """The keys of an installation, in its database of jobs."""

    def __init__(self, engine: Engine, pepper: bytes) -> None:
        self._engine = engine
        self._pepper = pepper

    def create(
        self,
        tenant: str,
        subject: str,
        role: Role = Role.USER,
        scopes: Sequence[str] = (ALL_SERVICES,),
        seconds: float | None = None,
    ) -> str:
        """Makes a key that is good for so many seconds, and returns it; it cannot be had again.

        Raises:
            InvalidInput: no tenant, subject or service is called so, or the time is none.
            Conflict: another key has the same public part, which one in four thousand million has; try again.
        """
        for field, value, pattern in (("tenant", tenant, TENANT), ("subject", subject, _SUBJECT)):
            if not pattern.fullmatch(value):
                raise InvalidInput.of(field, received=value, accepted=pattern.pattern)
        for scope in scopes:
            if scope != ALL_SERVICES and not _SCOPE.fullmatch(scope):
                raise InvalidInput.of("scope", received=scope, accepted="ocean or another service, artifacts, or *")
        told = " ".join(dict.fromkeys(scopes))
        if not 0 < len(told) <= MAX_SCOPES_CHARACTERS:
            accepted = f"1 to {MAX_SCOPES_CHARACTERS} in all"
            raise InvalidInput.of("scope", received=f"{len(told)} characters", accepted=accepted)
        if seconds is not None and not 0 < seconds < 1e10:
            raise InvalidInput.of("seconds", received=seconds, accepted="more than 0, less than 1e10")
        prefix = secrets.token_hex(4)
        key = f"tell_{prefix}_{secrets.token_urlsafe(32)}"
        values = {
            "prefix": prefix,
            "digest": self._digest(key),
            "tenant": tenant,
            "subject": subject,
            "role": role.label,
            "scopes": told,
            "created": now(),
            "expires": None if seconds is None else now() + seconds,
        }
        with writing(self._engine) as connection:
            if connection.execute(select(api_keys.c.prefix).where(api_keys.c.prefix == prefix)).first() is not None:
                raise Conflict("another key begins as this one would; try again")
            connection.execute(insert(api_keys).values(values))
        return key

    def verify(self, key: str) -> ApiKey:
        """What is known of a key that may be used now.

        What is no key, is not known, has expired or was revoked is refused in the same words, and takes as long.

        Raises:
            Unauthenticated: it may not be used.
            Unavailable: the database cannot be reached.
        """
        match = _KEY.fullmatch(key)
        prefix = match[1] if match else ""
        with reading(self._engine) as connection:
            row = connection.execute(
                select(
                    *_FIELDS, api_keys.c.digest, _fresh().label("fresh"), (now() - api_keys.c.used).label("idle")
                ).where(api_keys.c.prefix == prefix)
            ).first()
        # Always one HMAC and one comparison, of a text whose length is a key's.
        given = self._digest(key[:57].ljust(57))
        same = hmac.compare_digest(given, _NO_DIGEST if row is None else row.digest)
        if row is None or not same or len(key) != 57 or row.revoked is not None or not row.fresh:
            raise Unauthenticated("this API key is not valid")
        if row.idle is None or row.idle > USE_SECONDS:
            with suppress(Unavailable), writing(self._engine) as connection:  # nobody is refused for want of a note
                connection.execute(update(api_keys).where(api_keys.c.prefix == prefix).values(used=now()))
        return _key(row)

    def list(self, tenant: str | None = None, *, ended: bool = True) -> Sequence[ApiKey]:
        """All keys, of one tenant where named, the newest first; without those that have `ended`, the good ones."""
        wanted = _of(tenant) if ended else and_(_of(tenant), api_keys.c.revoked.is_(None), _fresh())
        asked = select(*_FIELDS).where(wanted).order_by(api_keys.c.created.desc())
        with reading(self._engine) as connection:
            return [_key(row) for row in connection.execute(asked)]

    def revoke(self, key: str, tenant: str | None = None) -> str:
        """Makes a key useless from now on, and answers its prefix; one that is already stays so.

        `key` is its prefix, with or without `tell_`, or the whole of it, as somebody in a hurry has it.

        Raises:
            NotFound: there is no such key, or, where a tenant is named, it is another's.
        """
        match = _SHOWN.fullmatch(key)
        prefix: str = match[1] if match else ""
        known = and_(api_keys.c.prefix == prefix, _of(tenant))
        with writing(self._engine) as connection:
            connection.execute(update(api_keys).where(known, api_keys.c.revoked.is_(None)).values(revoked=now()))
            if connection.execute(select(api_keys.c.prefix).where(known)).first() is None:
                raise NotFound(f"there is no key {prefix}" if prefix else "no key begins so: eight digits after tell_")
        return prefix

    def _digest(self, key: str) -> bytes:
        return hmac.digest(self._pepper, key.encode(errors="replace"), "sha256")


def prefix_of(key: str) -> str:
    """The public part of a key that was made, by which it is listed, revoked and noted."""
    return key.split("_")[1]


def read_pepper(path: Path) -> bytes:
    """The pepper in a file.

    Raises:
        InvalidInput: the file cannot be read, or is shorter than 32 bytes.
    """
    try:
        with path.open("rb") as file:
            pepper = file.read(4096)
    except OSError:
        pepper = b""
    if len(pepper) < MIN_PEPPER_BYTES:
        accepted = f"a file of {MIN_PEPPER_BYTES} random bytes or more"
        raise InvalidInput.of("TELLURION_API_KEY_PEPPER", received=path, accepted=accepted)
    return pepper


def _fresh() -> ColumnElement[bool]:
    return or_(api_keys.c.expires.is_(None), api_keys.c.expires > now())


def _of(tenant: str | None) -> ColumnElement[bool]:
    return true() if tenant is None else api_keys.c.tenant == tenant


def _key(row: Row[*tuple[Any, ...]]) -> ApiKey:
    values = {column.name: row._mapping[column.name] for column in _FIELDS}
    return ApiKey(**(values | {"role": ROLES[row.role], "scopes": tuple(row.scopes.split())}))
