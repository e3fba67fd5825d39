"""Runs and lessons: each tenant's own, once for each request, in their order."""

from pathlib import Path

import pytest
from sqlalchemy import event, update

from tellurion_agent.store import LESSONS, RUNS, Store
from tellurion_core.errors import Conflict, InvalidInput, NotFound
from tellurion_core.jobs.database import open_engine, writing
from tellurion_core.jobs.store import JobStore

ASKED = {"question": "How warm?", "data": {}}


@pytest.fixture
def store(tmp_path: Path) -> Store:
    return Store(open_engine(f"sqlite:///{tmp_path / 'jobs.sqlite'}"))


def begin(store: Store, request_id: str = "r", tenant: str = "a", session: str = "", **asked: object):
    return store.begin(tenant, "ann", request_id, session=session, question="How warm?", request={**ASKED, **asked})


def test_the_same_request_is_the_same_run(store: Store) -> None:
    assert begin(store) == begin(store)
    assert begin(store, "s").id != begin(store).id


def test_a_request_id_with_another_request_is_a_conflict(store: Store) -> None:
    begin(store)
    with pytest.raises(Conflict, match="another request"):
        begin(store, data={"libraries": ["cmip6"]})


def test_a_run_is_its_tenants(store: Store) -> None:
    run = begin(store)
    assert begin(store, tenant="b").id != run.id
    assert store.run("a", run.id) == run
    with pytest.raises(NotFound):
        store.run("b", run.id)


def test_the_first_proposal_stands(store: Store) -> None:
    run = begin(store)
    assert run.proposal is None
    assert store.propose(run, {"plans": [1]}).proposal == {"plans": [1]}
    assert store.propose(run, {"plans": [2]}).proposal == {"plans": [1]}


def test_one_plan_is_chosen(store: Store) -> None:
    run = begin(store)
    chosen = store.begun(store.choose(run, 1), "0" * 32)
    assert (chosen.plan, chosen.job) == (1, "0" * 32)
    assert store.choose(run, 1) == chosen
    with pytest.raises(Conflict, match="chosen before"):
        store.choose(run, 0)


def test_runs_come_page_by_page_newest_first(store: Store) -> None:
    ids = [begin(store, str(number), session="s" if number % 2 else "").id for number in range(5)]
    begin(store, tenant="b")
    first, token = store.runs("a", size=3)
    rest, end = store.runs("a", size=3, token=token)
    assert [run.id for run in first + rest] == ids[::-1]
    assert end == ""
    assert [run.id for run in store.runs("a", session="s")[0]] == [ids[3], ids[1]]
    with pytest.raises(InvalidInput, match="page_token"):
        store.runs("a", token="x")


def teach(store: Store, request_id: str, topic: str = "trend", tenant: str = "a"):
    content = {"settings": {"base": [1991, 2020]}}
    return store.teach(tenant, request_id, topic=topic, text="1991–2020, please", content=content, run="0" * 32)


def test_lessons_have_versions_by_topic_and_tenant(store: Store) -> None:
    assert [teach(store, "1").version, teach(store, "2").version] == [1, 2]
    assert teach(store, "3", topic="mean").version == 1
    assert teach(store, "1", tenant="b").version == 1
    assert teach(store, "2").version == 2  # said again, taught once
    assert [lesson.version for lesson in store.lessons("a", topic="trend")] == [2, 1]
    assert len(list(store.lessons("a"))) == 3


def test_a_lesson_whose_version_another_took_is_tried_again(store: Store) -> None:
    """As on a database where two write at once: a row of its version is there when it is written."""
    row = {"id": "x", "tenant": "a", "request_id": "x", "topic": "trend", "version": 1, "text": "", "content": "{}"}
    rivals = [row | {"run": "", "active": True, "created": 0.0}]

    @event.listens_for(store._engine, "before_execute")
    def come_before(connection, clause, *_) -> None:
        if getattr(clause, "table", None) is LESSONS and clause.is_insert and rivals:
            connection.execute(LESSONS.insert().values(rivals.pop()))

    assert teach(store, "1").version == 1
    assert rivals == []


def test_a_lesson_is_taken_back_and_up_again(store: Store) -> None:
    lesson = teach(store, "1")
    assert not store.set_active("a", lesson.id, False).active
    assert list(store.lessons("a", active=True)) == []
    assert store.set_active("a", lesson.id, True) == lesson
    with pytest.raises(NotFound):
        store.set_active("b", lesson.id, False)


def test_news_are_told_once_in_their_order(store: Store) -> None:
    run, other = begin(store), begin(store, "s")
    for key in ("a", "b", "a"):
        store.tell(run.id, key, {"said": key})
    store.tell(other.id, "a", {"said": "elsewhere"})
    (first, a), (second, b) = store.told(run)
    assert (a, b) == ({"said": "a"}, {"said": "b"})
    assert store.told(run, after=first) == [(second, b)]
    assert store.told(run, after=second) == []


def test_news_about_one_thing_are_told_whatever_else_there_is(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tellurion_agent.store.MOST_NEWS", 3)
    run = begin(store)
    for number in range(5):
        store.tell(run.id, f"log 1 {number}", {"log": "…"})
    store.tell(run.id, "step run", {"step": {"name": "run"}})
    assert [content for _, content in store.told(run, about="step ")] == [{"step": {"name": "run"}}]


def test_a_run_is_forgotten_with_its_news_once_it_is_old_and_its_job_is_forgotten(tmp_path: Path) -> None:
    engine = open_engine(f"sqlite:///{tmp_path / 'jobs.sqlite'}")
    store, jobs = Store(engine), JobStore(engine)
    job = jobs.submit(tenant="a", subject="ann", kind="agent.run", request_id="r", body=b"")
    old, worked, young = (begin(store, name) for name in ("old", "worked", "young"))
    store.begun(store.choose(worked, 0), job.id)
    store.begun(store.choose(young, 0), "0" * 32)
    with writing(engine) as connection:
        connection.execute(update(RUNS).where(RUNS.c.id != young.id).values(created=RUNS.c.created - 2 * 86_400))
    for run in (old, worked, young):
        store.tell(run.id, "step", {})
    store.forget(days=1)
    assert {run.id for run in store.runs("a")[0]} == {worked.id, young.id}
    assert [len(store.told(run)) for run in (old, worked, young)] == [0, 1, 1]
    assert begin(store, "old").id != old.id
