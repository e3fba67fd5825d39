"""Workers take jobs in fair order, one worker each, and only who holds a job writes to it. On both databases."""

from __future__ import annotations

import math
import re
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from google.rpc import status_pb2
from sqlalchemy import Engine, event, text, update

from tellurion_core.errors import InvalidInput, NotFound, Unavailable
from tellurion_core.jobs.claims import Claim, Claims, LeaseLost
from tellurion_core.jobs.database import reading, writing
from tellurion_core.jobs.settings import JobSettings
from tellurion_core.jobs.store import JobStore
from tellurion_core.jobs.table import Job, State, jobs
from tellurion_core.status import from_status

KIND = "probe.count"
ENDS: dict[str, Callable[[Claims, Claim], object]] = {
    "renew": lambda claims, claim: claims.renew(claim, 0.5, "half"),
    "cancelling": lambda claims, claim: claims.cancelling(claim),
    "succeed": lambda claims, claim: claims.succeed(claim, b"stale"),
    "fail": lambda claims, claim: claims.fail(claim, InvalidInput(message="stale")),
    "died": lambda claims, claim: claims.died(claim, "stale"),
    "cancelled": lambda claims, claim: claims.cancelled(claim),
    "release": lambda claims, claim: claims.release(claim),
}


class Shop:
    """A store, and workers."""

    def __init__(self, engine: Engine) -> None:
        self.engine = engine
        self.store = JobStore(engine)
        self.claims = self.worker()

    def worker(self, **settings: Any) -> Claims:
        return Claims(self.engine, JobSettings(**({"retry_seconds": 0} | settings)), "worker")

    def submit(self, request_id: str, tenant: str = "navy", kind: str = KIND, **changes: Any) -> Job:
        return self.store.submit(
            tenant=tenant, subject="s", kind=kind, request_id=request_id, body=b"", **({"attempts": 2} | changes)
        )

    def claim(self, *kinds: str) -> Claim:
        claim = self.claims.claim(kinds or [KIND])
        assert claim is not None
        return claim

    def order(self) -> list[str]:
        """The request ids of what waits, in the order in which it is claimed and left running."""
        order = []
        while (claim := self.claims.claim([KIND])) is not None:
            order.append(claim.job.request_id)
        return order

    def get(self, claim: Claim) -> Job:
        return self.store.get(claim.job.tenant, claim.job.id)

    def run_out(self) -> None:
        """The lease of every job that runs is over."""
        with writing(self.engine) as connection:
            connection.execute(update(jobs).where(jobs.c.state == "RUNNING").values(lease_until=0.0))


@pytest.fixture
def shop(engine: Engine) -> Shop:
    return Shop(engine)


def message(job: Job) -> str:
    return from_status(status_pb2.Status.FromString(job.error)).message


def test_a_claim_is_the_job_begun(shop: Shop) -> None:
    job = shop.submit("r")
    claim = shop.claim()
    assert (claim.job.id, claim.job.state, claim.job.attempt) == (job.id, State.RUNNING, 1)
    assert claim.job == shop.get(claim)
    assert claim.job.started is not None
    assert shop.claims.claim([KIND]) is None


def test_of_one_tenant_the_highest_priority_is_first_then_the_oldest(shop: Shop) -> None:
    for request_id, priority in (("a", 0), ("b", 5), ("c", -1), ("d", 5), ("e", 0)):
        shop.submit(request_id, priority=priority)
    assert shop.order() == ["b", "d", "a", "e", "c"]


def test_tenants_take_turns_however_much_each_has(shop: Shop) -> None:
    for index in range(6):
        shop.submit(f"n{index}", "navy", priority=1000)
    for index in range(2):
        shop.submit(f"a{index}", "army")
    shop.submit("c0", "coast")
    # Each claim is of a tenant of which the fewest run; among equals, of the one that waited longest.
    assert shop.order() == ["a0", "c0", "n0", "a1", "n1", "n2", "n3", "n4", "n5"]


def test_the_tenant_of_which_the_fewest_run_is_first_then_the_one_that_waited_longest(shop: Shop) -> None:
    for tenant in ("navy", "army"):
        for index in range(3):
            shop.submit(f"{tenant}{index}", tenant)
    first, second = shop.claim(), shop.claim()
    assert [first.job.tenant, second.job.tenant] == ["army", "navy"]
    shop.claims.succeed(second, b"")
    assert shop.claim().job.tenant == "navy"  # none of it runs, one of the army's does
    assert shop.claim().job.tenant == "army"  # one of each runs, and the navy was served last


