"""`tellurion benchmark …` against a service in a thread: what is printed, what is written, how it ends."""

from __future__ import annotations

import json
import signal
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tellurion.benchmark.v1 import benchmark_pb2
from tellurion_client.cli.main import run
from tellurion_core.errors import InvalidInput, PermissionDenied, ResourceExhausted

FILES = {"report.json", "items.jsonl", "design.jsonl", "predictions.jsonl", "run.json", "report.html"}
Command = Callable[..., tuple[int, str, str]]


@pytest.fixture
def command(bench: Any, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Command:
    """Runs `tellurion benchmark …`: exit code, stdout, stderr."""
    monkeypatch.setenv("TELLURION_URL", bench.served.url)

    def ran(*arguments: object) -> tuple[int, str, str]:
        code = run(["benchmark", *map(str, arguments)])
        return code, *capsys.readouterr()

    return ran


@pytest.fixture
def asked(data: Path, tmp_path: Path) -> list[object]:
    """A run into the folder `out`."""
    endpoint = ["--endpoint", "http://localhost:8000/v1", "--model", "m"]
    return ["run", "--suite", "msearth", "--data", data, *endpoint, "--judge", "none", "-o", tmp_path / "out"]


@pytest.fixture
def works(bench: Any, soon: Callable[..., None], until: Callable[..., None]) -> Callable[..., None]:
    """Has the next evaluation end, once it was submitted."""

    def work(end: Callable[..., None] = bench.finish, **options: Any) -> None:
        def wait() -> None:
            claims = []
            until(lambda: claims.append(bench.claims.claim([bench.KIND])) or claims[-1])
            end(claims[-1], **options)

        soon(wait, after=0)

    return work


def names(folder: Path) -> set[str]:
    return {path.name for path in folder.iterdir()}


def begun(folder: Path) -> str:
    return json.loads((folder / "evaluation.json").read_text())["operations"][-1]


def test_a_run_shows_its_figures_and_writes_its_files(
    command: Command, asked: list[object], works: Callable[..., None], bench: Any, tmp_path: Path
) -> None:
    works()
    code, out, err = command(*asked)
    assert (code, err) == (0, "")
    assert names(tmp_path / "out") == FILES | {"evaluation.json"}
    (row,) = [line.split() for line in out.splitlines() if line.startswith(" mcq_accuracy")]
    assert row == ["mcq_accuracy", "0.7500", "0.0500", "0.6500", "to", "0.8500", "100", "3"]
    assert "not to be had here: caption_bertscore: no weights\n" in out
    assert out.splitlines()[-1].startswith(begun(tmp_path / "out"))
    assert {name: (tmp_path / "out" / name).read_bytes() for name in FILES} == bench.files()


def test_a_program_gets_one_line_of_json(
    command: Command, asked: list[object], works: Callable[..., None], tmp_path: Path
) -> None:
    works()
    code, out, err = command(*asked, "--json")
    assert (code, err, out.count("\n")) == (0, "", 1)
    document = json.loads(out)
    assert document["operation"] == begun(tmp_path / "out")
    assert document["metrics"]["mcq_accuracy"]["ci95"] == [0.65, 0.85]
    assert {Path(path).name for path in document["output"]} == FILES


def test_a_report_that_is_there_is_not_replaced_unless_that_is_asked_for(
    command: Command, asked: list[object], works: Callable[..., None], bench: Any, tmp_path: Path
) -> None:
    works()
    assert command(*asked)[0] == 0
    code, out, err = command(*asked)
    assert (code, out) == (2, "")
    assert err.startswith("tellurion: output: received evaluation.json, which is there: ")
    (tmp_path / "out/report.json").write_text("mine")
    assert command(*asked, "--overwrite")[0] == 0
    assert (tmp_path / "out/report.json").read_bytes() == bench.files()["report.json"]
    assert len({request.request_id for request in bench.asked}) == 1


def test_resumed_the_same_command_goes_on_with_the_same_evaluation(
    command: Command, asked: list[object], works: Callable[..., None], bench: Any, tmp_path: Path
) -> None:
    works()
    assert command(*asked, "--resume")[0] == 0
    first = begun(tmp_path / "out")
    assert command(*asked, "--resume")[0] == 0
    assert begun(tmp_path / "out") == first
    assert len(bench.asked) == 1


def test_resumed_with_another_limit_nothing_is_asked_twice(
    command: Command, asked: list[object], works: Callable[..., None], bench: Any, tmp_path: Path
) -> None:
    works()
    assert command(*asked, "--limit", 3)[0] == 0
    first = begun(tmp_path / "out")
    works()
    assert command(*asked, "--limit", 5, "--resume")[0] == 0
    assert begun(tmp_path / "out") != first
    assert [(request.limit, request.reuse) for request in bench.asked] == [(3, ""), (5, first)]


def test_under_a_budget_it_takes_another_to_ask_again(
    command: Command, asked: list[object], works: Callable[..., None]
) -> None:
    works(coverage=0.25, given_up=75)
    _, _, err = command(*asked, "--max-requests", 25)
    assert "75 questions got no answer; the same command with --resume and another budget asks them again" in err


def test_what_got_no_answer_is_said_and_asked_again(
    command: Command, asked: list[object], works: Callable[..., None], bench: Any, tmp_path: Path
) -> None:
    works(coverage=0.25, given_up=75)
    code, _, err = command(*asked)
    line = "tellurion: 75 questions got no answer; the same command with --resume asks them again\n"
    assert (code, err) == (0, line)
    first = begun(tmp_path / "out")
    works()
    assert command(*asked, "--resume")[::2] == (0, "")
    assert [request.reuse for request in bench.asked] == ["", first]


@pytest.mark.parametrize(
    ("run", "because"),
    [
        ({"trouble": "the endpoint answered HTTP 401"}, ", most often since the endpoint answered HTTP 401"),
        ({"trouble": None}, ""),
        ([], ""),
    ],
)
def test_what_an_endpoint_that_answered_nothing_met_questions_with_is_said(
    command: Command, asked: list[object], works: Callable[..., None], bench: Any, run: object, because: str
) -> None:
    files = bench.files
    bench.files = lambda coverage: files(coverage) | {"run.json": json.dumps(run).encode()}
    works(coverage=0.0, given_up=60)
    line = f"tellurion: 60 questions got no answer{because}; the same command with --resume asks them again\n"
    assert command(*asked)[2] == line


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (InvalidInput.of("questions[3].answer", received="nothing", accepted="text"), 2),
        (PermissionDenied("the endpoint's address is not on this installation's list"), 1),
    ],
)
def test_an_evaluation_that_cannot_begin_leaves_nothing(
    command: Command,
    asked: list[object],
    works: Callable[..., None],
    bench: Any,
    tmp_path: Path,
    error: Any,
    code: int,
) -> None:
    works(lambda claim: bench.claims.fail(claim, error))
    assert command(*asked) == (code, "", f"tellurion: {error.message}\n")
    assert not (tmp_path / "out").exists()


