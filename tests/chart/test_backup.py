"""What the backup's scripts keep is brought back by them, on a real PostgreSQL server."""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import text

from tellurion_core.jobs.database import open_engine, reading, writing
from tellurion_core.jobs.store import JobStore

from .rendering import CHART, rendered


class Kept:
    """A database with a platform's files beside it, and where both are kept."""

    def __init__(self, socket: Path, binaries: Path, folder: Path) -> None:
        self.state, self.backup = folder / "state", folder / "backup"
        self.url = f"postgresql://tellurion@/postgres?host={socket}"
        libpq = {"PGHOST": str(socket), "PGUSER": "tellurion", "PGDATABASE": "postgres"}
        path = f"{binaries}{os.pathsep}{os.environ['PATH']}"
        places = {"STATE": str(self.state), "BACKUP": str(self.backup), "KEEP_DAYS": "30"}
        self._environment = {"PATH": path, **libpq, **places}
        for name in ("artifacts/navy/ab", "models", "uploads"):
            (self.state / name).mkdir(parents=True)
        self.backup.mkdir()

    def run(self, script: str, **more: str) -> subprocess.CompletedProcess[str]:
        command = ["sh", str(CHART / "files" / script)]
        return subprocess.run(command, env=self._environment | more, capture_output=True, text=True, timeout=60)

    def jobs(self) -> list[str]:
        engine = open_engine(self.url)
        with reading(engine) as connection:
            found = [row[0] for row in connection.execute(text("SELECT request_id FROM jobs ORDER BY number"))]
        engine.dispose()
        return found

    def submit(self, request: str) -> None:
        engine = open_engine(self.url)
        JobStore(engine).submit(tenant="navy", subject="ann", kind="ocean.x", request_id=request, body=b"")
        engine.dispose()


@pytest.fixture(scope="module")
def server() -> Iterator[tuple[Path, Path]]:
    """The socket's folder and the binaries of a private server; it refuses to be root's."""
    found = sorted(Path("/usr/lib/postgresql").glob("*/bin"))
    if not found:
        assert not os.environ.get("CI"), "PostgreSQL is not installed"
        pytest.skip("PostgreSQL is not installed")
    with tempfile.TemporaryDirectory(prefix="pg-") as name:
        folder, user = Path(name), list[str]()
        if os.geteuid() == 0:
            user = ["setpriv", "--reuid=postgres", "--regid=postgres", "--clear-groups"]
            shutil.chown(folder, "postgres", "postgres")
        data = folder / "data"
        made = [*user, found[-1] / "initdb", "--auth=trust", "--username=tellurion", "--no-sync", "-D", data]
        subprocess.run(made, check=True, stdout=subprocess.DEVNULL, cwd=folder)
        control = [*user, found[-1] / "pg_ctl", "-D", data, "-w", "-l", folder / "log"]
        options = ["-o", f"-k {folder} -c listen_addresses= -c fsync=off"]
        subprocess.run([*control, *options, "start"], check=True, stdout=subprocess.DEVNULL, cwd=folder)
        try:
            yield folder, found[-1]
        finally:
            subprocess.run([*control, "-m", "immediate", "stop"], check=True, stdout=subprocess.DEVNULL, cwd=folder)


@pytest.fixture
def kept(server: tuple[Path, Path], tmp_path: Path) -> Kept:
    here = Kept(*server, tmp_path)
    engine = open_engine(here.url)
    with writing(engine) as connection:
        connection.execute(text("DELETE FROM jobs"))
    engine.dispose()
    return here


def test_rows_and_files_come_back_as_they_were(kept: Kept) -> None:
    artifact = kept.state / "artifacts/navy/ab/abcd"
    artifact.write_text("an analysis")
    (kept.state / "uploads/part").write_text("half of something")
    kept.submit("first")
    assert kept.run("backup.sh").returncode == 0
    artifact.unlink()
    kept.submit("second")
    ran = kept.run("restore.sh")
    assert ran.returncode == 0, ran.stderr
    assert kept.jobs() == ["first"]
    assert artifact.read_text() == "an analysis"
    assert not (kept.backup / "files/uploads").exists()  # what is half sent is sent again


def test_a_chosen_dump_is_brought_back(kept: Kept) -> None:
    kept.submit("first")
    kept.run("backup.sh")
    (old,) = (kept.backup / "dumps").glob("*.dump")
    old = old.rename(old.with_name("2026-01-01T00-00-00Z.dump"))
    kept.submit("second")
    kept.run("backup.sh")
    assert kept.run("restore.sh", DUMP=str(old)).returncode == 0
    assert kept.jobs() == ["first"]
    assert kept.run("restore.sh").returncode == 0
    assert kept.jobs() == ["first", "second"]


def test_old_dumps_go_and_files_stay(kept: Kept) -> None:
    kept.run("backup.sh")
    (dump,) = (kept.backup / "dumps").glob("*.dump")
    ago = time.time() - 32 * 86400
    os.utime(dump, (ago, ago))
    dump.rename(dump.with_name("2026-01-01T00-00-00Z.dump"))
    (kept.state / "models/north").write_text("weights")
    kept.run("backup.sh")
    assert len(list((kept.backup / "dumps").glob("*.dump"))) == 1
    (kept.state / "models/north").unlink()
    kept.run("backup.sh")
    assert (kept.backup / "files/models/north").read_text() == "weights"


def test_a_database_that_is_away_fails_the_backup_and_leaves_no_dump(kept: Kept) -> None:
    ran = kept.run("backup.sh", PGHOST="/nowhere")
    assert ran.returncode != 0
    assert list((kept.backup / "dumps").glob("*.dump")) == []


def test_restoring_from_nothing_is_refused(kept: Kept) -> None:
    ran = kept.run("restore.sh")
    assert (ran.returncode, "there is no dump" in ran.stderr) == (1, True)


def test_the_pod_has_what_the_scripts_ask_for() -> None:
    (job,) = (object for object in rendered("institute") if object["kind"] == "CronJob")
    (container,) = job["spec"]["jobTemplate"]["spec"]["template"]["spec"]["containers"]
    given = {variable["name"] for variable in container["env"]}
    assert {
        "STATE",
        "BACKUP",
        "KEEP_DAYS",
        "PGHOST",
        "PGPORT",
        "PGUSER",
        "PGDATABASE",
        "PGPASSWORD",
        "PGSSLMODE",
    } <= given
    # The guide's command for restoring changes these two.
    pod = job["spec"]["jobTemplate"]["spec"]["template"]["spec"]
    assert (pod["volumes"][1]["name"], container["volumeMounts"][1]["name"]) == ("state", "state")
    (scripts,) = (
        o["data"]
        for o in rendered("institute")
        if o["kind"] == "ConfigMap" and o["metadata"]["name"] == "tellurion-backup"
    )
    for name, script in scripts.items():
        assert script == (CHART / "files" / name).read_text()
