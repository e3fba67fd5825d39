"""Databases of jobs, SQLite in a file and a private PostgreSQL server, and real workers on them."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import psutil
import psycopg
import pytest
from google.protobuf.any_pb2 import Any as Packed
from google.protobuf.wrappers_pb2 import StringValue
from google.rpc import status_pb2
from sqlalchemy import Engine, text

from tellurion_core.errors import TellurionError
from tellurion_core.jobs.bell import Bell
from tellurion_core.jobs.database import open_engine, writing
from tellurion_core.jobs.store import JobStore
from tellurion_core.jobs.table import Job, State
from tellurion_core.status import from_status

FUNCTIONS = ("echo", "fail", "flaky", "unavailable", "crash", "die", "hold", "stubborn", "greedy", "large", "parent")
"""Kinds of job of the service `probe`; see probe_jobs.py."""
GUARDED = [sys.executable, "-P", "-m", "tellurion_core.jobs.guard"]
"""Before a command: it ends when its standard input does."""


class Postgres:
    """A private PostgreSQL server on a Unix socket, under guard: it does not outlive these tests.

    It refuses to run as root, so it runs as `postgres` then.
    """

    def __init__(self, binaries: Path, folder: Path) -> None:
        self._folder = folder
        self._postgres = str(binaries / "postgres")
        self._as: list[str] = []
        if os.geteuid() == 0:
            setpriv = shutil.which("setpriv")
            assert setpriv
            self._as = [setpriv, "--reuid=postgres", "--regid=postgres", "--clear-groups"]
            shutil.chown(folder, "postgres", "postgres")
        options = ["--auth=trust", "--username=tellurion", "--no-sync", "-D", str(folder / "data")]
        command = [*self._as, str(binaries / "initdb"), *options]
        subprocess.run(command, check=True, stdout=subprocess.DEVNULL, cwd=folder)
        self.url = f"postgresql://tellurion@/postgres?host={folder}"
        self.start()

    def start(self) -> None:
        """Starts the server, and returns when it answers."""
        options = {"listen_addresses": "", "unix_socket_directories": self._folder, "fsync": "off"}
        settings = [part for name, value in options.items() for part in ("-c", f"{name}={value}")]
        with (self._folder / "log").open("ab") as log:
            self._process = subprocess.Popen(
                [*GUARDED, *self._as, self._postgres, "-D", str(self._folder / "data"), *settings],
                stdin=subprocess.PIPE,
                stdout=log,
                stderr=log,
                cwd=self._folder,
            )
        until = time.monotonic() + 30
        while not self._answers():
            assert time.monotonic() < until, (self._folder / "log").read_text()
            time.sleep(0.05)

    def stop(self) -> None:
        """Stops the server at once, as a crash would; it will not have much to recover."""
        with psycopg.connect(self.url, autocommit=True) as connection:
            connection.execute("CHECKPOINT")
        assert self._process.stdin is not None
        self._process.stdin.close()
        self._process.wait(20)

    def _answers(self) -> bool:
        try:
            psycopg.connect(self.url).close()
        except psycopg.OperationalError:
            return False
        return True


@pytest.fixture(scope="session")
def postgres() -> Iterator[Postgres]:
    """One server for all tests; Debian's package `postgresql` has its binaries."""
    found = sorted(Path("/usr/lib/postgresql").glob("*/bin"))
    if not found:
        assert not os.environ.get("CI"), "PostgreSQL is not installed"
        pytest.skip("PostgreSQL is not installed")
    with tempfile.TemporaryDirectory(prefix="pg-") as folder:
        server = Postgres(found[-1], Path(folder))
        yield server
        server.stop()