def test_a_resumed_one_that_cannot_begin_leaves_what_was_begun_before(
    command: Command, asked: list[object], works: Callable[..., None], bench: Any, tmp_path: Path
) -> None:
    works()
    assert command(*asked, "--limit", 3)[0] == 0
    first, error = begun(tmp_path / "out"), InvalidInput.of("prompts", received="x", accepted="judge_open")
    works(lambda claim: bench.claims.fail(claim, error))
    assert command(*asked, "--resume")[0] == 2
    assert begun(tmp_path / "out") == first
    assert names(tmp_path / "out") == FILES | {"evaluation.json"}


def test_one_that_died_is_gone_on_with(
    command: Command, asked: list[object], works: Callable[..., None], bench: Any, tmp_path: Path
) -> None:
    works(lambda claim: bench.claims.died(claim, "killed by signal 9"))
    code, out, err = command(*asked)
    assert (code, out) == (1, "")
    assert "killed by signal 9" in err
    first = begun(tmp_path / "out")
    works()
    assert command(*asked, "--resume")[0] == 0
    assert bench.asked[-1].reuse == first


def test_ctrl_c_says_how_to_go_on_and_how_to_cancel(
    started: Callable[..., subprocess.Popen[str]],
    asked: list[object],
    bench: Any,
    tmp_path: Path,
    until: Callable[..., None],
) -> None:
    process = started("benchmark", *asked, TELLURION_URL=bench.served.url)
    until((tmp_path / "out/evaluation.json").exists)
    claim = bench.begin()
    process.send_signal(signal.SIGINT)
    out, err = process.communicate(timeout=20)
    name = begun(tmp_path / "out")
    assert (process.returncode, out) == (1, "")
    assert err == (
        f"tellurion: {name} is not cancelled: the same command with --resume goes on with it, "
        f"`tellurion operations cancel {name}` ends it\n"
    )
    assert bench.served.client.operations.named(name).get().state == "RUNNING"
    bench.finish(claim)
    process = started("benchmark", *asked, "--resume", TELLURION_URL=bench.served.url)
    assert process.wait(20) == 0
    assert names(tmp_path / "out") == FILES | {"evaluation.json"}
    assert len(bench.asked) == 1


