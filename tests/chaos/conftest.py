"""A platform whose parts are killed while it evaluates a model that a scripted server plays."""

from __future__ import annotations

import importlib.util
import json
import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, closing, contextmanager
from pathlib import Path
from types import ModuleType

import psutil
import pytest

import tellurion_client
from tellurion_client import Client
from tellurion_client.benchmark import Evaluation
from tellurion_client.benchmark_request import Endpoint
from tellurion_client.state import State

BENCHMARK_TESTS = Path(__file__).parents[1] / "services" / "benchmark"
SAME = ("report.json", "items.jsonl")
"""Files that are the same whatever happens."""
SCRIPT = [
    {"match": "checking the correctness", "steps": ["slow:0.02"], "reply": "$digit #$hash"},
    {"steps": ["slow:0.1"], "reply": "$letter #$hash"},
]
"""A judge that marks, and a model that takes its time, both as the question determines; each answer names it."""


def module(path: Path) -> ModuleType:
    """A module of the benchmark's own tests."""
    found = importlib.util.spec_from_file_location(path.stem, path)
    assert found is not None
    assert found.loader is not None
    loaded = importlib.util.module_from_spec(found)
    sys.modules[path.stem] = loaded
    found.loader.exec_module(loaded)
    return loaded


class Chaos:
    """A running platform, the scripted server, and what is done with both."""

    lease, sweep = 2.0, 0.5
    """Seconds, as the platform has them."""
    items, at_once = 48, 4
    """Questions of the data set, and how many of them are with a model or a judge at once."""

    def __init__(self, folder: Path, state: Path, data: Path, client: Client) -> None:
        (folder / "script.json").write_text(json.dumps(SCRIPT))
        self.server = folder
        self.state = state
        self.data = data
        self.client = client
        self._second: subprocess.Popen[bytes] | None = None
        self._script = subprocess.Popen(
            [sys.executable, BENCHMARK_TESTS.parents[1] / "scripted.py", folder], stdout=subprocess.PIPE, text=True
        )
        assert self._script.stdout is not None
        self.url = self._script.stdout.readline().strip()

    def evaluate(self) -> Evaluation:
        """Submits the evaluation."""
        model, judge = (Endpoint(self.url, name, concurrency=self.at_once) for name in ("scripted", "strict"))
        return self.client.benchmark.evaluate("sfe", self.data, model, judge=judge)

    def report(self, evaluation: Evaluation) -> dict[str, bytes]:
        """What comes of an evaluation, and is the same whatever happens."""
        evaluation.report(timeout=120)
        folder = self.server / "report"
        evaluation.download(folder)
        return {name: (folder / name).read_bytes() for name in SAME}

    def questions(self) -> list[str]:
        """What came to the server so far, each question by what tells it from others."""
        log = self.server / "questions.jsonl"
        lines = log.read_text().splitlines() if log.exists() else []
        return [json.loads(line)["hash"] for line in lines]

    def until_asked(self, count: int) -> None:
        """Waits until so many questions have come."""
        until = time.monotonic() + 60
        while len(self.questions()) < count:
            assert time.monotonic() < until, f"{len(self.questions())} questions came"
            time.sleep(0.01)

    def victim(self, name: str) -> psutil.Process:
        """The process to kill."""
        run = State(self.state).run()
        assert run is not None
        if name == "service":
            return psutil.Process(run.services["benchmark"].pid)
        worker = psutil.Process(run.services["jobs"].pid)
        if name == "worker":
            return worker
        found = worker.children(recursive=True)
        if name == "redis":
            return next(process for process in found if process.name() == "redis-server")
        return next(filter(_does_a_job, reversed(found)))

    def holder(self) -> psutil.Process:
        """Of two workers, the one that does the evaluation."""
        assert self._second is not None
        workers = [self.victim("worker"), psutil.Process(self._second.pid)]
        (holder,) = [worker for worker in workers if any(map(_does_a_job, worker.children(recursive=True)))]
        return holder

    def stored(self, evaluation: Evaluation) -> list[str]:
        """The questions whose answers are stored now, once for each time, by what the server told them apart by."""
        segments = (self.state / "jobs" / evaluation.name.rpartition("/")[2] / "asked").glob("**/*.jsonl")
        lines = (line for segment in segments for line in segment.read_text().splitlines())
        return [json.loads(line)["answer"].rpartition("#")[2] for line in lines if line.endswith("}")]

    def second_worker(self) -> None:
        """Starts another worker on the platform's state, and returns when it works."""
        environment = SETTINGS | {"TELLURION_STATE": str(self.state)}
        command = [sys.executable, "-P", "-m", "tellurion_core.jobs.main"]
        with (self.server / "worker.log").open("ab") as log:
            self._second = subprocess.Popen(
                command, env=_without_settings() | environment, stdout=subprocess.PIPE, stderr=log
            )
        assert self._second.stdout is not None
        assert self._second.stdout.readline()

    def close(self) -> None:
        """Ends the server, and the second worker where there is one."""
        for process in (self._script, self._second):
            if process is not None:
                process.kill()
                process.communicate()


