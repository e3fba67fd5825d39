"""Jobs are submitted once per request, and are seen by their tenant only. On both databases."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from threading import Barrier
from typing import Any

import pytest
from google.protobuf.any_pb2 import Any as Packed
from google.protobuf.struct_pb2 import Struct
from sqlalchemy import Engine

from tellurion_core.errors import Conflict, InvalidInput, NotFound, ResourceExhausted
from tellurion_core.jobs.claims import Claims
from tellurion_core.jobs.database import now, writing
from tellurion_core.jobs.quota import Quota
from tellurion_core.jobs.settings import JobSettings
from tellurion_core.jobs.store import MAX_BODY_BYTES, JobStore
from tellurion_core.jobs.table import Job, State, jobs

KIND = "probe.count"
NONE = "0" * 32


@pytest.fixture
def store(engine: Engine) -> JobStore:
    return JobStore(engine)


def submitted(store: JobStore, **changes: Any) -> Job:
    values = {"tenant": "navy", "subject": "ferdinand", "kind": KIND, "request_id": "r-1", "body": b"b"}
    return store.submit(**(values | changes))


class Rung(list[str]):
    """A bell that notes who rang."""

    def ring(self, kind: str) -> None:
        self.append(kind)


def test_a_job_is_what_was_submitted(store: JobStore) -> None:
    job = submitted(store, body=b"\x00\xff", attempts=7, priority=-3, subject="Søren")
    assert store.get("navy", job.id) == replace(job, body=b"")  # who asks how it stands has no use for it
    assert (job.kind, job.request_id, job.body, job.subject) == (KIND, "r-1", b"\x00\xff", "Søren")
    assert (job.state, job.attempt, job.attempts, job.priority) == (State.QUEUED, 0, 7, -3)
    assert (job.started, job.finished, job.result, job.error) == (None, None, b"", b"")


def test_the_same_request_is_the_same_job(store: JobStore) -> None:
    assert submitted(store) == submitted(store)


def test_the_same_request_fifty_times_at_once_is_one_job(store: JobStore) -> None:
    together = Barrier(50)

    def submit(_: int) -> str:
        together.wait()
        return submitted(store).id

    with ThreadPoolExecutor(50) as threads:
        ids = set(threads.map(submit, range(50)))
    assert len(ids) == 1
    assert [job.id for job in store.list("navy", kinds=[KIND])[0]] == list(ids)


@pytest.mark.parametrize("changes", [{"body": b"other"}, {"kind": "probe.sum"}], ids=["body", "kind"])
def test_the_same_request_for_other_work_is_a_conflict(store: JobStore, changes: dict[str, Any]) -> None:
    submitted(store)
    with pytest.raises(Conflict, match="'r-1'"):
        submitted(store, **changes)


def test_a_body_is_the_same_whatever_the_order_of_its_maps(store: JobStore) -> None:
    # Two entries of a map, field 1 of Struct, in either order: the same message, other bytes.
    entries = [Struct(fields={name: Struct().fields[name]}).SerializeToString() for name in "ab"]
    bodies = [
        Packed(type_url="type.googleapis.com/google.protobuf.Struct", value=b"".join(order)).SerializeToString()
        for order in (entries, entries[::-1])
    ]
    assert bodies[0] != bodies[1]
    assert submitted(store, body=bodies[0]).id == submitted(store, body=bodies[1]).id
    with pytest.raises(Conflict):
        submitted(store, body=Packed(type_url="type.googleapis.com/google.protobuf.Struct").SerializeToString())


@pytest.mark.parametrize("changes", [{"tenant": "army"}, {"kind": "other.count"}], ids=["tenant", "service"])
def test_requests_of_other_tenants_and_services_are_other_requests(store: JobStore, changes: dict[str, Any]) -> None:
    assert submitted(store).id != submitted(store, **changes).id


def test_a_request_whose_job_was_deleted_is_new(store: JobStore) -> None:
    job = submitted(store)
    store.cancel("navy", job.id)
    store.delete("navy", job.id)
    assert submitted(store).id != job.id


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("request_id", ""),
        ("request_id", "x" * 65),
        ("request_id", "a\nb"),
        ("request_id", "é"),
        ("request_id", " a"),
        ("request_id", "\x00"),
        ("tenant", ""),
        ("tenant", "Navy"),
        ("tenant", "../navy"),
        ("kind", "probe"),
        ("kind", "probe.count'; DROP TABLE jobs"),
        ("body", b"x" * (MAX_BODY_BYTES + 1)),
        ("attempts", 0),
        ("attempts", 101),
        ("priority", 1001),
    ],
)
def test_what_cannot_be_a_job_names_the_field(store: JobStore, field: str, value: Any) -> None:
    with pytest.raises(InvalidInput) as caught:
        submitted(store, **{field: value})
    assert [violation.field for violation in caught.value.violations] == [field]


def test_a_hostile_subject_is_stored_as_one_line(store: JobStore) -> None:
    assert submitted(store, subject="a\x00b\nc\ud800" + "x" * 500).subject == "a·b·c·" + "x" * 194


def test_the_bell_rings_for_new_jobs_only(engine: Engine) -> None:
    bell = Rung()
    store = JobStore(engine, bell)
    submitted(store)
    submitted(store)
    assert bell == [KIND]


def test_another_tenants_job_looks_like_none(store: JobStore) -> None:
    job = submitted(store)
    for call in (store.get, store.cancel, store.delete):
        messages = []
        for tenant, id in (("army", job.id), ("army", NONE), ("navy", "x'; --")):
            with pytest.raises(NotFound) as caught:
                call(tenant, id)
            messages.append(caught.value.message.replace(id, ""))
        assert len(set(messages)) == 1
    assert store.get("navy", job.id).state is State.QUEUED


def test_only_a_job_that_has_ended_is_deleted(store: JobStore, engine: Engine) -> None:
    job = submitted(store)
    with pytest.raises(Conflict, match="QUEUED"):
        store.delete("navy", job.id)
    claims = Claims(engine, JobSettings(), "worker")
    claim = claims.claim([KIND])
    assert claim is not None
    with pytest.raises(Conflict, match="RUNNING"):
        store.delete("navy", job.id)
    claims.succeed(claim, b"")
    store.delete("navy", job.id)
    with pytest.raises(NotFound):
        store.get("navy", job.id)


def test_cancelling_what_has_ended_changes_nothing(store: JobStore, engine: Engine) -> None:
    submitted(store)
    claims = Claims(engine, JobSettings(), "worker")
    claim = claims.claim([KIND])
    assert claim is not None
    claims.succeed(claim, b"r")
    before = store.get("navy", claim.job.id)
    store.cancel("navy", claim.job.id)
    assert store.get("navy", claim.job.id) == before


def test_a_list_has_no_bodies(store: JobStore) -> None:
    job = submitted(store)
    assert store.list("navy", kinds=[KIND]) == ([replace(job, body=b"")], "")


def test_a_page_ends_early_where_its_results_are_large(store: JobStore, engine: Engine) -> None:
    claims = Claims(engine, JobSettings(), "worker")
    for index in range(5):
        submitted(store, request_id=f"r{index}")
        claim = claims.claim([KIND])
        assert claim is not None
        claims.succeed(claim, b"x" * 900_000)  # two fit into the 2 MiB of a page
    pages, token = [], ""
    while not pages or token:
        page, token = store.list("navy", kinds=[KIND], page_token=token)
        pages.append([job.request_id for job in page])
    assert pages == [["r4", "r3"], ["r2", "r1"], ["r0"]]


@pytest.mark.parametrize("other", [{"tenant": "army"}, {"kinds": ["probe.sum"]}, {"state": State.DEAD}])
def test_a_page_token_is_of_one_query(store: JobStore, other: dict[str, Any]) -> None:
    for index in range(2):
        submitted(store, request_id=f"r{index}")
    query: dict[str, Any] = {"tenant": "navy", "kinds": [KIND], "page_size": 1}
    _, token = store.list(**query)
    assert token
    with pytest.raises(InvalidInput, match="page_token"):
        store.list(**(query | other), page_token=token)
    with pytest.raises(InvalidInput, match="page_token"):
        store.list(**query, page_token=token + "A")


def test_a_tenant_has_so_many_jobs_waiting_and_no_more(engine: Engine) -> None:
    store = JobStore(engine, quota=Quota(jobs=1, seconds=3600))
    first = submitted(store)
    with pytest.raises(ResourceExhausted, match="1 jobs"):
        submitted(store, request_id="r-2")
    assert submitted(store).id == first.id  # the same request asks for nothing more
    submitted(store, tenant="army")
    store.cancel("navy", first.id)
    submitted(store, request_id="r-2")


def test_a_tenant_has_so_many_hours_a_day_and_no_more(engine: Engine) -> None:
    store = JobStore(engine, quota=Quota(jobs=100, seconds=3600))
    # Two days ago, for a day and twenty minutes, and half an hour just now: fifty minutes of the last day.
    for hours, until in ((48, 24 - 1 / 3), (0.5, None)):
        job = submitted(store, request_id=f"r-{hours}")
        row = {"state": "SUCCEEDED" if until else "RUNNING", "started": now() - hours * 3600}
        with writing(engine) as connection:
            row |= {"finished": now() - until * 3600} if until else {}
            connection.execute(jobs.update().where(jobs.c.id == job.id).values(row))
    enough = submitted(store, request_id="r-1")
    with writing(engine) as connection:
        connection.execute(jobs.update().where(jobs.c.id == enough.id).values(state="RUNNING", started=now() - 900))
    with pytest.raises(ResourceExhausted, match="1 hours"):
        submitted(store, request_id="r-2")
    submitted(store, request_id="r-2", tenant="army")