def test_a_worker_takes_only_what_it_can_do(shop: Shop) -> None:
    shop.submit("a", kind="probe.sum", priority=9)
    shop.submit("b", "army", kind="probe.sum")
    shop.submit("c")
    assert shop.claims.claim([]) is None
    assert shop.claims.claim(["probe.mean"]) is None
    assert shop.claim().job.request_id == "c"
    assert shop.claim(KIND, "probe.sum").job.request_id == "b"


def test_every_job_is_claimed_once_by_workers_at_once(shop: Shop) -> None:
    for index in range(40):
        shop.submit(f"r{index}", ("navy", "army")[index % 2])

    def claim_all(_: int) -> list[str]:
        return [claim.job.request_id for claim in iter(lambda: shop.claims.claim([KIND]), None)]

    with ThreadPoolExecutor(8) as threads:
        claimed = [request_id for found in threads.map(claim_all, range(8)) for request_id in found]
    assert sorted(claimed) == sorted(f"r{index}" for index in range(40))


def test_fairness_is_exact_between_workers_at_once(shop: Shop) -> None:
    for tenant in ("navy", "army", "coast", "air"):
        for index in range(8):
            shop.submit(f"{tenant}{index}", tenant)
    with ThreadPoolExecutor(16) as threads:
        tenants = [claim.job.tenant for claim in threads.map(lambda _: shop.claim(), range(16))]
    assert {tenant: tenants.count(tenant) for tenant in tenants} == {"navy": 4, "army": 4, "coast": 4, "air": 4}


def test_a_claim_among_a_hundred_thousand_is_a_few_probes_of_an_index(shop: Shop) -> None:
    with writing(shop.engine) as connection:
        # Of 50 tenants; half of them wait, and half of those are of a kind that the worker does not do.
        connection.execute(
            text("""
            WITH RECURSIVE numbered(n) AS (SELECT 0 UNION ALL SELECT n + 1 FROM numbered WHERE n < 199999)
            INSERT INTO jobs (id, tenant, subject, service, kind, request_id, body, state, fraction, message, attempt,
                              attempts, priority, result, error, created, ready, cancelling, token)
            SELECT CAST(n AS TEXT), 't' || (n % 50), 's', 'probe',
                   CASE WHEN n / 100 % 2 = 0 THEN 'probe.sum' ELSE 'probe.count' END, CAST(n AS TEXT), '',
                   CASE WHEN n / 50 % 2 = 0 THEN 'SUCCEEDED' ELSE 'QUEUED' END, 0,
                   '', 0, 3, n % 7, '', '', 0, 0, FALSE, 0
            FROM numbered""")
        )
    executed: list[tuple[str, Any]] = []
    event.listen(shop.engine, "before_cursor_execute", lambda *arguments: executed.append(arguments[2:4]))
    assert shop.claim().job.priority == 6
    explain = {"sqlite": "EXPLAIN QUERY PLAN ", "postgresql": "EXPLAIN "}[shop.engine.dialect.name]
    queries = [query for query in executed if query[0].startswith(("SELECT jobs", "WITH"))]
    assert len(queries) == 2  # whose turn it is, and which job of the tenant
    with reading(shop.engine) as connection:
        plan = [str(row[-1]) for query in queries for row in connection.exec_driver_sql(explain + query[0], query[1])]
    steps = [step for step in plan if re.search(r"(SCAN|SEARCH|on) jobs\b", step)]
    assert len(steps) >= 4
    assert [step for step in steps if not re.search(r"using( covering)? index|Scan using", step, re.IGNORECASE)] == []
    assert {re.search(r"jobs_\w+", step)[0] for step in steps} == {"jobs_queued", "jobs_running"}
    assert [step for step in plan if re.search(r"Join|Bitmap", step) and "Left Join" not in step] == []
    took = []
    for _ in range(20):
        began = time.perf_counter()
        shop.claim()
        took.append(time.perf_counter() - began)
    assert min(took) < 0.2  # on a busy machine


