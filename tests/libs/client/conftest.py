"""A real `tellurion` command, real services, and small files of observations."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Coroutine, Iterator, Sequence
from contextlib import ExitStack, closing
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import xarray as xr
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID
from google.protobuf import any_pb2
from sqlalchemy import Engine
from structlog.testing import capture_logs

from tellurion.benchmark.v1 import benchmark_pb2, benchmark_pb2_grpc
from tellurion_client.cli.main import run as run_command
from tellurion_client.client import Client
from tellurion_client.platforms import Remote
from tellurion_core.artifact_service import service as artifact_service
from tellurion_core.artifacts import ArtifactStore
from tellurion_core.errors import Conflict
from tellurion_core.jobs.claims import Claim, Claims
from tellurion_core.jobs.database import open_engine
from tellurion_core.jobs.operations import operation_name
from tellurion_core.jobs.operations import services as operation_services
from tellurion_core.jobs.settings import JobSettings
from tellurion_core.jobs.store import JobStore
from tellurion_core.server import Server, Service
from tellurion_core.settings import ServerSettings

TELLURION = [sys.executable, "-m", "tellurion_client"]


@pytest.fixture(scope="session")
def runtime(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """Where all processes of these tests put their temporary files; nothing is left in it at the end."""
    folder = tmp_path_factory.mktemp("t")
    yield folder
    assert [path.name for path in folder.iterdir()] == []


@pytest.fixture(scope="session")
def settings(runtime: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """The environment of the processes: the caller's, without its settings of Tellurion."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("TELLURION_")}
    return kept | {"TMPDIR": str(runtime), "TELLURION_STATE": str(tmp_path_factory.mktemp("state"))}


@pytest.fixture(scope="session")
def tellurion(settings: dict[str, str]) -> Callable[..., subprocess.CompletedProcess[str]]:
    """Runs the command to its end."""

    def run(*arguments: object, **extra: str) -> subprocess.CompletedProcess[str]:
        command = [*TELLURION, *map(str, arguments)]
        return subprocess.run(
            command, env=settings | extra, capture_output=True, text=True, timeout=60, stdin=subprocess.DEVNULL
        )

    return run


@pytest.fixture(scope="session")
def started(settings: dict[str, str]) -> Iterator[Callable[..., subprocess.Popen[str]]]:
    """Starts the command, or another program, and stops what still runs at the end."""
    running: list[subprocess.Popen[str]] = []

    def start(*arguments: object, program: list[str] = TELLURION, **extra: str) -> subprocess.Popen[str]:
        command = [*program, *map(str, arguments)]
        process = subprocess.Popen(
            command, env=settings | extra, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
        )
        running.append(process)
        return process

    yield start
    for process in running:
        if process.poll() is None:
            process.send_signal(signal.SIGTERM)
        process.communicate(timeout=60)


@pytest.fixture(scope="session")
def platform(
    started: Callable[..., subprocess.Popen[str]], tmp_path_factory: pytest.TempPathFactory
) -> Iterator[dict[str, Any]]:
    """What the readiness line of a running platform says; it has the ocean service and no gateway."""
    process = started("up", "--services", "ocean", "--json", "--state", tmp_path_factory.mktemp("platform"))
    assert process.stdout is not None
    yield json.loads(process.stdout.readline())
    process.send_signal(signal.SIGTERM)
    assert process.wait(30) == 0


@pytest.fixture(scope="session")
def until() -> Callable[..., None]:
    """Waits until something is true, and fails where it is not in time."""

    def wait(what: Callable[[], object], seconds: float = 20.0) -> None:
        end = time.monotonic() + seconds
        while not what():
            assert time.monotonic() < end, "it never became true"
            time.sleep(0.02)

    return wait


@pytest.fixture(scope="session")
def processes(runtime: Path) -> Callable[[], list[int]]:
    """The service processes that these tests have running now, as the kernel tells it."""

    def found() -> list[int]:
        services = []
        for folder in Path("/proc").glob("[0-9]*"):
            try:
                command = (folder / "cmdline").read_bytes()
            except OSError:
                continue
            if b"tellurion_client.guard" in command and os.fsencode(runtime) in command:
                services.append(int(folder.name))
        return services

    return found


@pytest.fixture
def observed(tmp_path: Path) -> Callable[..., Path]:
    """Writes observations [n] of one or several months as the contract describes them."""

    def write(name: str = "obs.nc", *, months: tuple[int, ...] = (2,), n: int = 40, timed: bool = True) -> Path:
        random = np.random.default_rng(n)
        latitude = random.uniform(-50, 50, n)
        dataset = xr.Dataset(
            {
                "latitude": ("obs", latitude, {"units": "degrees_north"}),
                "longitude": ("obs", random.uniform(180, 220, n), {"units": "degrees_east"}),
                "depth": ("obs", random.uniform(0, 50, n), {"units": "m", "positive": "down"}),
                "temperature": ("obs", 28 - np.abs(latitude) / 2, {"units": "degree_C"}),
            }
        )
        if timed:
            days = [np.datetime64(f"2015-{months[i % len(months)]:02d}-15", "ns") for i in range(n)]
            dataset["time"] = ("obs", np.array(days))
        path = tmp_path / name
        dataset.to_netcdf(path)
        return path

    return write


