"""Jobs as their workers see them: claimed in fair order, renewed, ended, and taken from workers that went silent."""

from __future__ import annotations

import math
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Select, and_, case, delete, func, literal, select, update
from sqlalchemy.engine import Connection, Engine
from sqlalchemy.sql.elements import ColumnElement

from tellurion_core.errors import Conflict, Internal, TellurionError, Unavailable
from tellurion_core.jobs.database import first_unlocked, insert_or, now, one_claim_at_a_time, reading, writing
from tellurion_core.jobs.running import error_status
from tellurion_core.jobs.settings import JobSettings
from tellurion_core.jobs.table import COLUMNS, IS_QUEUED, IS_RUNNING, MESSAGE_LENGTH, Job, State, jobs, one_line, turns
from tellurion_core.status import to_status

LONGEST_RETRY_SECONDS = 600.0
REASON_LENGTH = 300
BATCH = 500
"""Rows that one transaction of a sweep changes at most."""

_LOST = "its worker was lost: the lease ran out"


class LeaseLost(Conflict):
    """The job is no longer this worker's: stop it at once, and write nothing more."""

    default_reason = "LEASE_LOST"


@dataclass(frozen=True)
class Claim:
    """A job that a worker holds, until its lease runs out."""

    job: Job
    """The job as it was claimed; `attempt` counts this one."""
    token: int
    """Fencing token: grows with every claim of the job."""