@pytest.mark.parametrize("write", ENDS)
def test_who_lost_a_job_writes_nothing(shop: Shop, write: str) -> None:
    shop.submit("r", attempts=5)
    stale = shop.claim()
    shop.run_out()
    assert shop.claims.reconcile() == 1
    with pytest.raises(LeaseLost):
        ENDS[write](shop.claims, stale)
    holder = shop.claim()
    before = shop.get(holder)
    with pytest.raises(LeaseLost):
        ENDS[write](shop.claims, stale)
    assert shop.get(holder) == before
    shop.claims.succeed(holder, b"fresh")
    with pytest.raises(LeaseLost):
        ENDS[write](shop.claims, stale)
    assert shop.get(holder).result == b"fresh"


@pytest.mark.parametrize("write", ["succeed", "fail", "died", "cancelled", "release"])
def test_an_end_that_is_written_twice_is_written_once(shop: Shop, write: str) -> None:
    shop.submit("r")
    claim = shop.claim()
    ENDS[write](shop.claims, claim)
    before = shop.get(claim)
    ENDS[write](shop.claims, claim)
    assert shop.get(claim) == before


def test_an_attempt_that_died_is_followed_by_another_up_to_the_last(shop: Shop) -> None:
    shop.submit("r", attempts=2)
    shop.claims.died(shop.claim(), "killed by signal 9")
    second = shop.claim()
    assert second.job.attempt == 2
    shop.claims.died(second, "killed by\nsignal 11\x00")
    ended = shop.get(second)
    assert (ended.state, message(ended)) == (State.DEAD, "tried 2 times, the last time: killed by·signal 11·")
    assert ended.finished is not None
    assert shop.claims.claim([KIND]) is None


def test_while_a_job_waits_for_another_attempt_it_says_why(shop: Shop) -> None:
    shop.submit("r", attempts=4)
    shop.claims = shop.worker(retry_seconds=7)
    told = []
    for end in (
        lambda claim: shop.claims.died(claim, "killed by\nsignal 9"),
        lambda claim: shop.claims.fail(claim, Unavailable("the tide is out")),
        lambda claim: (shop.run_out(), shop.claims.reconcile()),
    ):
        claim = shop.claim()
        shop.claims.renew(claim, 0.5, "half")
        end(claim)
        told.append(shop.get(claim).message)
        with writing(shop.engine) as connection:
            connection.execute(update(jobs).values(ready=0.0))
    assert told == [
        "attempt 1 came to nothing, again in 7 s: killed by·signal 9",
        "attempt 2 came to nothing, again in 14 s: the tide is out",
        "attempt 3 came to nothing, again soon: its worker was lost: the lease ran out",
    ]
    last = shop.claim()
    shop.claims.renew(last, 0.9, "about 50 s left")
    shop.claims.succeed(last, b"")
    assert (shop.get(last).message, shop.get(last).fraction) == ("", 1.0)


def test_another_attempt_waits_longer_each_time(shop: Shop) -> None:
    job = shop.submit("r", attempts=10)
    claims = shop.worker(retry_seconds=100)
    pauses = []
    for _ in range(5):
        claim = claims.claim([KIND])
        assert claim is not None
        claims.died(claim, "")
        assert claims.claim([KIND]) is None
        with writing(shop.engine) as connection:
            pauses.append(connection.scalar(text("SELECT ready FROM jobs")) - time.time())
            connection.execute(update(jobs).values(ready=0.0))
    assert pauses == pytest.approx([100, 200, 400, 600, 600], abs=5)
    assert shop.store.get("navy", job.id).attempt == 5


def test_unavailable_is_tried_again_and_is_the_error_in_the_end(shop: Shop) -> None:
    shop.submit("r", attempts=2)
    shop.claims.fail(shop.claim(), Unavailable("the tide is out"))
    last = shop.claim()
    shop.claims.fail(last, Unavailable("the tide is out"))
    ended = shop.get(last)
    assert (ended.state, ended.attempt, message(ended)) == (State.FAILED, 2, "the tide is out")


def test_a_job_that_is_given_back_waits_again_and_the_attempt_does_not_count(shop: Shop) -> None:
    shop.submit("r", attempts=1)
    for _ in range(3):
        claim = shop.claim()
        assert claim.job.attempt == 1
        shop.claims.release(claim)
        assert (shop.get(claim).state, shop.get(claim).attempt) == (State.QUEUED, 0)


