"""What is known of a job, and the table that it is a row of.

The row is the truth. `token` is the fencing token: it grows with every claim, and what a worker writes is taken only
while the row runs under the token that the worker was given. Moments are seconds since 1970 by the database's clock, so
that no two hosts need to agree on the time.
"""

from __future__ import annotations

from dataclasses import dataclass, fields
from enum import Enum
from typing import Any, Self

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    Double,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    Row,
    String,
    Table,
    UniqueConstraint,
    literal,
    text,
)

MESSAGE_LENGTH = 200
"""Characters of what a job says it is doing."""


class State(Enum):
    """Where a job stands."""

    QUEUED = "QUEUED"
    """It waits for its turn."""
    RUNNING = "RUNNING"
    """A worker holds it."""
    SUCCEEDED = "SUCCEEDED"
    """It is done, and there is a result."""
    FAILED = "FAILED"
    """It could not be done; the error says why."""
    CANCELLED = "CANCELLED"
    """Its tenant cancelled it."""
    DEAD = "DEAD"
    """It died as often as it may; the error says how the last time."""

    @property
    def ended(self) -> bool:
        """Whether nothing will change any more."""
        return self not in (State.QUEUED, State.RUNNING)


@dataclass(frozen=True, kw_only=True)
class Job:
    """One job, as its row stood when it was read."""

    id: str
    """32 hexadecimal digits."""
    tenant: str
    """Whose it is."""
    subject: str
    """Who submitted it, inside the tenant."""
    kind: str
    """`<service>.<what>`: what kind of work it is."""
    request_id: str
    """The id that it was submitted under."""
    body: bytes
    """What is to be done, a serialised `google.protobuf.Any`; only who submits and who claims a job gets it."""
    state: State
    """Where it stands."""
    fraction: float
    """Part that is done, 0 to 1."""
    message: str
    """What is being done now."""
    attempt: int
    """How many times it was begun."""
    attempts: int
    """How many times it may be begun."""
    priority: int
    """Higher ones of a tenant come first."""
    result: bytes
    """A serialised `google.protobuf.Any`; empty unless it succeeded."""
    error: bytes
    """A serialised `google.rpc.Status`; empty unless it failed or died."""
    created: float
    """When it was submitted, seconds since 1970."""
    started: float | None
    """When it was first begun."""
    finished: float | None
    """When it ended."""

    @property
    def service(self) -> str:
        """Whose kind of work it is."""
        return self.kind.partition(".")[0]

    @classmethod
    def of(cls, row: Row[Any]) -> Self:
        """The job of a row that has `COLUMNS`, in any order, and maybe others."""
        values = {field.name: row._mapping[field.name] for field in fields(cls)}
        return cls(**(values | {"state": State(values["state"])}))


METADATA = MetaData()

jobs = Table(
    "jobs",
    METADATA,
    # Grows with every job and is never used again: the order of submission, which pages go by.
    Column("number", BigInteger().with_variant(Integer, "sqlite"), primary_key=True, autoincrement=True),
    Column("id", String(32), nullable=False, unique=True),
    Column("tenant", String(63), nullable=False),
    Column("subject", String(200), nullable=False),
    Column("service", String(40), nullable=False),
    Column("kind", String(100), nullable=False),
    Column("request_id", String(64), nullable=False),
    Column("body", LargeBinary, nullable=False),
    Column("state", String(9), nullable=False),
    Column("fraction", Double, nullable=False),
    Column("message", String(MESSAGE_LENGTH), nullable=False),
    Column("attempt", Integer, nullable=False),
    Column("attempts", Integer, nullable=False),
    Column("priority", Integer, nullable=False),
    Column("result", LargeBinary, nullable=False),
    Column("error", LargeBinary, nullable=False),
    Column("created", Double, nullable=False),
    Column("started", Double),
    Column("finished", Double),
    # Not before this moment is it claimed: the pause before another attempt.
    Column("ready", Double, nullable=False),
    Column("cancelling", Boolean, nullable=False),
    Column("token", BigInteger, nullable=False),
    Column("worker", String(200)),
    Column("lease_until", Double),
    UniqueConstraint("service", "tenant", "request_id", name="jobs_request"),
    sqlite_autoincrement=True,
)

_QUEUED, _RUNNING = text("state = 'QUEUED'"), text("state = 'RUNNING'")
# Rows in progress are few among those that ended: indices of their own stay small, and each claim is a few probes. No
# other index begins with the tenant: one that has all rows would serve as well for finding tenants, at another price.
Index(
    "jobs_queued",
    jobs.c.tenant,
    jobs.c.kind,
    jobs.c.priority.desc(),
    jobs.c.number,
    sqlite_where=_QUEUED,
    postgresql_where=_QUEUED,
)
Index("jobs_running", jobs.c.tenant, jobs.c.lease_until, sqlite_where=_RUNNING, postgresql_where=_RUNNING)
Index("jobs_listed", jobs.c.service, jobs.c.tenant, jobs.c.number)
Index("jobs_finished", jobs.c.finished)

turns = Table(
    "job_turns",
    METADATA,
    Column("tenant", String(63), primary_key=True),
    # When a job of the tenant was last claimed.
    Column("served", Double, nullable=False),
)
"""Which tenant had its turn when. A tenant without a row has never had one."""

api_keys = Table(
    "api_keys",
    METADATA,
    Column("prefix", String(8), primary_key=True),
    Column("digest", LargeBinary(32), nullable=False),
    Column("tenant", String(63), nullable=False),
    Column("subject", String(100), nullable=False),
    Column("role", String(6), nullable=False),
    Column("scopes", String(1000), nullable=False),
    Column("created", Double, nullable=False),
    Column("expires", Double),
    Column("revoked", Double),
    Column("used", Double),
)
"""Keys of those who come through a gateway (`tellurion_core.identity.api_keys`)."""

revoked_tokens = Table(
    "revoked_tokens",
    METADATA,
    # SHA-256 of the `jti`: whoever issues tokens may make those as long as it likes.
    Column("digest", LargeBinary(32), primary_key=True),
    Column("revoked", Double, nullable=False),
)
"""Tokens of identity providers that are worth nothing (`tellurion_core.identity.revoked_tokens`)."""

# Written into the statement: a database uses an index of queued jobs only where it sees that they are asked for.
IS_QUEUED = jobs.c.state == literal(State.QUEUED.name, literal_execute=True)
IS_RUNNING = jobs.c.state == literal(State.RUNNING.name, literal_execute=True)

COLUMNS = tuple(jobs.c[field.name] for field in fields(Job))
"""What a `Job` is made of."""


def one_line(words: str, limit: int) -> str:
    """A text as one printable line that any database stores: no zero bytes, no lone surrogates, no line breaks."""
    return "".join(c if c.isprintable() else "·" for c in words[:limit])
