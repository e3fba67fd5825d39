"""`tellurion benchmark …` on the whole platform: the command, the service, the worker, and a model that misbehaves."""

from __future__ import annotations

import importlib.util
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

TESTS = Path(__file__).parents[1]
FILES = {"report.json", "items.jsonl", "design.jsonl", "run.json", "report.html"}
LEASE = {
    "TELLURION_JOBS_LEASE_SECONDS": "2",
    "TELLURION_JOBS_SWEEP_SECONDS": "0.5",
    "TELLURION_JOBS_RETRY_SECONDS": "0",
}
"""What a worker that is killed had begun is begun again soon."""
Command = Callable[..., subprocess.CompletedProcess[str]]


def module(path: Path) -> ModuleType:
    """A module of other tests."""
    name = path.stem
    spec = importlib.util.spec_from_file_location(name, path)
    assert spec is not None
    assert spec.loader is not None
    loaded = importlib.util.module_from_spec(spec)
    sys.modules[name] = loaded  # a dataclass looks for its module there
    spec.loader.exec_module(loaded)
    return loaded


data_files, scripted = module(TESTS / "services/benchmark/data_files.py"), module(TESTS / "scripted.py")


@pytest.fixture(scope="module")
def runtime(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """Where the processes put their sockets; none is left in it at the end."""
    folder = tmp_path_factory.mktemp("t")
    yield folder
    assert sockets(folder) == []


@pytest.fixture(scope="module")
def command(runtime: Path, tmp_path_factory: pytest.TempPathFactory) -> Command:
    """Runs `tellurion benchmark …` to its end; on an embedded platform, unless the state folder is one that runs."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("TELLURION_")}
    settings = kept | {"TMPDIR": str(runtime), "TELLURION_STATE": str(tmp_path_factory.mktemp("embedded"))}

    def run(*arguments: object, words: tuple[str, ...] = ("benchmark",), **extra: str) -> Any:
        asked = [sys.executable, "-m", "tellurion_client", *words, *map(str, arguments)]
        return subprocess.run(asked, env=settings | extra, capture_output=True, text=True, timeout=100, check=False)

    return run


@pytest.fixture(scope="module")
def platform(command: Command, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """The state folder of a platform that runs."""
    state = tmp_path_factory.mktemp("state")
    up = command("up", "--detach", "--services", "benchmark", "--state", state, "--json", words=(), **LEASE)
    assert (up.returncode, up.stderr) == (0, "")
    assert list(json.loads(up.stdout)["services"]) == ["jobs", "benchmark"]
    yield state
    assert command("down", "--state", state, words=()).returncode == 0


@pytest.fixture
def model(tmp_path: Path) -> Iterator[Any]:
    """An endpoint that refuses, fails and breaks off before it answers."""
    rules = [scripted.Rule(share=0.5, steps=("429:0.1", "500", "half")), scripted.Rule(share=1.0, steps=("drop",))]
    (tmp_path / "model").mkdir()
    with scripted.serving(tmp_path / "model", *rules) as server:
        yield server


def sockets(folder: Path) -> list[Path]:
    """The folders of sockets of the platforms that run."""
    return sorted(folder.glob("tellurion-*"))


def asked(command: str, data: Path, output: Path, *more: object, suite: str = "msearth") -> tuple[object, ...]:
    return (command, "--suite", suite, "--data", data, "-o", output, *more)


def of(server: Any) -> tuple[object, ...]:
    return ("--endpoint", server.url, "--model", "m", "--judge-endpoint", server.url, "--judge-model", "j")


def questions(server: Any) -> list[str]:
    """What the endpoint answered, by the question's hash."""
    lines = map(json.loads, server.log.read_text().splitlines())
    return [line["hash"] for line in lines if line["step"] == "answer"]


def names(folder: Path) -> set[str]:
    return {path.name for path in folder.iterdir()}


@pytest.mark.parametrize(
    "suite", ["msearth", *(pytest.param(name, marks=pytest.mark.slow) for name in ("earthse", "sfe", "omniearth"))]
)
def test_a_model_is_asked_and_scored_and_nothing_is_asked_twice(
    command: Command, platform: Path, model: Any, tmp_path: Path, suite: str
) -> None:
    data, out = data_files.write_dataset(tmp_path / "data", suite), tmp_path / "out"
    done = command(*asked("run", data, out, *of(model), "--state", platform, suite=suite), "--json")
    assert (done.returncode, done.stderr) == (0, "")
    document, report = json.loads(done.stdout), json.loads((out / "report.json").read_text())
    assert (document["coverage"], report["coverage"], report["suite"]) == (1, 1, suite)
    assert document["metrics"].keys() == report["metrics"].keys()
    assert names(out) == FILES | {"predictions.jsonl", "evaluation.json"}
    items = [json.loads(line) for line in (out / "items.jsonl").read_text().splitlines()]
    _, identifier, _ = data_files.SUITES[suite]
    assert [item["id"] for item in items] == [
        str(r[identifier]) for r in json.loads((data / "questions.json").read_text())
    ]
    answered = questions(model)
    assert len(set(answered)) == len(answered) > 0

    assert command(*asked("run", data, out, *of(model), "--state", platform, "--resume", suite=suite)).returncode == 0
    again = tmp_path / "again"
    options = (*of(model), "--limit", len(items), "--state", platform)
    (tmp_path / "again").mkdir()
    (again / "evaluation.json").write_bytes((out / "evaluation.json").read_bytes())
    assert command(*asked("run", data, again, *options, "--resume", suite=suite)).returncode == 0
    assert (again / "evaluation.json").read_bytes() != (out / "evaluation.json").read_bytes()
    assert questions(model) == answered
    for name in ("report.json", "items.jsonl"):
        assert (again / name).read_bytes() == (out / name).read_bytes()


@pytest.mark.slow
def test_predictions_are_scored_embedded_and_on_a_platform_and_two_are_compared(
    command: Command, platform: Path, tmp_path: Path
) -> None:
    data = data_files.write_dataset(tmp_path / "data", "msearth", count=12, form="jsonl")
    for name, letter, where in (("a", "A", ()), ("b", "B", ("--state", platform))):
        lines = map(json.loads, (data / "questions.jsonl").read_text().splitlines())
        predictions = [{"id": line["question_id"], "prediction": f'{{"answer": "{letter}"}}'} for line in lines]
        (tmp_path / f"{name}.jsonl").write_text("".join(json.dumps(line) + "\n" for line in predictions[:10]))
        scored = asked("score", data, tmp_path / name / "report.json", "--predictions", tmp_path / f"{name}.jsonl")
        (tmp_path / name).mkdir()
        done = command(*scored, "--variant", "official", "--judge", "none", *where)
        assert (done.returncode, done.stderr) == (0, "")
        assert names(tmp_path / name) == FILES
        report = json.loads((tmp_path / name / "report.json").read_text())
        # Every third question is of multiple choice, and B is right; two have no prediction, none of them one of these.
        assert report["metrics"]["mcq_accuracy"]["value"] == (letter == "B")
        assert report["coverage"] == 10 / 12
    done = command("compare", tmp_path / "a", tmp_path / "b/report.json", "--json")
    assert done.returncode == 0
    (whole,) = [d for d in json.loads(done.stdout) if (d["metric"], d["dimension"]) == ("mcq_accuracy", "")]
    assert (whole["a"], whole["b"], whole["difference"], whole["n"]) == (0, 1, 1, 4)


@pytest.mark.slow
def test_embedded_a_run_that_was_killed_goes_on(command: Command, runtime: Path, tmp_path: Path) -> None:
    data, out = different(tmp_path / "data", 8), tmp_path / "out"
    (tmp_path / "slow").mkdir()
    before = sockets(runtime)
    with scripted.serving(tmp_path / "slow", scripted.Rule(share=1.0, steps=("slow:0.3",))) as server:
        settings = os.environ | LEASE | {"TMPDIR": str(runtime), "TELLURION_STATE": str(tmp_path / "state")}
        run = asked("run", data, out, *of(server), "--concurrency", 1, suite="earthse")
        words = [sys.executable, "-m", "tellurion_client", "benchmark", *map(str, run)]
        process = subprocess.Popen(words, env=settings, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        until(lambda: server.log.exists() and len(server.log.read_text().splitlines()) >= 3)
        process.kill()
        process.communicate()
        until(lambda: sockets(runtime) == before)
        assert names(out) == {"evaluation.json"}
        done = command(*run, "--resume", TELLURION_STATE=str(tmp_path / "state"), **LEASE)
        assert (done.returncode, done.stderr) == (0, "")
        assert names(out) == FILES | {"predictions.jsonl", "evaluation.json"}
        hashes = [json.loads(line)["hash"] for line in server.log.read_text().splitlines()]
    # What was being asked when it was killed may be asked again; at one at a time that is one question.
    # With one at a time, a question may have been with the model and another one with the judge when the worker died.
    assert len(hashes) - len(set(hashes)) <= 2


def different(folder: Path, count: int) -> Path:
    """A data set of so many questions of which no two are the same: the same one would be asked once."""
    records = data_files.many("earthse", count)
    numbered = [record | {"question": f"{number}. {record['question']}"} for number, record in enumerate(records)]
    return data_files.write_dataset(folder, "earthse", records=numbered)


def until(what: Callable[[], object], seconds: float = 60.0) -> None:
    """Waits until something is true, and fails where it is not in time."""
    end = time.monotonic() + seconds
    while not what():
        assert time.monotonic() < end, "it never became true"
        time.sleep(0.05)


def changed(records: list[dict[str, Any]], number: int, **fields: Any) -> list[dict[str, Any]]:
    """Records of which one has other fields; None takes one away."""
    other = {name: value for name, value in (records[number] | fields).items() if value is not None}
    return [*records[:number], other, *records[number + 1 :]]


RECORDS = data_files.earthse()
ANSWER = '{"id": 1, "prediction": "A"}\n'


@pytest.mark.parametrize(
    ("records", "predictions", "line"),
    [
        (changed(RECORDS, 1, answer=None), "", "questions[1].answer: received nothing; accepted: "),
        ("[{]", "", "questions[0]: received {]"),
        (RECORDS, f'{ANSWER}{{"id": ', 'predictions line 2: received {"id": '),
        *(
            pytest.param(*case, marks=pytest.mark.slow)
            for case in (
                (changed(RECORDS, 1, question=7), "", "questions[1].question: received 7; accepted: "),
                (
                    changed(RECORDS, 2, idx=1),
                    "",
                    "questions[2]: received 1; accepted: an id that no item before it has",
                ),
                ("[]", "", "questions: received no record; accepted: at least one"),
                (RECORDS, ANSWER.replace("1", "9"), "predictions line 1.id: received 9; accepted: the id of one of"),
                (RECORDS, ANSWER.replace('"A"', "7"), "predictions line 1.prediction: received 7; accepted: text"),
                (RECORDS, ANSWER * 2, "predictions line 2.id: received 1; accepted: one line for each item"),
            )
        ),
    ],
)
def test_what_cannot_be_used_is_one_line_and_leaves_nothing(
    command: Command, platform: Path, tmp_path: Path, records: Any, predictions: str, line: str
) -> None:
    data = data_files.write_dataset(tmp_path / "data", "earthse")
    (data / "questions.json").write_text(records if isinstance(records, str) else json.dumps(records))
    (tmp_path / "p.jsonl").write_text(predictions)
    given = ("--predictions", tmp_path / "p.jsonl", "--state", platform)
    done = command(*asked("score", data, tmp_path / "out", *given, suite="earthse"))
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.startswith(f"tellurion: {line}")
    assert done.stderr.count("\n") == 1
    assert names(tmp_path) == {"data", "p.jsonl"}


def test_an_endpoint_that_is_not_allowed_is_never_asked(command: Command, platform: Path, tmp_path: Path) -> None:
    data = data_files.write_dataset(tmp_path / "data", "earthse")
    for url, more, setting in (
        ("http://169.254.169.254/v1", (), "(TELLURION_ENDPOINTS)"),
        ("http://127.0.0.1:9/v1", ("--api-key-env", "HOME"), "(TELLURION_ENDPOINT_KEYS)"),
    ):
        run = asked("run", data, tmp_path / "out", "--endpoint", url, "--model", "m", *more, suite="earthse")
        done = command(*run, "--state", platform)
        assert (done.returncode, done.stdout) == (1, "")
        assert setting in done.stderr
        assert done.stderr.count("\n") == 1
        assert names(tmp_path) == {"data"}


@pytest.mark.slow
def test_an_image_that_is_none_costs_its_item_alone(
    command: Command, platform: Path, model: Any, tmp_path: Path
) -> None:
    data = data_files.write_dataset(tmp_path / "data", "sfe")
    images = sorted((data / "images").iterdir())
    images[0].write_text("no image")
    images[1].unlink()
    done = command(*asked("run", data, tmp_path / "out", *of(model), "--state", platform, suite="sfe"))
    assert done.returncode == 0
    assert "50.00% of 4 items have a prediction" in done.stdout
    items = [json.loads(line) for line in (tmp_path / "out/items.jsonl").read_text().splitlines()]
    assert sum(item["score"] is None for item in items) >= 2
    assert json.loads((tmp_path / "out/report.json").read_text())["coverage"] == 0.5


@pytest.mark.slow
def test_an_evaluation_outlives_its_command_and_its_worker(command: Command, platform: Path, tmp_path: Path) -> None:
    data, out = different(tmp_path / "data", 20), tmp_path / "out"
    (tmp_path / "slow").mkdir()
    services = json.loads(command("status", "--json", "--state", platform, words=()).stdout)["services"]
    with scripted.serving(tmp_path / "slow", scripted.Rule(share=1.0, steps=("slow:0.2",))) as server:
        run = asked("run", data, out, *of(server), "--concurrency", 1, "--state", platform, suite="earthse")
        process = subprocess.Popen(
            [sys.executable, "-m", "tellurion_client", "benchmark", *map(str, run)],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        until(lambda: server.log.exists() and len(server.log.read_text().splitlines()) >= 3)
        process.send_signal(signal.SIGINT)
        said = process.communicate(timeout=30)[1]
        name = json.loads((out / "evaluation.json").read_text())["operations"][-1]
        assert process.returncode == 1
        assert f"{name} is not cancelled: the same command with --resume goes on with it" in said
        os.kill(services["jobs"]["pid"], signal.SIGKILL)
        done = command(*run, "--resume")
        assert (done.returncode, done.stderr) == (0, "")
        services = json.loads(command("status", "--json", "--state", platform, words=()).stdout)["services"]
        assert (services["jobs"]["status"], services["jobs"]["restarts"]) == ("ready", 1)
        hashes = [json.loads(line)["hash"] for line in server.log.read_text().splitlines()]
    # With one at a time, a question may have been with the model and another one with the judge when the worker died.
    assert len(hashes) - len(set(hashes)) <= 2