@pytest.fixture(params=["sqlite", "postgresql"])
def database(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    """URL of a database without jobs."""
    if request.param == "sqlite":
        yield f"sqlite:///{tmp_path / 'jobs.sqlite'}"
        return
    url = request.getfixturevalue("postgres").url
    yield url
    engine = open_engine(url)
    with writing(engine) as connection:
        connection.execute(text("TRUNCATE jobs, job_turns"))
    engine.dispose()


@pytest.fixture
def engine(database: str) -> Iterator[Engine]:
    """A database without jobs, open."""
    engine = open_engine(database)
    yield engine
    engine.dispose()


class Worker:
    """A worker process, with whatever it has started."""

    def __init__(self, environment: dict[str, str], log: Path) -> None:
        self.log = log
        with log.open("ab") as stderr:
            self.process = subprocess.Popen(
                [sys.executable, "-P", "-m", "tellurion_core.jobs.main"],
                env=environment,
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=stderr,
            )
        assert self.process.stdout is not None
        line = self.process.stdout.readline()
        assert line, log.read_text()
        ready = json.loads(line)
        assert ready["ready"] == "jobs"
        self.address = ready["address"]

    def started(self, module: str) -> list[psutil.Process]:
        """Processes that the worker has started to run a module, and what those have started, the oldest first."""
        found = psutil.Process(self.process.pid).children(recursive=True)
        return [process for process in found if module in " ".join(_command(process))]

    def redis(self) -> psutil.Process:
        """The Redis server."""
        (server,) = [p for p in psutil.Process(self.process.pid).children(recursive=True) if p.name() == "redis-server"]
        return server

    def stop(self) -> int:
        """SIGTERM; the exit code."""
        self.process.terminate()
        return self.process.wait(20)

    def kill(self) -> None:
        """SIGKILL."""
        self.process.kill()
        self.process.wait(20)


def _command(process: psutil.Process) -> list[str]:
    try:
        return process.cmdline()
    except psutil.NoSuchProcess:
        return []


class Platform:
    """A state folder, a database, and workers on them whose service is `probe`."""

    def __init__(self, stack: ExitStack, folder: Path, sockets: Path, database: str) -> None:
        self._stack = stack
        self.state = folder / "state"
        self.log = folder / "worker.log"
        self.address = self.metrics = ""
        self.broker = f"redis+socket://{sockets}/redis.sock"
        distribution = folder / "installed" / "probe_jobs-1.dist-info"
        distribution.mkdir(parents=True)
        functions = "\n".join(f"probe.{name} = probe_jobs:{name}" for name in FUNCTIONS)
        (distribution / "entry_points.txt").write_text(f"[tellurion.jobs]\n{functions}\n")
        (distribution / "METADATA").write_text("Metadata-Version: 2.1\nName: probe-jobs\nVersion: 1\n")
        kept = {name: value for name, value in os.environ.items() if not name.startswith("TELLURION_")}
        self.environment = kept | {
            "PYTHONPATH": f"{distribution.parent}:{Path(__file__).parent}",
            "TELLURION_STATE": str(self.state),
            "TELLURION_JOBS_DATABASE": database,
            "TELLURION_JOBS_LEASE_SECONDS": "2",
            "TELLURION_JOBS_SWEEP_SECONDS": "0.25",
            "TELLURION_JOBS_RETRY_SECONDS": "0",
            "TELLURION_JOBS_TIDY_SECONDS": "0.2",
            "TELLURION_JOBS_ARTIFACTS_SECONDS": "0.2",
            "TELLURION_JOBS_CONCURRENCY": "4",
        }
        self.engine = open_engine(database)
        stack.callback(self.engine.dispose)
        self.store = JobStore(self.engine)

    def with_bell(self) -> None:
        """Workers that start from now on have a broker; who submits rings it."""
        self.environment["TELLURION_JOBS_BROKER"] = self.broker
        self.store = JobStore(self.engine, Bell(self.broker))

    def worker(self, **settings: str) -> Worker:
        """Starts a worker."""
        extra = {f"TELLURION_{name.upper()}": value for name, value in settings.items()}
        worker = Worker(self.environment | extra, self.log)
        self._stack.callback(_ended, worker)
        return worker

    def lines(self, event: str) -> list[dict[str, Any]]:
        """Lines of the workers' log that tell of an event."""
        lines = [json.loads(line) for line in self.log.read_text().splitlines() if line.startswith("{")]
        return [line for line in lines if line["event"] == event]

    def submit(self, kind: str, words: str = "", *, attempts: int = 3, request_id: str | None = None) -> Job:
        """Submits a job of the service."""
        body = Packed()
        body.Pack(StringValue(value=words))
        return self.store.submit(
            tenant="navy",
            subject="ferdinand",
            kind=f"probe.{kind}",
            request_id=request_id or f"{kind} {time.monotonic_ns()}",
            body=body.SerializeToString(),
            attempts=attempts,
        )

    def until(self, job: Job, holds: Callable[[Job], object], seconds: float = 20) -> Job:
        """The job as it stands once something holds of it."""
        until = time.monotonic() + seconds
        while not holds(latest := self.store.get("navy", job.id)):
            assert time.monotonic() < until, f"{latest}\n{self.log.read_text()}"
            time.sleep(0.02)
        return latest

    def ended(self, job: Job, seconds: float = 20) -> Job:
        """The job once it has ended."""
        return self.until(job, lambda latest: latest.state.ended, seconds)

    def answer(self, job: Job) -> str:
        """What a job answers, once it has."""
        ended = self.ended(job)
        assert ended.state is State.SUCCEEDED, self.error(job)
        answer = StringValue()
        assert Packed.FromString(ended.result).Unpack(answer)
        return answer.value

    def error(self, job: Job) -> TellurionError:
        """Why a job comes to nothing, once it has."""
        return from_status(status_pb2.Status.FromString(self.ended(job).error))

    def begun(self, job: Job, seconds: float = 20) -> Job:
        """The job once its function has said that it holds."""
        return self.until(job, lambda latest: latest.message.startswith("holding"), seconds)


def _ended(worker: Worker) -> None:
    if worker.process.poll() is None:
        worker.process.send_signal(signal.SIGCONT)
        worker.kill()
    assert worker.process.stdout is not None
    worker.process.stdout.close()


@pytest.fixture
def platform(tmp_path: Path, socket_folder: Path) -> Iterator[Platform]:
    """A platform on SQLite."""
    with ExitStack() as stack:
        yield Platform(stack, tmp_path, socket_folder, f"sqlite:///{tmp_path / 'jobs.sqlite'}")


@pytest.fixture(scope="module")
def working(tmp_path_factory: pytest.TempPathFactory, unused_tcp_port_factory: Callable[[], int]) -> Iterator[Platform]:
    """A platform on SQLite with a worker, for all tests of a module: none of them may harm it."""
    folder = tmp_path_factory.mktemp("working")
    with ExitStack() as stack:
        platform = Platform(stack, folder, folder, f"sqlite:///{folder / 'jobs.sqlite'}")
        platform.metrics = f"127.0.0.1:{unused_tcp_port_factory()}"
        platform.address = platform.worker(metrics_address=platform.metrics, jobs_memory_mib="300").address
        yield platform


@pytest.fixture
def any_platform(tmp_path: Path, socket_folder: Path, database: str) -> Iterator[Platform]:
    """A platform on either database."""
    with ExitStack() as stack:
        yield Platform(stack, tmp_path, socket_folder, database)
