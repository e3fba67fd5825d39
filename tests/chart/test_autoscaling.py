"""Workers are scaled by what KEDA asks the database; what it asks is put to our own tables."""

from __future__ import annotations

import sqlite3
from pathlib import Path

import pytest
from sqlalchemy import text

from tellurion_core.jobs.database import open_engine, writing
from tellurion_core.jobs.store import JobStore

from .rendering import Object, rendered


def scalers() -> dict[str, Object]:
    """By service: the trigger of its worker's ScaledObject."""
    return {
        object["metadata"]["name"].removeprefix("tellurion-").removesuffix("-worker"): object["spec"]["triggers"][0]
        for object in rendered("institute")
        if object["kind"] == "ScaledObject"
    }


def test_every_worker_is_scaled() -> None:
    assert scalers().keys() == {"agent", "assimilation", "benchmark", "ocean", "splat"}


@pytest.mark.parametrize("service", ["agent", "assimilation", "benchmark", "ocean", "splat"])
def test_jobs_that_wait_and_run_are_counted_and_no_others(service: str, tmp_path: Path) -> None:
    database = tmp_path / "jobs.sqlite"
    engine = open_engine(f"sqlite:///{database}")
    store = JobStore(engine)
    states = ("QUEUED", "QUEUED", "RUNNING", "SUCCEEDED", "FAILED", "CANCELLED", "DEAD")
    for kind in (f"{service}.work", "other.work"):
        for number, state in enumerate(states):
            job = store.submit(tenant="navy", subject="ann", kind=kind, request_id=f"{kind}-{number}", body=b"")
            with writing(engine) as connection:
                connection.execute(
                    text("UPDATE jobs SET state = :state WHERE id = :id"), {"state": state, "id": job.id}
                )
    engine.dispose()
    trigger = scalers()[service]
    assert trigger["type"] == "postgresql"
    ((waiting_and_running,),) = sqlite3.connect(database).execute(trigger["metadata"]["query"])
    assert waiting_and_running == 3


def test_keda_is_told_how_many_jobs_a_worker_runs_at_once_and_where_the_database_is() -> None:
    settings = {o["metadata"]["name"]: o["data"] for o in rendered("institute") if o["kind"] == "ConfigMap"}
    for service, trigger in scalers().items():
        given = settings[f"tellurion-{service}-worker"]
        asked = trigger["metadata"]
        assert asked["targetQueryValue"] == given["TELLURION_JOBS_CONCURRENCY"]
        where = "postgresql://{userName}@{host}:{port}/{dbName}?sslmode={sslmode}".format(**asked)
        assert given["TELLURION_JOBS_DATABASE"] == where
        (authentication,) = (o for o in rendered("institute") if o["kind"] == "TriggerAuthentication")
        assert trigger["authenticationRef"]["name"] == authentication["metadata"]["name"]


def test_what_answers_scales_on_cpu_and_what_serves_models_is_left_to_ray() -> None:
    scaled = {
        o["spec"]["scaleTargetRef"]["name"] for o in rendered("institute") if o["kind"] == "HorizontalPodAutoscaler"
    }
    services = ("agent", "assimilation", "benchmark", "gateway", "ocean", "pointcloud", "splat")
    assert scaled == {f"tellurion-{service}" for service in services}