def test_predictions_are_scored_into_a_file_of_ones_own_name(
    command: Command, data: Path, tmp_path: Path, works: Callable[..., None], bench: Any
) -> None:
    predictions = tmp_path / "p.jsonl"
    predictions.write_text("")
    (tmp_path / "scores").mkdir()
    asked = ["score", "--suite", "msearth", "--variant", "official", "--data", data, "--predictions", predictions]
    works()
    assert command(*asked, "--judge", "none", "-o", tmp_path / "scores/mine.json")[::2] == (0, "")
    assert names(tmp_path / "scores") == FILES - {"report.json"} | {"mine.json"}
    assert command(*asked, "--judge", "none", "-o", tmp_path / "folder")[::2] == (0, "")
    assert names(tmp_path / "folder") == FILES
    assert len({request.request_id for request in bench.asked}) == 1


def test_predictions_that_lie_where_the_report_goes_are_left_alone(
    command: Command, data: Path, tmp_path: Path, works: Callable[..., None]
) -> None:
    (tmp_path / "here").mkdir()
    predictions = tmp_path / "here/predictions.jsonl"
    predictions.write_text('{"id": "1", "prediction": "mine"}\n')
    works(names=sorted(FILES - {"predictions.jsonl"}))
    asked = ["score", "--suite", "msearth", "--data", data, "--predictions", predictions]
    assert command(*asked, "-o", tmp_path / "here/report.json")[::2] == (0, "")
    assert names(tmp_path / "here") == FILES
    assert predictions.read_text() == '{"id": "1", "prediction": "mine"}\n'


def test_one_that_failed_is_not_said_to_go_on(
    command: Command, asked: list[object], works: Callable[..., None], bench: Any
) -> None:
    works(lambda claim: bench.claims.fail(claim, ResourceExhausted("the disk is full")))
    assert command(*asked) == (1, "", "tellurion: the disk is full\n")


def test_a_report_is_fetched_once_there_is_one(command: Command, data: Path, tmp_path: Path, bench: Any) -> None:
    from tellurion_client import Endpoint

    evaluation = bench.client.evaluate("msearth", data, Endpoint("http://localhost/v1", "m"))
    asked = ("report", evaluation.name, "-o", tmp_path / "out")
    assert command(*asked) == (1, "", "tellurion: the evaluation is QUEUED\n")
    assert not (tmp_path / "out").exists()
    bench.finish()
    code, out, _ = command(*asked)
    assert (code, "mcq_accuracy" in out, names(tmp_path / "out")) == (0, True, FILES)
    assert command(*asked)[0] == 2
    assert command(*asked, "--overwrite")[0] == 0


