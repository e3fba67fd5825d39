"""Whatever tenants and workers do in whatever order, a job goes only where its state lets it go."""

from __future__ import annotations

import tempfile
from itertools import count
from pathlib import Path

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import Bundle, RuleBasedStateMachine, consumes, initialize, invariant, multiple, rule
from sqlalchemy import update

from tellurion_core.errors import Conflict, InvalidInput, Unavailable
from tellurion_core.jobs.claims import Claim, Claims, LeaseLost
from tellurion_core.jobs.database import open_engine, writing
from tellurion_core.jobs.settings import JobSettings
from tellurion_core.jobs.store import JobStore
from tellurion_core.jobs.table import State, jobs

KIND = "probe.count"
ATTEMPTS = 2


class Jobs(RuleBasedStateMachine):
    """The jobs of one tenant against what they should be, kept in plain Python."""

    claims_made = Bundle("claims_made")

    @initialize()
    def open(self) -> None:
        self.folder = tempfile.TemporaryDirectory()
        self.engine = open_engine(f"sqlite:///{Path(self.folder.name) / 'jobs.sqlite'}")
        self.store = JobStore(self.engine)
        self.claims = Claims(self.engine, JobSettings(retry_seconds=0), "worker")
        self.numbers = count()
        self.state: dict[str, State] = {}
        self.attempt: dict[str, int] = {}
        self.holder: dict[str, Claim] = {}
        self.cancelling: set[str] = set()

    def teardown(self) -> None:
        self.engine.dispose()
        self.folder.cleanup()

    @rule()
    def submit(self) -> None:
        name = f"r{next(self.numbers)}"
        job = self.store.submit(tenant="navy", subject="s", kind=KIND, request_id=name, body=b"", attempts=ATTEMPTS)
        self.state[job.id], self.attempt[job.id] = State.QUEUED, 0

    @rule(target=claims_made)
    def claim(self) -> object:
        claim = self.claims.claim([KIND])
        waiting = [id for id, state in self.state.items() if state is State.QUEUED]
        assert (claim is None) == (not waiting)
        if claim is None:
            return multiple()
        assert claim.job.id == waiting[0]  # the oldest
        self.state[claim.job.id] = State.RUNNING
        self.attempt[claim.job.id] += 1
        self.holder[claim.job.id] = claim
        return claim

    @rule(claim=claims_made)
    def renew(self, claim: Claim) -> None:
        try:
            assert self.claims.renew(claim, 0.5, "") == (claim.job.id in self.cancelling)
        except LeaseLost:
            assert self.holder.get(claim.job.id) is not claim

    @rule(
        claim=consumes(claims_made),
        how=st.sampled_from(["succeed", "fail", "unavailable", "died", "cancelled", "release"]),
    )
    def end(self, claim: Claim, how: str) -> None:
        write = {
            "succeed": lambda: self.claims.succeed(claim, b"r"),
            "fail": lambda: self.claims.fail(claim, InvalidInput(message="")),
            "unavailable": lambda: self.claims.fail(claim, Unavailable("")),
            "died": lambda: self.claims.died(claim, ""),
            "cancelled": lambda: self.claims.cancelled(claim),
            "release": lambda: self.claims.release(claim),
        }[how]
        id = claim.job.id
        if self.holder.get(id) is not claim:
            try:
                write()
            except LeaseLost:
                return
            raise AssertionError("a stale claim was written")
        write()
        del self.holder[id]
        ends = {"succeed": State.SUCCEEDED, "fail": State.FAILED, "cancelled": State.CANCELLED}
        last = {"unavailable": State.FAILED, "died": State.DEAD}
        if how in ends:
            self.state[id] = ends[how]
        elif how in last and self.attempt[id] == ATTEMPTS:
            dead_at_will = last[how] is State.DEAD and id in self.cancelling
            self.state[id] = State.CANCELLED if dead_at_will else last[how]
        else:
            self.attempt[id] -= how == "release"
            self.waits_again(id)

    @rule()
    def leases_run_out(self) -> None:
        with writing(self.engine) as connection:
            connection.execute(update(jobs).where(jobs.c.state == "RUNNING").values(lease_until=0.0))
        assert self.claims.reconcile() == len(self.holder)
        for id in list(self.holder):
            del self.holder[id]
            if self.attempt[id] == ATTEMPTS:
                self.state[id] = State.CANCELLED if id in self.cancelling else State.DEAD
            else:
                self.waits_again(id)

    @rule(data=st.data())
    def cancel(self, data: st.DataObject) -> None:
        if not self.state:
            return
        id = data.draw(st.sampled_from(list(self.state)))
        self.store.cancel("navy", id)
        if self.state[id] is State.QUEUED:
            self.state[id] = State.CANCELLED
        elif self.state[id] is State.RUNNING:
            self.cancelling.add(id)

    @rule(data=st.data())
    def delete(self, data: st.DataObject) -> None:
        if not self.state:
            return
        id = data.draw(st.sampled_from(list(self.state)))
        try:
            self.store.delete("navy", id)
        except Conflict:
            assert not self.state[id].ended
        else:
            assert self.state.pop(id).ended

    def waits_again(self, id: str) -> None:
        self.state[id] = State.CANCELLED if id in self.cancelling else State.QUEUED

    @invariant()
    def every_job_is_where_it_should_be(self) -> None:
        if not hasattr(self, "store"):
            return
        listed = self.store.list("navy", kinds=[KIND])[0]
        assert {job.id: (job.state, job.attempt) for job in listed} == {
            id: (state, self.attempt[id]) for id, state in self.state.items()
        }
        for job in listed:
            assert (job.finished is not None) == job.state.ended
            assert bool(job.error) == (job.state in (State.FAILED, State.DEAD))
            assert bool(job.result) == (job.state is State.SUCCEEDED)


TestJobs = Jobs.TestCase
TestJobs.settings = settings(
    max_examples=15, stateful_step_count=25, deadline=None, suppress_health_check=[HealthCheck.too_slow]
)