@pytest.fixture
def certificate(tmp_path: Path) -> tuple[Path, Path]:
    """A self-signed certificate of localhost and its key."""
    key = ec.generate_private_key(ec.SECP256R1())
    name, now = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "localhost")]), datetime.now(UTC)
    signed = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(now - timedelta(hours=1))
        .not_valid_after(now + timedelta(hours=1))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName("localhost")]), critical=False)
        .sign(key, hashes.SHA256())
    )
    paths = tmp_path / "certificate.pem", tmp_path / "key.pem"
    paths[0].write_bytes(signed.public_bytes(serialization.Encoding.PEM))
    paths[1].write_bytes(
        key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    )
    return paths


@pytest.fixture
def engine(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Engine]:
    """A new database of jobs."""
    engine = open_engine(f"sqlite:///{tmp_path_factory.mktemp('jobs') / 'jobs.sqlite'}")
    yield engine
    engine.dispose()


class Served:
    """A server in a thread of this process, and a client of it."""

    def __init__(self, url: str, services: Callable[[], Sequence[Service]], settings: dict[str, Any]) -> None:
        self.url = url
        self.client = Client(Remote(url, url))
        self._services = services
        self._settings = ServerSettings(listen=url, stop_seconds=0, **settings)
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever)
        self._thread.start()
        self._server: Server | None = None
        self.start()

    def start(self) -> None:
        """Starts a new server, after `stop` at the same address."""
        self._server = self._run(self._started())

    def stop(self) -> None:
        """Stops the server."""
        if self._server is not None:
            self._run(self._server.stop())
            self._server = None

    def close(self) -> None:
        """Ends client, server and thread."""
        self.client.close()
        self.stop()
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(20)
        self._loop.close()

    async def _started(self) -> Server:
        server = Server(self._services(), self._settings)
        await server.start()
        return server

    def _run(self, what: Coroutine[Any, Any, Any]) -> Any:
        return asyncio.run_coroutine_threadsafe(what, self._loop).result(20)


@pytest.fixture
def serve() -> Iterator[Callable[..., Served]]:
    """Serves gRPC services, made by a function, in a thread of this process."""
    with ExitStack() as stack:
        stack.enter_context(capture_logs())  # a server of its own would not write into our stdout
        folder = stack.enter_context(tempfile.TemporaryDirectory(prefix="serve-"))

        def served(services: Callable[[], Sequence[Service]], **settings: Any) -> Served:
            return stack.enter_context(closing(Served(f"unix:{folder}/s", services, settings)))

        yield served


