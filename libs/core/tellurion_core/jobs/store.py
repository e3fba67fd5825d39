"""Jobs as their tenants see them: submitted, asked for, listed, cancelled, deleted."""

from __future__ import annotations

import base64
import binascii
import hashlib
import re
import struct
import uuid
from collections.abc import Collection, Sequence
from typing import Any, Protocol

from google.protobuf import any_pb2, descriptor_pool, message_factory
from google.protobuf.message import DecodeError
from sqlalchemy import LargeBinary, and_, case, func, literal, select, update
from sqlalchemy.engine import Connection, Engine

from tellurion_core.call import TENANT
from tellurion_core.errors import Conflict, InvalidInput, NotFound
from tellurion_core.jobs.database import insert_or, now, reading, writing
from tellurion_core.jobs.in_progress import InProgress
from tellurion_core.jobs.quota import Quota
from tellurion_core.jobs.table import COLUMNS, Job, State, jobs, one_line

MAX_BODY_BYTES = 1 << 20
"""Largest body of a job; larger data travel as artifacts."""
MAX_PAGE_BYTES = 2 << 20
"""Results on one page of a list; a page that would hold more ends early, and has one job at least."""
NOBODY = ""
"""Stands for the tenant of a job that was deleted; no tenant is called so."""
ATTEMPTS, MAX_ATTEMPTS = 3, 100
MAX_PRIORITY = 1000

_KIND = re.compile(r"([a-z][a-z0-9_]{0,39})\.[a-z][a-z0-9_]{0,58}")
_REQUEST_ID = re.compile(r"[!-~](?:[ -~]{0,62}[!-~])?")
_ENDED = [state.name for state in State if state.ended]
_READ = tuple(literal(b"", LargeBinary).label("body") if column is jobs.c.body else column for column in COLUMNS)


class Ringer(Protocol):
    """Tells workers that there is work."""

    def ring(self, kind: str) -> None:
        """Tells them; returns at once, and never raises."""


class JobStore:
    """The jobs of all tenants. Any number of processes may have one on the same database.

    Every method raises Unavailable where the database cannot be reached.
    """

    def __init__(self, engine: Engine, bell: Ringer | None = None, quota: Quota | None = None) -> None:
        self.in_progress = InProgress(engine)
        self._engine = engine
        self._bell = bell
        self._quota = quota

    def submit(
        self,
        *,
        tenant: str,
        subject: str,
        kind: str,
        request_id: str,
        body: bytes,
        attempts: int = ATTEMPTS,
        priority: int = 0,
    ) -> Job:
        """The job of this request: a new one, or the one that the same request made before.

        `body` is a serialised `google.protobuf.Any`. A request id is unique among a tenant's jobs of one service.

        Raises:
            InvalidInput: the request id, or the size of the body, is not what is accepted.
            Conflict: the request id came before, with another body or for another kind of work.
            ResourceExhausted: the tenant has as much work as it may have.
        """
        service = _service(kind)
        _check(tenant, request_id, body, attempts, priority)
        values = {
            "id": uuid.uuid4().hex,
            "tenant": tenant,
            "subject": one_line(subject, 200),
            "service": service,
            "kind": kind,
            "request_id": request_id,
            "body": body,
            "state": State.QUEUED.name,
            "fraction": 0.0,
            "message": "",
            "attempt": 0,
            "attempts": attempts,
            "priority": priority,
            "result": b"",
            "error": b"",
            "created": now(),
            "ready": now(),
            "cancelling": False,
            "token": 0,
        }
        same_request = and_(jobs.c.tenant == tenant, jobs.c.service == service, jobs.c.request_id == request_id)
        while True:
            with writing(self._engine) as connection:
                insert = insert_or(connection, jobs, values, key="service tenant request_id", otherwise=None)
                if row := connection.execute(insert.returning(*COLUMNS)).first():
                    job = Job.of(row)
                    if self._quota is not None:
                        self._quota.check(connection, tenant)
                    break
            with reading(self._engine) as connection:
                if row := connection.execute(select(*COLUMNS).where(same_request)).first():
                    return _same(Job.of(row), kind, body)
            # It was deleted in between: the request is new again.
        if self._bell is not None:
            self._bell.ring(kind)
        return job

    def get(self, tenant: str, id: str) -> Job:
        """A tenant's job, without its body.

        Raises:
            NotFound: the tenant has no such job.
        """
        with reading(self._engine) as connection:
            return _get(connection, tenant, id)

    def list(
        self,
        tenant: str,
        *,
        kinds: Collection[str],
        state: State | None = None,
        page_size: int = 100,
        page_token: str = "",
    ) -> tuple[Sequence[Job], str]:
        """A page of the tenant's jobs, newest first and without their bodies, and the token of the page after it.

        The token is empty where there is none. A job that is submitted meanwhile is on no later page.

        Raises:
            InvalidInput: the token is not one that a list of these kinds and this state answered.
        """
        query_digest = _digest(tenant, kinds, state)
        wanted = [
            jobs.c.tenant == tenant,
            jobs.c.service.in_({_service(kind) for kind in kinds}),
            jobs.c.kind.in_(kinds),
        ]
        if state is not None:
            wanted.append(jobs.c.state == state.name)
        if page_token:
            wanted.append(jobs.c.number < _number(page_token, query_digest))
        size = func.length(jobs.c.result) + func.length(jobs.c.error)
        sizes = select(jobs.c.number, size).where(*wanted).order_by(jobs.c.number.desc()).limit(page_size + 1)
        with reading(self._engine) as connection:
            found = connection.execute(sizes).all()
            numbers = _page([(row[0], row[1]) for row in found], page_size)
            page = select(*_READ).where(jobs.c.number.in_(numbers)).order_by(jobs.c.number.desc())
            listed = [Job.of(row) for row in connection.execute(page)]
        return listed, _token(numbers[-1], query_digest) if len(numbers) < len(found) else ""

    def cancel(self, tenant: str, id: str) -> None:
        """Cancels a job that waits, and has the worker of one that runs stop it; nothing is done to one that ended.

        Raises:
            NotFound: the tenant has no such job.
        """
        waits = jobs.c.state == State.QUEUED.name
        # One statement: between two, a job could go from one state to the other and be missed by both.
        cancelling = (
            update(jobs)
            .where(jobs.c.tenant == tenant, jobs.c.id == id, jobs.c.state.not_in(_ENDED))
            .values(
                cancelling=True,
                state=case((waits, State.CANCELLED.name), else_=jobs.c.state),
                finished=case((waits, now()), else_=jobs.c.finished),
            )
        )
        with writing(self._engine) as connection:
            if connection.execute(cancelling).rowcount == 0:
                _get(connection, tenant, id)

    def delete(self, tenant: str, id: str) -> None:
        """Deletes a job that has ended; the next worker that tidies removes its folder, and then the row.

        Raises:
            NotFound: the tenant has no such job.
            Conflict: it has not ended.
        """
        # Until then the row is nobody's, and holds nothing but the id by which the folder is found.
        nothing = {"subject": "", "body": b"", "message": "", "result": b"", "error": b""}
        deletion = (
            update(jobs)
            .where(jobs.c.tenant == tenant, jobs.c.id == id, jobs.c.state.in_(_ENDED))
            .values(tenant=NOBODY, request_id=id, finished=0.0, **nothing)
        )
        with writing(self._engine) as connection:
            if connection.execute(deletion).rowcount == 0:
                job = _get(connection, tenant, id)
                raise Conflict(f"the work is {job.state.name}; cancel it, and delete it once it has ended")