class Claims:
    """What one worker does with jobs.

    Writes of a worker whose claim has ended raise LeaseLost and change nothing; a write that is repeated, because its
    answer was lost, succeeds again. Every method raises Unavailable where the database cannot be reached.
    """

    def __init__(self, engine: Engine, settings: JobSettings, worker: str) -> None:
        self._engine = engine
        self._settings = settings
        self._worker = one_line(worker, 200)

    def claim(self, kinds: Collection[str]) -> Claim | None:
        """The next job of these kinds in fair order, now this worker's; None where none waits.

        Tenants take turns: first the one of which the fewest jobs run, among these the one that waited longest since
        its last turn. Of a tenant's jobs the highest priority is first, then the oldest. The cost is a few probes of
        an index for each tenant that has jobs waiting and for each kind, however many wait.
        """
        if not kinds:
            return None
        with writing(self._engine) as connection:
            one_claim_at_a_time(connection)
            for tenant in connection.scalars(_in_turn(kinds)):
                if (number := _first(connection, tenant, kinds)) is not None:
                    return self._taken(connection, tenant, number)
        return None

    def renew(self, claim: Claim, fraction: float, message: str) -> bool:
        """Extends the lease, and tells how far the job has come; whether it was asked to cancel.

        Raises:
            LeaseLost: the job is another worker's by now, or has ended.
        """
        values = {
            "lease_until": now() + self._settings.lease_seconds,
            "fraction": min(max(fraction, 0.0), 1.0) if math.isfinite(fraction) else 0.0,
            "message": one_line(message, MESSAGE_LENGTH),
        }
        renewal = update(jobs).where(_held(claim)).values(values).returning(jobs.c.cancelling)
        with writing(self._engine) as connection:
            row = connection.execute(renewal).first()
        if row is None:
            raise _lost(claim)
        return bool(row.cancelling)

    def cancelling(self, claim: Claim) -> bool:
        """Whether the job was asked to cancel; only reads.

        Raises:
            LeaseLost: the job is another worker's by now, or has ended.
        """
        with reading(self._engine) as connection:
            row = connection.execute(select(jobs.c.cancelling).where(_held(claim))).first()
        if row is None:
            raise _lost(claim)
        return bool(row.cancelling)

    def succeed(self, claim: Claim, result: bytes) -> None:
        """Ends the job with its result, a serialised `google.protobuf.Any`.

        Raises:
            LeaseLost: the job is another worker's by now.
        """
        self._end(claim, State.SUCCEEDED, result=result, fraction=1.0, message="")

    def fail(self, claim: Claim, error: TellurionError) -> None:
        """Ends the job with an error; where something was unavailable, it is tried again while it has attempts left.

        Raises:
            LeaseLost: the job is another worker's by now.
        """
        if isinstance(error, Unavailable) and claim.job.attempt < claim.job.attempts:
            self._end(claim, State.QUEUED, **self._later(claim.job.attempt, error.message))
        else:
            self._end(claim, State.FAILED, error=error_status(error).SerializeToString())

    def died(self, claim: Claim, reason: str) -> None:
        """An attempt came to no end of its own: it is tried again, and is DEAD after its last attempt.

        Raises:
            LeaseLost: the job is another worker's by now.
        """
        if claim.job.attempt < claim.job.attempts:
            self._end(claim, State.QUEUED, **self._later(claim.job.attempt, reason))
        else:
            self._end(claim, State.DEAD, error=_death(claim.job.attempt, reason))

    def cancelled(self, claim: Claim) -> None:
        """Ends the job as its tenant asked.

        Raises:
            LeaseLost: the job is another worker's by now.
        """
        self._end(claim, State.CANCELLED)

    def pause(self, attempt: int) -> float:
        """Seconds that a job waits after an attempt, counted from 1, that came to nothing."""
        return min(self._settings.retry_seconds * 2.0 ** (attempt - 1), LONGEST_RETRY_SECONDS)

    def release(self, claim: Claim) -> None:
        """Gives a job back that this worker cannot finish: it waits again, and the attempt does not count.

        Raises:
            LeaseLost: the job is another worker's by now.
        """
        self._end(claim, State.QUEUED, attempt=jobs.c.attempt - 1, ready=now())

    def reconcile(self) -> int:
        """Takes the jobs from workers whose lease ran out: each waits again, or has ended. Returns how many."""
        over = and_(IS_RUNNING, jobs.c.lease_until < now())
        found = select(jobs.c.number, jobs.c.token, jobs.c.attempt, jobs.c.attempts).where(over).limit(BATCH)
        with writing(self._engine) as connection:
            rows = connection.execute(found.with_for_update(skip_locked=True)).all()
            for row in rows:
                last = row.attempt >= row.attempts
                values: dict[str, Any] = {"ready": now(), "message": _came_to_nothing(row.attempt, "soon", _LOST)}
                if last:
                    values = {"error": _death(row.attempt, _LOST)}
                # Who held it cannot take its state for what he wrote himself.
                values["token"] = row.token + 1
                state = State.DEAD if last else State.QUEUED
                held = and_(jobs.c.number == row.number, jobs.c.token == row.token, over)
                connection.execute(_ending(held, state, values))
        return len(rows)

    def old(self) -> Sequence[str]:
        """Ids of jobs that were deleted, or ended longer ago than they are kept; `BATCH` at most."""
        old = select(jobs.c.id).where(jobs.c.finished < now() - self._settings.retention_days * 86_400).limit(BATCH)
        with reading(self._engine) as connection:
            return connection.scalars(old).all()

    def forget(self, ids: Collection[str]) -> None:
        """Forgets jobs that have ended, once nothing else is left of them."""
        with writing(self._engine) as connection:
            connection.execute(delete(jobs).where(jobs.c.id.in_(ids), jobs.c.finished.is_not(None)))

    def _taken(self, connection: Connection, tenant: str, number: int) -> Claim:
        taking = (
            update(jobs)
            .where(jobs.c.number == number)
            .values(
                state=State.RUNNING.name,
                attempt=jobs.c.attempt + 1,
                token=jobs.c.token + 1,
                worker=self._worker,
                started=func.coalesce(jobs.c.started, now()),
                lease_until=now() + self._settings.lease_seconds,
                fraction=0.0,
                message="",
            )
            .returning(*COLUMNS, jobs.c.token)
        )
        row = connection.execute(taking).one()
        turn = {"tenant": tenant, "served": now()}
        connection.execute(insert_or(connection, turns, turn, key="tenant", otherwise="served"))
        return Claim(Job.of(row), row.token)

    def _end(self, claim: Claim, state: State, **values: Any) -> None:
        """Ends the claim; the job is then in `state`, or cancelled where it would wait again and is to be cancelled."""
        with writing(self._engine) as connection:
            if connection.execute(_ending(_held(claim), state, values)).rowcount:
                return
            # Repeated after its answer was lost? Then it is as it should be, and nobody has claimed it since.
            same = select(jobs.c.state).where(jobs.c.id == claim.job.id, jobs.c.token == claim.token)
            if connection.scalar(same) not in (state.name, State.CANCELLED.name):
                raise _lost(claim)

    def _later(self, attempt: int, reason: str) -> dict[str, Any]:
        pause = self.pause(attempt)
        return {"ready": now() + pause, "message": _came_to_nothing(attempt, f"in {pause:.0f} s", reason)}


