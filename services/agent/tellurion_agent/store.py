"""The tables of the agent: runs, and what was taught. They stand in the database of jobs."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any
from uuid import uuid4

from sqlalchemy import (
    Boolean,
    Column,
    Double,
    Engine,
    Index,
    Integer,
    MetaData,
    String,
    Table,
    Text,
    UniqueConstraint,
    delete,
    func,
    select,
    tuple_,
    update,
)
from sqlalchemy.exc import IntegrityError

from tellurion_core.errors import Conflict, InvalidInput, NotFound, Unavailable
from tellurion_core.jobs.database import insert_or, now, reading, writing
from tellurion_core.jobs.table import jobs

METADATA = MetaData()
TRIES = 10
"""At a lesson that others come before."""
MOST_NEWS = 1000
"""That are read at once."""
RUNS = Table(
    "agent_runs",
    METADATA,
    Column("id", String(32), primary_key=True),
    Column("tenant", String(64), nullable=False),
    Column("subject", String(200), nullable=False),
    Column("request_id", String(64), nullable=False),
    Column("session", String(64), nullable=False),
    Column("question", Text, nullable=False),
    Column("request", Text, nullable=False),  # JSON: all that was asked for
    Column("proposal", Text),  # JSON: plans, or what is asked back; none while it is being planned
    Column("plan", Integer),  # which of them is run
    Column("job", String(32)),
    Column("created", Double, nullable=False),
    UniqueConstraint("tenant", "request_id"),
    Index("agent_runs_by_age", "tenant", "created"),
)
LESSONS = Table(
    "agent_lessons",
    METADATA,
    Column("id", String(32), primary_key=True),
    Column("tenant", String(64), nullable=False),
    Column("request_id", String(64), nullable=False),
    Column("topic", String(100), nullable=False),
    Column("version", Integer, nullable=False),
    Column("text", Text, nullable=False),
    Column("content", Text, nullable=False),  # JSON: what it sets or teaches
    Column("run", String(32), nullable=False),
    Column("active", Boolean, nullable=False),
    Column("created", Double, nullable=False),
    UniqueConstraint("tenant", "request_id"),
    UniqueConstraint("tenant", "topic", "version"),
)
EVENTS = Table(
    "agent_events",
    METADATA,
    Column("number", Integer, primary_key=True, autoincrement=True),
    Column("run", String(32), nullable=False),
    Column("key", String(64), nullable=False),  # what makes it this event: an attempt that tells it again tells nothing
    Column("content", Text, nullable=False),  # JSON
    UniqueConstraint("run", "key"),
    Index("agent_events_in_order", "run", "number"),
)


@dataclass(frozen=True, kw_only=True)
class Run:
    """One request."""

    id: str
    tenant: str
    subject: str
    request_id: str
    session: str
    question: str
    request: Mapping[str, Any]
    proposal: Mapping[str, Any] | None
    plan: int | None
    job: str | None
    created: float


@dataclass(frozen=True, kw_only=True)
class Lesson:
    """What a tenant has taught."""

    id: str
    tenant: str
    topic: str
    version: int
    text: str
    content: Mapping[str, Any]
    run: str
    active: bool
    created: float


class Store:
    """Runs and lessons of all tenants; each call names the tenant, and sees nobody else's."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        with writing(engine) as connection:
            METADATA.create_all(connection)

    def begin(
        self, tenant: str, subject: str, request_id: str, *, session: str, question: str, request: Mapping[str, Any]
    ) -> Run:
        """The run of a request: a new one, or that which the same request made before.

        Raises:
            Conflict: the request id came before with another request.
        """
        body = json.dumps(request, sort_keys=True)
        values = {
            "id": uuid4().hex,
            "tenant": tenant,
            "subject": subject,
            "request_id": request_id,
            "session": session,
            "question": question,
            "request": body,
            "created": now(),
        }
        with writing(self._engine) as connection:
            connection.execute(insert_or(connection, RUNS, values, key="tenant request_id", otherwise=None))
            row = connection.execute(_run_where(tenant, RUNS.c.request_id == request_id)).one()
        if row.request != body:
            raise Conflict(f"the request id {request_id} came before with another request")
        return _run(row)

    def run(self, tenant: str, run: str) -> Run:
        """A run of a tenant. Raises NotFound."""
        with reading(self._engine) as connection:
            row = connection.execute(_run_where(tenant, RUNS.c.id == run)).one_or_none()
        if row is None:
            raise NotFound(f"there is no run agent/runs/{run}")
        return _run(row)

    def propose(self, run: Run, proposal: Mapping[str, Any]) -> Run:
        """Keeps what a run was understood as, unless that is known already; the run as it is then."""
        with writing(self._engine) as connection:
            mine = update(RUNS).where(RUNS.c.id == run.id, RUNS.c.proposal.is_(None))
            connection.execute(mine.values(proposal=json.dumps(proposal)))
            return _run(connection.execute(_run_where(run.tenant, RUNS.c.id == run.id)).one())

    def choose(self, run: Run, plan: int) -> Run:
        """Keeps which plan is run; the run as it is then. Raises Conflict where another one is."""
        with writing(self._engine) as connection:
            free = update(RUNS).where(RUNS.c.id == run.id, RUNS.c.plan.is_(None) | (RUNS.c.plan == plan))
            if not connection.execute(free.values(plan=plan)).rowcount:
                raise Conflict(f"another plan of agent/runs/{run.id} was chosen before")
            return _run(connection.execute(_run_where(run.tenant, RUNS.c.id == run.id)).one())

    def begun(self, run: Run, job: str) -> Run:
        """Keeps which job works on the plan that was chosen."""
        with writing(self._engine) as connection:
            connection.execute(update(RUNS).where(RUNS.c.id == run.id).values(job=job))
        return replace(run, job=job)

    def runs(self, tenant: str, *, session: str = "", size: int = 100, token: str = "") -> tuple[list[Run], str]:
        """A page of a tenant's runs, newest first, and the token of the next page, empty on the last."""
        query = _run_where(tenant, RUNS.c.session == session) if session else _run_where(tenant)
        if token:
            query = query.where(tuple_(RUNS.c.created, RUNS.c.id) < _place(token))
        ordered = query.order_by(RUNS.c.created.desc(), RUNS.c.id.desc()).limit(size + 1)
        with reading(self._engine) as connection:
            rows = [_run(row) for row in connection.execute(ordered)]
        more = f"{rows[size - 1].created!r}:{rows[size - 1].id}" if len(rows) > size else ""
        return rows[:size], more

    def forget(self, days: float) -> None:
        """Forgets runs that are older than that and whose job is forgotten, with their news; lessons stay."""
        old = RUNS.c.created < now() - days * 86_400
        gone = select(RUNS.c.id).where(old, RUNS.c.job.is_(None) | RUNS.c.job.not_in(select(jobs.c.id)))
        with writing(self._engine) as connection:
            connection.execute(delete(EVENTS).where(EVENTS.c.run.in_(gone)))
            connection.execute(delete(RUNS).where(RUNS.c.id.in_(gone)))

    def tell(self, run: str, key: str, content: Mapping[str, Any]) -> None:
        """Keeps news of a run, once for each key."""
        values = {"run": run, "key": key, "content": json.dumps(content)}
        with writing(self._engine) as connection:
            connection.execute(insert_or(connection, EVENTS, values, key="run key", otherwise=None))

    def told(self, run: Run, after: int = 0, *, about: str = "") -> list[tuple[int, Mapping[str, Any]]]:
        """News of a run after that number, each with its own, in their order; of those whose key begins so."""
        query = select(EVENTS.c.number, EVENTS.c.content).where(EVENTS.c.run == run.id, EVENTS.c.number > after)
        if about:
            query = query.where(EVENTS.c.key.startswith(about, autoescape=True))
        with reading(self._engine) as connection:
            rows = connection.execute(query.order_by(EVENTS.c.number).limit(MOST_NEWS)).all()
        return [(row.number, json.loads(row.content)) for row in rows]

    def teach(
        self, tenant: str, request_id: str, *, topic: str, text: str, content: Mapping[str, Any], run: str
    ) -> Lesson:
        """A new lesson, or that which the same request taught before."""
        for _ in range(TRIES):
            try:
                return self._taught(tenant, request_id, topic, text, content, run)
            except IntegrityError:  # PostgreSQL: another lesson on the topic took the version meanwhile
                continue
        raise Unavailable("too much is being taught at once; try again later")

    def _taught(
        self, tenant: str, request_id: str, topic: str, text: str, content: Mapping[str, Any], run: str
    ) -> Lesson:
        with writing(self._engine) as connection:
            newest = select(func.coalesce(func.max(LESSONS.c.version), 0)).where(
                LESSONS.c.tenant == tenant, LESSONS.c.topic == topic
            )
            values = {
                "id": uuid4().hex,
                "tenant": tenant,
                "request_id": request_id,
                "topic": topic,
                "version": connection.execute(newest).scalar_one() + 1,
                "text": text,
                "content": json.dumps(content, sort_keys=True),
                "run": run,
                "active": True,
                "created": now(),
            }
            connection.execute(insert_or(connection, LESSONS, values, key="tenant request_id", otherwise=None))
            return _lesson(connection.execute(_lesson_where(tenant, LESSONS.c.request_id == request_id)).one())

    def lessons(self, tenant: str, *, topic: str = "", active: bool | None = None) -> Iterator[Lesson]:
        """A tenant's lessons, newest first: of one topic, and of those that are used or not, where that is asked."""
        query = _lesson_where(tenant)
        if topic:
            query = query.where(LESSONS.c.topic == topic)
        if active is not None:
            query = query.where(LESSONS.c.active == active)
        with reading(self._engine) as connection:
            rows = connection.execute(query.order_by(LESSONS.c.created.desc(), LESSONS.c.version.desc())).all()
        yield from map(_lesson, rows)

    def set_active(self, tenant: str, lesson: str, active: bool) -> Lesson:
        """Takes a lesson back or up again. Raises NotFound."""
        with writing(self._engine) as connection:
            its = LESSONS.c.tenant == tenant, LESSONS.c.id == lesson
            connection.execute(update(LESSONS).where(*its).values(active=active))
            row = connection.execute(_lesson_where(tenant, LESSONS.c.id == lesson)).one_or_none()
        if row is None:
            raise NotFound(f"there is no lesson {lesson}")
        return _lesson(row)


def _run_where(tenant: str, *conditions: Any) -> Any:
    return select(RUNS).where(RUNS.c.tenant == tenant, *conditions)


def _lesson_where(tenant: str, *conditions: Any) -> Any:
    return select(LESSONS).where(LESSONS.c.tenant == tenant, *conditions)


def _run(row: Any) -> Run:
    proposal = None if row.proposal is None else json.loads(row.proposal)
    return Run(**{**row._mapping, "request": json.loads(row.request), "proposal": proposal})


def _lesson(row: Any) -> Lesson:
    fields = {name: value for name, value in row._mapping.items() if name != "request_id"}
    return Lesson(**{**fields, "content": json.loads(row.content)})


def _place(token: str) -> Any:
    created, _, run = token.partition(":")
    try:
        return tuple_(float(created), run)
    except ValueError:
        raise InvalidInput.of("page_token", received=token, accepted="one that was answered") from None
