"""A database of jobs is made by whoever comes first, and is the one that the tables describe."""

from __future__ import annotations

import os
import sqlite3
import subprocess
import sys
from pathlib import Path

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy import Engine, text
from sqlalchemy.exc import DBAPIError

from tellurion_core.errors import InvalidInput, Unavailable
from tellurion_core.jobs.database import open_engine, reading, writing
from tellurion_core.jobs.settings import JobSettings
from tellurion_core.jobs.store import JobStore
from tellurion_core.jobs.table import METADATA
from tellurion_core.settings import StateSettings, load


def test_the_migrations_make_the_tables_that_are_described(engine: Engine) -> None:
    with reading(engine) as connection:
        context = MigrationContext.configure(connection, opts={"version_table": "jobs_version"})
        assert compare_metadata(context, METADATA) == []


def test_several_processes_may_open_a_new_database_at_once(tmp_path: Path) -> None:
    program = f"""
from tellurion_core.jobs.database import open_engine
from tellurion_core.jobs.store import JobStore
store = JobStore(open_engine("sqlite:///{tmp_path}/deep/er/jobs.sqlite"))
print(store.submit(tenant="navy", subject="s", kind="probe.count", request_id="r", body=b"").id)
"""
    started = [
        subprocess.Popen([sys.executable, "-P", "-c", program], stdout=subprocess.PIPE, text=True) for _ in range(4)
    ]
    said = [process.communicate(timeout=60)[0] for process in started]
    assert [process.returncode for process in started] == [0] * 4
    assert len(set(said)) == 1


def test_what_was_committed_survives_a_power_failure(tmp_path: Path) -> None:
    engine = open_engine(f"sqlite:///{tmp_path}/jobs.sqlite")
    with reading(engine) as connection:
        pragmas = [connection.scalar(text(f"PRAGMA {name}")) for name in ("journal_mode", "synchronous")]
    assert pragmas == ["wal", 2]  # 2: FULL
    engine.dispose()


def test_a_process_that_ends_leaves_all_in_one_file(tmp_path: Path) -> None:
    program = f"""
import gc
from tellurion_core.jobs.database import open_engine
from tellurion_core.jobs.store import JobStore
kept = [JobStore(open_engine("sqlite:///{tmp_path}/jobs.sqlite"))]
kept.append(kept)
gc.freeze()  # as services do when they end
"""
    subprocess.run([sys.executable, "-P", "-c", program], check=True)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["jobs.sqlite", "jobs.sqlite.lock"]


def test_tables_of_a_newer_version_are_left_alone(database: str) -> None:
    engine = open_engine(database)
    try:
        with writing(engine) as connection:
            connection.execute(text("UPDATE jobs_version SET version_num = '9999'"))
        with pytest.raises(InvalidInput, match="TELLURION_JOBS_DATABASE"):
            open_engine(database)
    finally:
        with writing(engine) as connection:
            connection.execute(text("UPDATE jobs_version SET version_num = '0003'"))
        engine.dispose()


@pytest.mark.parametrize("times", [1, 2])
def test_a_command_brings_the_tables_up_to_date(tmp_path: Path, times: int) -> None:
    url = f"sqlite:///{tmp_path / 'jobs.sqlite'}"
    for _ in range(times):
        assert migrate(url) == (0, "the database is up to date\n", "")
    assert sqlite3.connect(tmp_path / "jobs.sqlite").execute("SELECT count(*) FROM jobs").fetchone() == (0,)


def test_the_command_says_what_is_wrong_with_the_tables_and_with_the_way_to_them(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path / 'jobs.sqlite'}"
    migrate(url)
    with sqlite3.connect(tmp_path / "jobs.sqlite") as connection:
        connection.execute("UPDATE jobs_version SET version_num = '9999'")
    code, _, told = migrate(url)
    assert (code, "TELLURION_JOBS_DATABASE" in told) == (2, True)
    code, _, told = migrate(f"postgresql://tellurion:hush@/jobs?host={tmp_path}")
    assert (code, "cannot be reached" in told, "No such file" in told, "hush" in told) == (1, True, True, False)


def migrate(url: str) -> tuple[int, str, str]:
    environment = os.environ | {"TELLURION_JOBS_DATABASE": url}
    command = [sys.executable, "-P", "-m", "tellurion_core.jobs.migrate"]
    ran = subprocess.run(command, env=environment, capture_output=True, text=True)
    return ran.returncode, ran.stdout, ran.stderr


@pytest.mark.parametrize(
    "url", ["mysql://host/jobs", "sqlite://", "sqlite:///:memory:", "nonsense", "sqlite:////proc/x/y"]
)
def test_what_is_no_database_is_refused(url: str) -> None:
    with pytest.raises(InvalidInput, match="TELLURION_JOBS_DATABASE"):
        open_engine(url)


def test_a_database_that_does_not_answer_is_unavailable(tmp_path: Path) -> None:
    with pytest.raises(Unavailable):
        open_engine(f"postgresql://tellurion@/jobs?host={tmp_path}")


def test_an_error_in_a_block_undoes_it(engine: Engine) -> None:
    store = JobStore(engine)
    job = store.submit(tenant="navy", subject="s", kind="probe.count", request_id="r", body=b"")

    def spoil() -> None:
        with writing(engine) as connection:
            connection.execute(text("DELETE FROM jobs"))
            raise RuntimeError

    with pytest.raises(RuntimeError):
        spoil()
    assert store.get("navy", job.id).id == job.id


def test_an_error_of_the_database_does_not_repeat_what_a_tenant_said(engine: Engine) -> None:
    values = {"id": "x" * 40, "tenant": "my secret"}
    with pytest.raises(DBAPIError) as caught, writing(engine) as connection:
        connection.execute(text("INSERT INTO jobs (id, tenant) VALUES (:id, :tenant)"), values)
    assert "secret" not in str(caught.value)


def test_the_database_is_a_file_in_the_state_folder_where_none_is_set(tmp_path: Path) -> None:
    state = StateSettings(state=tmp_path)
    assert JobSettings().database_url(state) == f"sqlite:///{tmp_path}/jobs.sqlite"
    assert JobSettings(database="postgresql://h/jobs").database_url(state) == "postgresql://h/jobs"


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("DATABASE", "mysql://u:secret@h/d"),
        ("DATABASE", "mysql://u:very/secret@h/d"),
        ("BROKER", "amqp://u:p@secret@h"),
        ("LEASE_SECONDS", "0"),
    ],
)
def test_a_setting_that_cannot_be_used_is_named_without_its_password(
    monkeypatch: pytest.MonkeyPatch, name: str, value: str
) -> None:
    monkeypatch.setenv(f"TELLURION_JOBS_{name}", value)
    with pytest.raises(InvalidInput, match=f"^TELLURION_JOBS_{name}: ") as caught:
        load(JobSettings)
    assert "secret" not in caught.value.message