def _in_turn(kinds: Collection[str]) -> Select[str]:
    """The tenants that have jobs of these kinds waiting, in the order of their turns."""
    # From each tenant to the next by one probe of the index: a DISTINCT would read every row that waits.
    waiting = select(func.min(jobs.c.tenant).label("tenant")).where(IS_QUEUED).cte("waiting", recursive=True)
    following = select(func.min(jobs.c.tenant)).where(IS_QUEUED, jobs.c.tenant > waiting.c.tenant).scalar_subquery()
    waiting = waiting.union_all(select(following).where(waiting.c.tenant.is_not(None)))
    of_tenant = jobs.c.tenant == waiting.c.tenant
    running = select(func.count()).select_from(jobs).where(of_tenant, IS_RUNNING).correlate(waiting).scalar_subquery()
    # Not EXISTS: a planner without statistics would join all that waits instead of probing for each tenant.
    probe = select(literal(1)).where(of_tenant, IS_QUEUED, jobs.c.kind.in_(kinds), jobs.c.ready <= now()).limit(1)
    ready = probe.correlate(waiting).scalar_subquery().is_not(None)
    return (
        select(waiting.c.tenant)
        .join_from(waiting, turns, turns.c.tenant == waiting.c.tenant, isouter=True)
        .where(waiting.c.tenant.is_not(None), ready)
        .order_by(running, func.coalesce(turns.c.served, 0.0), waiting.c.tenant)
    )


def _first(connection: Connection, tenant: str, kinds: Collection[str]) -> int | None:
    """Number of the tenant's first job of these kinds, locked; None where others hold all of them."""
    found = []
    for kind in kinds:  # one at a time: the index has the order only within a kind
        query = (
            select(jobs.c.priority, jobs.c.number)
            .where(jobs.c.tenant == tenant, IS_QUEUED, jobs.c.kind == kind, jobs.c.ready <= now())
            .order_by(jobs.c.priority.desc(), jobs.c.number)
        )
        if (row := connection.execute(first_unlocked(query)).first()) is not None:
            found.append((-row.priority, row.number))
    return min(found)[1] if found else None


def _held(claim: Claim) -> ColumnElement[bool]:
    """The condition under which a claim still holds."""
    return and_(jobs.c.id == claim.job.id, jobs.c.token == claim.token, jobs.c.state == State.RUNNING.name)


def _ending(held: ColumnElement[bool], state: State, values: dict[str, Any]) -> Any:
    """The end of a claim. What was asked to cancel does not wait again, and is not dead: it is cancelled."""
    ended: dict[str, Any] = {
        "error": b"",
        **values,
        "state": state.name,
        "finished": None if state is State.QUEUED else now(),
        "worker": None,
        "lease_until": None,
    }
    if state in (State.QUEUED, State.DEAD):
        instead: dict[str, Any] = {"state": State.CANCELLED.name, "finished": now(), "error": b""}
        ended |= {name: case((jobs.c.cancelling, value), else_=ended[name]) for name, value in instead.items()}
    return update(jobs).where(held).values(ended)


def _lost(claim: Claim) -> LeaseLost:
    return LeaseLost(f"job {claim.job.id}: attempt {claim.job.attempt} no longer holds it")


def _came_to_nothing(attempt: int, again: str, reason: str) -> str:
    """What is told of a job while it waits for its next attempt."""
    return one_line(f"attempt {attempt} came to nothing, again {again}: {reason}", MESSAGE_LENGTH)


def _death(attempt: int, reason: str) -> bytes:
    times = "once" if attempt == 1 else f"{attempt} times, the last time"
    error = Internal(f"tried {times}: {one_line(reason, REASON_LENGTH)}", reason="DEAD")
    return bytes(to_status(error).SerializeToString())