def test_only_leases_that_ran_out_are_taken(shop: Shop) -> None:
    for index in range(3):
        shop.submit(f"r{index}", attempts=1 + index % 2)
    claims = [shop.claim(), shop.claim()]
    shop.run_out()
    shop.claim()
    assert shop.claims.reconcile() == 2
    assert shop.claims.reconcile() == 0
    dead, again = shop.get(claims[0]), shop.get(claims[1])
    assert (dead.state, message(dead)) == (State.DEAD, "tried once: its worker was lost: the lease ran out")
    assert (again.state, again.attempt) == (State.QUEUED, 1)


def test_a_renewed_lease_is_not_taken(shop: Shop) -> None:
    shop.submit("r")
    claim = shop.claim()
    shop.run_out()
    assert shop.claims.renew(claim, 0.25, "counting") is False
    assert shop.claims.reconcile() == 0
    assert (shop.get(claim).fraction, shop.get(claim).message) == (0.25, "counting")


@pytest.mark.parametrize(
    ("end", "attempts"), [("died", 5), ("died", 1), ("release", 5), ("fail", 5), ("lease", 5), ("lease", 1)]
)
def test_what_is_to_be_cancelled_does_not_wait_again_and_is_not_dead(shop: Shop, end: str, attempts: int) -> None:
    shop.submit("r", attempts=attempts)
    claim = shop.claim()
    assert not shop.claims.cancelling(claim)
    shop.store.cancel("navy", claim.job.id)
    assert shop.claims.cancelling(claim)
    if end == "lease":
        shop.run_out()
        shop.claims.reconcile()
    elif end == "fail":
        shop.claims.fail(claim, Unavailable("stopped"))
    else:
        ENDS[end](shop.claims, claim)
    ended = shop.get(claim)
    assert ended.state is State.CANCELLED
    assert ended.error == b""
    assert ended.finished is not None


@pytest.mark.parametrize(("fraction", "stored"), [(-1.0, 0.0), (2.0, 1.0), (math.nan, 0.0), (math.inf, 0.0)], ids=str)
def test_progress_is_a_part_and_one_line(shop: Shop, fraction: float, stored: float) -> None:
    shop.submit("r")
    claim = shop.claim()
    shop.claims.renew(claim, fraction, "a\x00b\nc\ud800" + "x" * 1000)
    assert (shop.get(claim).fraction, shop.get(claim).message) == (stored, "a·b·c·" + "x" * 194)


def test_jobs_are_forgotten_when_they_ended_long_ago(shop: Shop) -> None:
    for request_id in ("old", "new", "runs", "waits"):
        shop.submit(request_id)
    old, new, runs = shop.claim(), shop.claim(), shop.claim()
    shop.claims.succeed(old, b"")
    shop.claims.succeed(new, b"")
    with writing(shop.engine) as connection:
        connection.execute(update(jobs).values(created=0.0))
        connection.execute(update(jobs).where(jobs.c.id == old.job.id).values(finished=time.time() - 30 * 86_400 - 60))
    assert shop.claims.old() == [old.job.id]
    shop.claims.forget([old.job.id, runs.job.id])
    with pytest.raises(NotFound):
        shop.get(old)
    assert [shop.get(claim).state for claim in (new, runs)] == [State.SUCCEEDED, State.RUNNING]


def test_a_job_that_was_deleted_is_old(shop: Shop) -> None:
    shop.submit("r")
    claim = shop.claim()
    shop.claims.succeed(claim, b"result")
    shop.store.delete("navy", claim.job.id)
    assert shop.claims.old() == [claim.job.id]
    with pytest.raises(NotFound):
        shop.store.get("", claim.job.id)
    shop.claims.forget(shop.claims.old())
    assert shop.claims.old() == []


def test_what_waits_and_runs_is_counted(shop: Shop) -> None:
    for request_id, kind in (("a", KIND), ("b", KIND), ("c", "probe.sum")):
        shop.submit(request_id, kind=kind)
    shop.claims.succeed(shop.claim("probe.sum"), b"")
    shop.claim()
    assert shop.store.in_progress.counts() == {(KIND, State.QUEUED): 1, (KIND, State.RUNNING): 1}


def test_an_error_is_kept_with_its_kind_however_large_it_is(shop: Shop) -> None:
    shop.submit("r")
    claim = shop.claim()
    shop.claims.fail(claim, InvalidInput.of("a" * (3 << 20), received="b", accepted="c", reason="TOO_DEEP"))
    status = status_pb2.Status.FromString(shop.get(claim).error)
    error = from_status(status)
    assert isinstance(error, InvalidInput)
    assert (error.reason, error.message) == ("TOO_DEEP", "a" * 10_000)
