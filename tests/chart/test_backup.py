"""What the backup's scripts keep is brought back by them, on a real PostgreSQL server."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import Iterator, Sequence
from datetime import timedelta
from itertools import count
from pathlib import Path
from threading import Event, Thread

import pytest
from sqlalchemy import text

from tellurion_core.artifacts import ArtifactStore
from tellurion_core.jobs.database import open_engine, reading, writing
from tellurion_core.jobs.store import JobStore

from .rendering import CHART, rendered

MOST_BYTES = 1 << 20
"""Of a file, for a script that finds less room than it needs."""


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

    def start(self, script: str, *, under: Sequence[str] = (), **more: str) -> subprocess.Popen[str]:
        """Starts a script, by another command where one is given, in a process group of its own."""
        return subprocess.Popen(
            [*under, "sh", str(CHART / "files" / script)],
            env=self._environment | more,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            start_new_session=True,
            restore_signals=False,  # SIGXFSZ stays ignored: a file that grows too large is an error, as of a full disk
        )

    def run(self, script: str, *, under: Sequence[str] = (), **more: str) -> subprocess.CompletedProcess[str]:
        """Runs a script to its end."""
        with self.start(script, under=under, **more) as process:
            out, error = process.communicate(timeout=60)
        return subprocess.CompletedProcess(process.args, process.returncode, out, error)

    def left_over(self, folder: Path) -> list[Path]:
        """What has the name of something half written."""
        return [
            path
            for name in (".part-*", ".restoring", ".put-*", ".unfinished*", "*.part")
            for path in folder.rglob(name)
        ]

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
            folder.chmod(0o711)
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


def churn(state: Path, folder: Path, stop: Event) -> None:
    """What the platform does to its files meanwhile: artifacts come and expire, folders of jobs come and go."""
    store = ArtifactStore(state / "artifacts")
    for number in count():
        kept = [
            store.put("navy", [f"{number} {each}".encode()], media_type="text/plain", name="x", keep=timedelta(hours=1))
            for each in range(10)
        ]
        for name in ("a/b", "c/d", "e/f"):
            (folder / str(number) / name).mkdir(parents=True)
            (folder / str(number) / name / "grid").write_text("a grid")
        for artifact in kept:
            store.delete("navy", artifact.id)
        shutil.rmtree(folder / str(number))
        if stop.wait(0.01):
            return


def test_files_that_go_while_it_copies_are_passed_over(kept: Kept) -> None:
    store = ArtifactStore(kept.state / "artifacts")
    stays = [
        store.put("navy", [b"stays %d" % each], media_type="text/plain", name="x", keep=None).id for each in range(100)
    ]
    (kept.state / "models/north.json").write_text("{}")
    stop = Event()
    other = Thread(target=churn, args=(kept.state, kept.state / "jobs", stop))
    other.start()
    try:
        ran = [kept.run("backup.sh") for _ in range(2)]
    finally:
        stop.set()
        other.join()
    assert [(each.returncode, each.stderr) for each in ran] == [(0, "")] * len(ran)
    found = ArtifactStore(kept.backup / "files/artifacts")
    assert {found.get("navy", each).size for each in stays} <= {7, 8, 9}
    assert (kept.backup / "files/models/north.json").read_text() == "{}"
    assert kept.left_over(kept.backup) == []


def test_files_that_are_gone_once_they_are_reached_are_passed_over(kept: Kept) -> None:
    folder, place = kept.state / "artifacts/navy/ab", kept.backup / "files/artifacts/navy/ab"
    names = {str(number) for number in range(60)}
    for name in names:
        (folder / name).write_bytes(bytes(MOST_BYTES))
    (kept.state / "models/north").write_text("weights")
    process = kept.start("backup.sh")
    while not (place.exists() and any(place.iterdir())):
        assert process.poll() is None
        time.sleep(0.001)
    os.killpg(process.pid, signal.SIGSTOP)  # amid its copying
    gone = names - {path.name for path in place.iterdir()}
    for name in gone:
        (folder / name).unlink()
    os.killpg(process.pid, signal.SIGCONT)
    with process:
        _, error = process.communicate(timeout=60)
    assert (process.returncode, error) == (0, "")
    assert gone
    assert {path.name for path in place.iterdir()} >= names - gone
    assert {path.stat().st_size for path in place.iterdir()} == {MOST_BYTES}
    assert (kept.backup / "files/models/north").read_text() == "weights"


def test_what_is_half_written_is_not_kept(kept: Kept) -> None:
    for name in ("artifacts/navy/.put-x1", "models/ocean/.unfinished", "jobs/j/.unfinished-x/a", "jobs/j/scene.part/b"):
        (kept.state / name).parent.mkdir(parents=True, exist_ok=True)
        (kept.state / name).touch()
    assert kept.run("backup.sh").returncode == 0
    assert kept.left_over(kept.backup) == []
    assert (kept.backup / "files/jobs/j").is_dir()


def test_a_file_that_changed_is_kept_anew_and_another_is_not_copied(kept: Kept) -> None:
    grows, same = kept.state / "models/a b\nc", kept.state / "models/same"
    grows.write_text("one")
    same.write_text("same")
    kept.run("backup.sh")
    before = (kept.backup / "files/models/same").stat().st_ino
    grows.write_text("one and two")
    assert kept.run("backup.sh").returncode == 0
    assert (kept.backup / "files/models" / grows.name).read_text() == "one and two"
    assert (kept.backup / "files/models/same").stat().st_ino == before


@pytest.mark.parametrize(
    ("script", "source", "target"), [("backup.sh", "state", "backup/files"), ("restore.sh", "backup/files", "state")]
)
def test_a_file_that_finds_no_room_is_told_and_is_whole_the_next_time(
    kept: Kept, script: str, source: str, target: str
) -> None:
    kept.run("backup.sh")
    root = kept.state.parent
    large, small = root / source / "artifacts/navy/large", root / source / "models/small"
    large.write_bytes(bytes(2 * MOST_BYTES))
    small.write_text("small")
    ran = kept.run(script, under=["prlimit", f"--fsize={MOST_BYTES}"])
    assert ran.returncode == 1
    assert "File too large" in ran.stderr
    assert not (root / target / "artifacts/navy/large").exists()
    assert kept.left_over(root / target) == []
    assert kept.run(script).returncode == 0
    assert (root / target / "artifacts/navy/large").stat().st_size == 2 * MOST_BYTES
    assert (root / target / "models/small").read_text() == "small"


def test_a_file_that_may_not_be_read_is_told_and_the_others_are_kept(kept: Kept) -> None:
    closed, folder = kept.state / "artifacts/navy/closed", kept.state / "jobs/closed"
    closed.touch(mode=0)
    (folder / "in").mkdir(parents=True)
    folder.chmod(0)
    (kept.state / "models/north").write_text("weights")
    old = kept.backup / "dumps/2026-01-01T00-00-00Z.dump"
    old.parent.mkdir()
    old.touch()
    os.utime(old, (0, 0))
    rights = "-dac_override,-dac_read_search"
    less = ["setpriv", f"--inh-caps={rights}", f"--bounding-set={rights}"] if os.geteuid() == 0 else []
    ran = kept.run("backup.sh", under=less)
    folder.chmod(0o700)
    assert (ran.returncode, ran.stderr.count("Permission denied")) == (1, 2), ran.stderr
    assert (kept.backup / "files/models/north").read_text() == "weights"
    assert not (kept.backup / "files/artifacts/navy/closed").exists()
    assert len(list(old.parent.glob("*.dump"))) == 2  # an old one does not go before all is well


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