def _get(connection: Connection, tenant: str, id: str) -> Job:
    # Who watches a job reads it several times a second: its body is left where it is.
    row = connection.execute(select(*_READ).where(jobs.c.tenant == tenant, jobs.c.id == id)).first()
    if row is None or tenant == NOBODY:
        raise NotFound(f"there is no job {one_line(id, 80)}")
    return Job.of(row)


def _service(kind: str) -> str:
    match = _KIND.fullmatch(kind)
    if match is None:
        raise InvalidInput.of("kind", received=kind, accepted="<service>.<what>, of small letters, digits and _")
    return match[1]


def _check(tenant: str, request_id: str, body: bytes, attempts: int, priority: int) -> None:
    if not TENANT.fullmatch(tenant):
        raise InvalidInput.of("tenant", received=tenant, accepted=TENANT.pattern)
    if not _REQUEST_ID.fullmatch(request_id):
        accepted = "1 to 64 printable characters of ASCII, no space first or last"
        raise InvalidInput.of("request_id", received=request_id, accepted=accepted)
    if len(body) > MAX_BODY_BYTES:
        accepted = f"at most {MAX_BODY_BYTES} bytes; larger data are uploaded as artifacts"
        raise InvalidInput.of("body", received=f"{len(body)} bytes", accepted=accepted)
    if not 1 <= attempts <= MAX_ATTEMPTS:
        raise InvalidInput.of("attempts", received=attempts, accepted=f"1 to {MAX_ATTEMPTS}")
    if abs(priority) > MAX_PRIORITY:
        raise InvalidInput.of("priority", received=priority, accepted=f"-{MAX_PRIORITY} to {MAX_PRIORITY}")


def _same(job: Job, kind: str, body: bytes) -> Job:
    if job.kind != kind or not _same_message(job.body, body):
        raise Conflict(f"the request id {job.request_id!r} was used for other work; use another one")
    return job


def _same_message(one: bytes, other: bytes) -> bool:
    """Whether two serialised `Any` hold the same message: entries of a map may stand in any order."""
    if one == other:
        return True
    try:
        a, b = any_pb2.Any.FromString(one), any_pb2.Any.FromString(other)
        if a.type_url != b.type_url:
            return False
        message = message_factory.GetMessageClass(descriptor_pool.Default().FindMessageTypeByName(a.TypeName()))
        return bool(message.FromString(a.value) == message.FromString(b.value))
    except (DecodeError, KeyError):
        return False


def _page(sizes: Sequence[tuple[int, int]], page_size: int) -> Sequence[int]:
    """The numbers of the jobs that a page holds: as many as were asked for, and as fit."""
    numbers: list[int] = []
    total = 0
    for number, size in sizes[:page_size]:
        total += size
        if numbers and total > MAX_PAGE_BYTES:
            break
        numbers.append(number)
    return numbers


def _digest(*query: Any) -> bytes:
    """Eight bytes that tell the pages of one query from those of another."""
    tenant, kinds, state = query
    return hashlib.blake2b(repr((tenant, sorted(kinds), state)).encode(), digest_size=8).digest()


def _token(number: int, query_digest: bytes) -> str:
    packed = struct.pack(">Q", number)
    check = hashlib.blake2b(packed + query_digest, digest_size=8).digest()
    return base64.urlsafe_b64encode(packed + check).decode().rstrip("=")


def _number(token: str, query_digest: bytes) -> int:
    """The number of the last job on the page before.

    A token names a place and grants nothing: one that is made up shows the tenant its own jobs from another place on.
    """
    try:
        number = int(struct.unpack_from(">Q", base64.urlsafe_b64decode(token[:64] + "=="))[0])
    except (ValueError, binascii.Error, struct.error):
        number = -1
    if number < 0 or token != _token(number, query_digest):
        accepted = "a next_page_token that was answered to the same query, or nothing"
        raise InvalidInput.of("page_token", received=token, accepted=accepted)
    return min(number, 2**63 - 1)