class Bench(benchmark_pb2_grpc.BenchmarkServiceServicer):
    """The benchmark service with real jobs and artifacts; what comes of an evaluation is said by the test."""

    KIND = "benchmark.evaluation"

    def __init__(self, engine: Engine, folder: Path, serve: Callable[..., Served]) -> None:
        self.asked: list[Any] = []
        """Every request that came."""
        self.differences: list[benchmark_pb2.Difference] = []
        self.boards: list[benchmark_pb2.Board] = []
        self.suites: list[benchmark_pb2.Suite] = []
        self.jobs = JobStore(engine)
        self.claims = Claims(engine, JobSettings(), "worker")
        self.folder = folder
        """Where artifacts are stored."""
        self.artifacts = ArtifactStore(folder, max_bytes=1 << 20)
        self.served = serve(self._services)
        self.client = self.served.client.benchmark

    def begin(self) -> Claim:
        """Has a worker begin the evaluation that waits."""
        claim = self.claims.claim([self.KIND])
        assert claim is not None
        return claim

    def files(self, coverage: float = 1.0) -> dict[str, bytes]:
        """The files that `finish` answers."""
        return {
            "report.json": json.dumps({"coverage": coverage}).encode(),
            "predictions.jsonl": b'{"id": "1", "prediction": "A"}\n',
            "items.jsonl": b'{"id": "1"}\n',
            "design.jsonl": b'{"id": "1", "kind": "mcq"}\n',
            "run.json": b"{}",
            "report.html": b"<html>",
        }

    def finish(
        self, claim: Claim | None = None, *, coverage: float = 1.0, names: Sequence[str] = (), **more: Any
    ) -> None:
        """Has the evaluation succeed with one figure; `names` are its files in place of all."""
        of = {"suite": "msearth", "variant": "official", "model": "m", "items": 100}
        report = benchmark_pb2.Report(coverage=coverage, **of, **more)
        report.metrics.add(name="mcq_accuracy", value=0.75, stderr=0.05, low=0.65, high=0.85, n=100, unscored=3)
        report.metrics.add(name="caption_bertscore", unavailable="no weights")
        report.groups.add(dimension="sphere", name="Hydrosphere").metrics.add(name="mcq_accuracy", value=1.0, n=5)
        result = benchmark_pb2.EvaluationResult(report=report)
        for name, content in self.files(coverage).items():
            if name in names or not names:
                stored = self.artifacts.put("local", [content], media_type="text/plain", name=name, keep=None)
                result.files[name] = stored.id
        for name in set(names) - set(result.files):
            result.files[name] = "0" * 64
        wrapped = any_pb2.Any()
        wrapped.Pack(result)
        self.claims.succeed(claim or self.begin(), wrapped.SerializeToString())

    async def ListSuites(self, request: Any, context: Any) -> Any:  # noqa: N802
        return benchmark_pb2.ListSuitesResponse(suites=self.suites)

    async def CreateEvaluation(self, request: Any, context: Any) -> Any:  # noqa: N802
        self.asked.append(request)
        wrapped = any_pb2.Any()
        wrapped.Pack(request)
        job = self.jobs.submit(
            tenant="local",
            subject="local",
            kind=self.KIND,
            request_id=request.request_id,
            body=wrapped.SerializeToString(),
            attempts=1,
        )
        return benchmark_pb2.CreateEvaluationResponse(operation=operation_name(job))

    async def GetReport(self, request: Any, context: Any) -> Any:  # noqa: N802
        job = self.jobs.get("local", request.operation.rpartition("/")[2])
        if not job.result:
            raise Conflict(f"the evaluation is {job.state.name}")
        result = benchmark_pb2.EvaluationResult()
        any_pb2.Any.FromString(job.result).Unpack(result)
        return benchmark_pb2.GetReportResponse(result=result)

    async def CompareReports(self, request: Any, context: Any) -> Any:  # noqa: N802
        self.asked.append(request)
        return benchmark_pb2.CompareReportsResponse(differences=self.differences)

    async def GetLeaderboard(self, request: Any, context: Any) -> Any:  # noqa: N802
        self.asked.append(request)
        return benchmark_pb2.GetLeaderboardResponse(boards=self.boards)

    def _services(self) -> list[Service]:
        register = benchmark_pb2_grpc.add_BenchmarkServiceServicer_to_server
        return [
            Service("tellurion.benchmark.v1.BenchmarkService", register, self),
            *operation_services("benchmark", self.jobs, [self.KIND]),
            artifact_service(self.artifacts, keep=timedelta(days=30)),
        ]


@pytest.fixture
def bench(engine: Engine, tmp_path_factory: pytest.TempPathFactory, serve: Callable[..., Served]) -> Bench:
    """A benchmark service in a thread, and a client of it."""
    return Bench(engine, tmp_path_factory.mktemp("bench"), serve)


@pytest.fixture
def soon() -> Iterator[Callable[..., None]]:
    """Does something in a moment, in another thread."""
    timers: list[threading.Timer] = []

    def later(what: Callable[..., Any], *arguments: Any, after: float = 0.2, **options: Any) -> None:
        timers.append(threading.Timer(after, what, arguments, options))
        timers[-1].start()

    yield later
    for timer in timers:
        timer.join(20)


@pytest.fixture
def data(tmp_path: Path) -> Path:
    """A folder of questions with three images, and files that are none."""
    folder = tmp_path / "data"
    for name in ("river.png", "images/lake.JPG", "images/deep/sea.webp"):
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(name.encode())
    (folder / "questions.jsonl").write_text('{"question_id": "1"}\n')
    (folder / "notes.txt").write_text("none of the service's business")
    return folder


@pytest.fixture
def refused(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path) -> Callable[..., str]:
    """Runs a command that must be refused, and gives its one line."""
    monkeypatch.setenv("TELLURION_STATE", str(tmp_path / "state"))
    monkeypatch.delenv("TELLURION_URL", raising=False)
    monkeypatch.chdir(tmp_path)

    def no_process(*_: object, **__: object) -> None:
        raise AssertionError("a process was started")

    def command(*arguments: object) -> str:
        monkeypatch.setattr(subprocess, "Popen", no_process)
        before = sorted(tmp_path.rglob("*"))
        assert run_command([str(argument) for argument in arguments]) == 2
        captured = capsys.readouterr()
        (line,) = captured.err.splitlines()
        assert captured.out == ""
        assert sorted(tmp_path.rglob("*")) == before
        return line.removeprefix("tellurion: ")

    return command