SETTINGS = {
    "TELLURION_JOBS_LEASE_SECONDS": str(Chaos.lease),
    "TELLURION_JOBS_SWEEP_SECONDS": str(Chaos.sweep),
    "TELLURION_JOBS_RETRY_SECONDS": "0",
}


def _does_a_job(process: psutil.Process) -> bool:
    return "tellurion_core.jobs.child" in process.cmdline()


def _without_settings() -> dict[str, str]:
    return {name: value for name, value in os.environ.items() if not name.startswith("TELLURION_")}


@contextmanager
def running(state: Path, log: Path) -> Iterator[None]:
    """`tellurion up` on a state folder."""
    command = [sys.executable, "-P", "-m", "tellurion_client", "up", "--services", "benchmark", "--json"]
    with log.open("ab") as stderr:
        process = subprocess.Popen(
            [*command, "--state", str(state)], env=_without_settings() | SETTINGS, stdout=subprocess.PIPE, stderr=stderr
        )
    assert process.stdout is not None
    try:
        assert process.stdout.readline(), log.read_text()
        yield
    finally:
        process.terminate()
        process.wait(60)
        process.stdout.close()


@pytest.fixture(scope="session")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Questions of SFE with their images."""
    files = module(BENCHMARK_TESTS / "data_files.py")
    records = [
        record | {"question": f"{record['question']} ({number})"}  # equal questions would be asked once
        for number, record in enumerate(files.many("sfe", Chaos.items))
    ]
    folder: Path = files.write_dataset(tmp_path_factory.mktemp("data"), "sfe", records=records)
    return folder


@pytest.fixture(scope="session")
def rounds() -> int:
    """Times that each victim is killed."""
    return int(os.environ.get("TELLURION_CHAOS_ROUNDS", "1"))


@pytest.fixture(scope="session")
def started(tmp_path_factory: pytest.TempPathFactory, data: Path) -> Callable[[], AbstractContextManager[Chaos]]:
    """Starts a new platform and a new server, for as long as a block lasts."""

    @contextmanager
    def start() -> Iterator[Chaos]:
        folder = tmp_path_factory.mktemp("chaos")
        state = folder / "state"
        with (
            running(state, folder / "up.log"),
            tellurion_client.connect(state) as client,
            closing(Chaos(folder, state, data, client)) as chaos,
        ):
            yield chaos

    return start


@pytest.fixture(scope="session")
def shared(started: Callable[[], AbstractContextManager[Chaos]]) -> Iterator[Chaos]:
    """A platform of several tests."""
    with started() as chaos:
        yield chaos


@pytest.fixture
def chaos(shared: Chaos, tmp_path: Path) -> Iterator[Chaos]:
    """A server of the test's own on the shared platform, and so evaluations that nothing has asked for before."""
    with closing(Chaos(tmp_path, shared.state, shared.data, shared.client)) as chaos:
        yield chaos


@pytest.fixture(scope="session")
def undisturbed(shared: Chaos) -> dict[str, bytes]:
    """What comes of the evaluation when nothing is killed."""
    return shared.report(shared.evaluate())