def test_two_reports_are_compared(command: Command, tmp_path: Path, bench: Any) -> None:
    for name in ("a", "b"):
        (tmp_path / name).mkdir()
        for file in ("report.json", "items.jsonl", "design.jsonl"):
            (tmp_path / name / file).write_text(name)
    bench.differences = [
        benchmark_pb2.Difference(
            metric="ses", a=0.5, b=0.25, difference=-0.25, stderr=0.1, low=-0.45, high=-0.05, p=0.0125, n=90
        ),
        benchmark_pb2.Difference(metric="ses", dimension="sphere", name="Hydrosphere", a=1, b=1, n=1),
    ]
    code, out, err = command("compare", tmp_path / "a", tmp_path / "b/report.json")
    assert (code, err) == (0, "")
    rows = [line.split() for line in out.splitlines()]
    assert ["ses", "all", "0.5000", "0.2500", "-0.2500", "0.1000", "-0.4500", "to", "-0.0500", "0.0125", "90"] in rows
    assert ["ses", "sphere", "Hydrosphere", "1.0000", "1.0000", "+0.0000", "–", "–", "–", "1"] in rows
    code, out, _ = command("compare", tmp_path / "a", tmp_path / "b", "--json")
    assert [difference["ci95"] for difference in json.loads(out)] == [[-0.45, -0.05], None]


def test_benchmarks_are_listed(command: Command, bench: Any) -> None:
    bench.suites = [benchmark_pb2.Suite(name="sfe", description="SFE, in five disciplines.")]
    bench.suites[0].variants.add(name="official", description="The release's.").unavailable["bertscore"] = "no weights"
    code, out, _ = command("suites")
    assert code == 0
    assert "SFE, in five disciplines." in out
    assert "bertscore: no weights" in out
    assert json.loads(command("suites", "--json")[1])[0]["variants"][0]["unavailable"] == {"bertscore": "no weights"}


@pytest.mark.parametrize(
    ("version", "whose"),
    [
        ("tellurion-1", "our prompts (tellurion-1)"),
        ("tellurion-1+sha256:12", "prompts that are partly ours (tellurion-1+sha256:12)"),
        ("sha256:12", "given prompts (sha256:12)"),
    ],
)
def test_a_report_says_whose_prompts_were_used_without_a_judge_too(
    command: Command, asked: list[object], works: Callable[..., None], version: str, whose: str
) -> None:
    works(prompt_version=version)
    code, out, _ = command(*asked)
    assert code == 0
    assert f"msearth, official scorer, {whose}: m" in " ".join(out.split())
    assert "no judge" in out


def test_a_leaderboard_does_not_mix_judges(command: Command, bench: Any) -> None:
    assert command("leaderboard", "--suite", "sfe")[:2] == (0, "there is no evaluation by sfe, official\n")
    figure = benchmark_pb2.Metric(value=0.3408, n=800)
    for judge in ("", "gpt-4o"):
        board = benchmark_pb2.Board(
            metric="score", dataset_sha256="a" * 64, judge=judge, items=830, prompt_version="tellurion-1"
        )
        board.standings.add(model="m", metric=figure, best_rank=1, worst_rank=2, coverage=1, operation="NAME")
        board.standings.add(model="part", metric=figure, coverage=0.5, operation="NAME")
        bench.boards.append(board)
    bench.boards.append(benchmark_pb2.Board(metric="score, %"))
    bench.boards[-1].standings.add(model="o3", metric=benchmark_pb2.Metric(value=34.08), published_by="the paper")
    code, out, _ = command("leaderboard", "--suite", "sfe")
    rows = [line.split() for line in out.splitlines()]
    assert code == 0
    assert rows.count(["1–2", "m", "0.3408", "–", "–", "800", "100.00%", "NAME"]) == 2
    assert rows.count(["–", "o3", "34.0800", "–", "–", "–", "–", "the", "paper"]) == 1
    assert rows.count(["–", "part", "0.3408", "–", "–", "800", "50.00%", "NAME"]) == 2
    for heading in (
        "score: our prompts (tellurion-1), no judge; 830 items",
        "score: our prompts (tellurion-1), judged by gpt-4o",
        "score, %: as others have published",
    ):
        assert f"sfe, official scorer, {heading}" in " ".join(out.split())
    assert len(json.loads(command("leaderboard", "--suite", "sfe", "--json")[1])) == 3
