"""Evaluations by the SDK: what is sent, when two are one, and what comes back."""

from __future__ import annotations

import hashlib
import json
import threading
from collections.abc import Callable
from itertools import count
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from tellurion.benchmark.v1 import benchmark_pb2
from tellurion_client import (
    BenchmarkClient,
    Budget,
    Cancelled,
    Conflict,
    DataCorrupted,
    Endpoint,
    InvalidInput,
    NotFound,
    TellurionError,
)
from tellurion_client.services import environment

MODEL = Endpoint("http://localhost:8000/v1", "m", input_price=1.5)
JUDGE = Endpoint("https://judge.example.org/v1", "j", api_key_env="JUDGE_KEY", concurrency=4, timeout=30)
SUM = "a" * 64


@pytest.fixture
def instant(monkeypatch: pytest.MonkeyPatch) -> None:
    """Calls take no time, so that whatever has ended had ended before them."""
    monkeypatch.setattr("tellurion_client.benchmark.time", SimpleNamespace(monotonic=lambda: 0.0))


def sha256(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


def stored(bench: Any, sum_: str) -> bytes:
    with bench.artifacts.open("local", sum_) as file:
        return file.read()


def test_questions_and_images_are_sent_and_named(bench: Any, data: Path) -> None:
    bench.client.evaluate("msearth", data, MODEL)
    (request,) = bench.asked
    assert request.data.format == benchmark_pb2.FORMAT_JSON_LINES
    assert stored(bench, request.data.questions) == (data / "questions.jsonl").read_bytes()
    media = [json.loads(line) for line in stored(bench, request.data.media).splitlines()]
    names = ["images/deep/sea.webp", "images/lake.JPG", "river.png"]
    assert media == [{"name": name, "sha256": sha256(name.encode())} for name in names]
    assert [stored(bench, image["sha256"]) for image in media] == [name.encode() for name in names]


def test_an_image_outside_of_the_folder_is_not_sent(bench: Any, data: Path, tmp_path: Path) -> None:
    (tmp_path / "secret.png").write_bytes(b"secret")
    (data / "link.png").symlink_to(tmp_path / "secret.png")
    (data / "lake.png").symlink_to(data / "images/lake.JPG")
    (data / "fifo.png").mkdir()
    bench.client.evaluate("msearth", data, MODEL)
    media = stored(bench, bench.asked[0].data.media)
    assert b"link.png" not in media
    assert b"fifo.png" not in media
    assert sha256(b"images/lake.JPG").encode() in media


def test_a_data_set_without_images_names_none(bench: Any, tmp_path: Path) -> None:
    (tmp_path / "questions.json").write_text("[]")
    bench.client.evaluate("earthse", tmp_path, MODEL)
    assert (bench.asked[0].data.media, bench.asked[0].data.format) == ("", benchmark_pb2.FORMAT_JSON)


def test_all_that_is_asked_for_is_asked(bench: Any, data: Path, tmp_path: Path) -> None:
    prompts = tmp_path / "prompts"
    prompts.mkdir()
    (prompts / "judge_open.txt").write_text("Is $answer °C right?")
    (prompts / "README.md").write_text("no prompt")
    bench.client.evaluate(
        "msearth",
        data,
        MODEL,
        variant="corrected",
        judge=JUDGE,
        prompts=prompts,
        limit=7,
        budget=Budget(requests=10, tokens=2000, cost=0.5),
        priority=-1,
    )
    request = bench.asked[0]
    assert (request.suite, request.variant, request.limit, request.priority) == ("msearth", "corrected", 7, -1)
    assert (request.model.url, request.model.model, request.model.input_price) == (MODEL.url, "m", 1.5)
    judge = request.judge
    assert (judge.url, judge.model, judge.api_key_env, judge.concurrency, judge.timeout) == (
        JUDGE.url,
        "j",
        "JUDGE_KEY",
        4,
        30,
    )
    assert dict(request.prompts) == {"judge_open": "Is $answer °C right?"}
    assert (request.budget.requests, request.budget.tokens, request.budget.cost) == (10, 2000, 0.5)


def test_predictions_are_sent_in_place_of_a_model(bench: Any, data: Path, tmp_path: Path) -> None:
    predictions = tmp_path / "p.jsonl"
    predictions.write_text('{"id": "1", "prediction": "A"}\n')
    bench.client.score("msearth", data, predictions, label="o3")
    request = bench.asked[0]
    assert request.label == "o3"
    assert request.WhichOneof("answers") == "predictions"
    assert stored(bench, request.predictions) == predictions.read_bytes()
    assert not request.HasField("judge")


def test_the_same_arguments_are_the_same_evaluation(bench: Any, data: Path) -> None:
    first = bench.client.evaluate("msearth", data, MODEL)
    assert bench.client.evaluate("msearth", data, MODEL).name == first.name
    (data / "river.png").write_bytes(b"another")
    assert bench.client.evaluate("msearth", data, MODEL).name != first.name


def test_an_evaluation_that_succeeded_is_still_the_same(bench: Any, data: Path) -> None:
    first = bench.client.evaluate("msearth", data, MODEL)
    bench.finish()
    assert bench.client.evaluate("msearth", data, MODEL).name == first.name


def test_what_ended_badly_is_begun_anew_and_reuses_what_was_answered(
    bench: Any, data: Path, soon: Callable[..., None], instant: None
) -> None:
    first = bench.client.evaluate("msearth", data, MODEL)
    claim = bench.begin()
    first.operation.cancel()
    soon(bench.claims.cancelled, claim, after=0.3)
    with pytest.raises(Cancelled):
        first.report()
    second = bench.client.evaluate("msearth", data, MODEL)
    assert second.name != first.name
    assert bench.asked[-1].reuse == first.name
    assert bench.client.evaluate("msearth", data, MODEL).name == second.name
    bench.finish()
    assert bench.client.evaluate("msearth", data, MODEL).name == second.name


@pytest.mark.parametrize(
    "end",
    [
        lambda bench, first: first.operation.cancel(),
        lambda bench, first: bench.claims.fail(bench.begin(), InvalidInput.of("questions", received="", accepted="")),
    ],
)
def test_of_what_was_never_asked_nothing_is_reused(
    bench: Any, data: Path, end: Callable[..., None], instant: None
) -> None:
    first = bench.client.evaluate("msearth", data, MODEL)
    end(bench, first)
    second = bench.client.evaluate("msearth", data, MODEL)
    assert (second.name != first.name, bench.asked[-1].reuse) == (True, "")
    assert bench.client.evaluate("msearth", data, MODEL).name == second.name


def test_what_may_have_failed_during_the_call_is_not_begun_again_and_again(
    bench: Any, data: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = bench.client.evaluate("msearth", data, MODEL)
    first.operation.cancel()
    monkeypatch.setattr("tellurion_client.benchmark.time", SimpleNamespace(monotonic=count(0, 3600).__next__))
    assert bench.client.evaluate("msearth", data, MODEL).name == first.name


def test_an_id_of_ones_own_is_that_evaluation(bench: Any, data: Path) -> None:
    first = bench.client.evaluate("msearth", data, MODEL, request_id="mine")
    first.operation.cancel()
    assert bench.client.evaluate("msearth", data, MODEL, request_id="mine").name == first.name
    with pytest.raises(Conflict):
        bench.client.evaluate("msearth", data, MODEL, limit=3, request_id="mine")


def test_resumed_with_other_arguments_it_reuses_the_earlier_one_and_ends_it(
    bench: Any, data: Path, soon: Callable[..., None]
) -> None:
    first = bench.client.evaluate("msearth", data, MODEL, limit=3)
    claim = bench.begin()
    soon(bench.claims.cancelled, claim, after=0.3)
    second = bench.client.evaluate("msearth", data, MODEL, limit=5, resume=[first.name])
    assert second.name != first.name
    assert (bench.asked[-1].limit, bench.asked[-1].reuse) == (5, first.name)
    assert first.operation.get().state == "CANCELLED"
    assert bench.client.evaluate("msearth", data, MODEL, limit=5, resume=[second.name]).name == second.name


@pytest.mark.parametrize(
    ("given_up", "budget", "same"), [(0, None, True), (2, None, False), (2, Budget(requests=2), True)]
)
def test_resumed_it_asks_again_for_what_got_no_answer(
    bench: Any, data: Path, given_up: int, budget: Budget | None, same: bool
) -> None:
    first = bench.client.evaluate("msearth", data, MODEL, budget=budget)
    bench.finish(given_up=given_up)
    second = bench.client.evaluate("msearth", data, MODEL, budget=budget, resume=[first.name])
    assert (second.name == first.name) is same
    assert bench.asked[-1].reuse == ("" if same else first.name)


def test_resumed_it_ends_where_the_answers_allow_no_score(bench: Any, data: Path) -> None:
    first = bench.client.evaluate("msearth", data, MODEL, judge=JUDGE)
    bench.finish(judge="j", coverage=0.5)  # three are unscored, and images are not there
    assert bench.client.evaluate("msearth", data, MODEL, judge=JUDGE, resume=[first.name]).name == first.name


@pytest.mark.parametrize(
    ("own", "expected"), [(None, "localhost,127.0.0.1,[::1]"), ("models.example.org", "models.example.org"), ("", "")]
)
def test_a_platform_of_one_user_may_ask_this_machine_unless_they_say_otherwise(
    monkeypatch: pytest.MonkeyPatch, own: str | None, expected: str
) -> None:
    monkeypatch.delenv("TELLURION_ENDPOINTS", raising=False)
    if own is not None:
        monkeypatch.setenv("TELLURION_ENDPOINTS", own)
    assert environment(listen="unix:/x", addresses={})["TELLURION_ENDPOINTS"] == expected


def test_resumed_over_one_that_never_began_it_reuses_what_was_answered_before(bench: Any, data: Path) -> None:
    first = bench.client.evaluate("msearth", data, MODEL, limit=3)
    bench.finish()
    second = bench.client.evaluate("msearth", data, MODEL, limit=5, resume=[first.name])
    third = bench.client.evaluate("msearth", data, MODEL, limit=7, resume=[first.name, second.name])
    assert second.operation.get().state == "CANCELLED"
    assert len({first.name, second.name, third.name}) == 3
    assert bench.asked[-1].reuse == first.name


def test_what_is_forgotten_cannot_be_resumed_and_nothing_is_asked(bench: Any, data: Path) -> None:
    name = "benchmark/operations/" + "0" * 32
    with pytest.raises(NotFound, match=f"{name} is forgotten, .*: begin anew"):
        bench.client.evaluate("msearth", data, MODEL, resume=[name])
    assert bench.asked == []
    first = bench.client.evaluate("msearth", data, MODEL)
    assert bench.client.evaluate("msearth", data, MODEL, resume=[name, first.name]).name == first.name


def test_a_report_is_waited_for(bench: Any, data: Path, soon: Callable[..., None]) -> None:
    evaluation = bench.client.evaluate("msearth", data, MODEL)
    claim = bench.begin()
    bench.claims.renew(claim, 0.5, "asked 50 of 100")
    soon(bench.finish, claim)
    told: list[tuple[float, str]] = []
    report = evaluation.report(progress=lambda fraction, message: told.append((fraction, message)))
    assert told[0] == (0.5, "asked 50 of 100")
    assert (report.suite, report.variant, report.model, report.coverage) == ("msearth", "official", "m", 1.0)
    accuracy, bertscore = report.metrics["mcq_accuracy"], report.metrics["caption_bertscore"]
    assert (accuracy.value, accuracy.stderr, accuracy.ci95, accuracy.n, accuracy.unscored) == (
        0.75,
        0.05,
        (0.65, 0.85),
        100,
        3,
    )
    assert (bertscore.value, bertscore.ci95, bertscore.unavailable) == (None, None, "no weights")
    assert report.groups["sphere"]["Hydrosphere"]["mcq_accuracy"].value == 1.0


def test_a_report_raises_what_the_evaluation_failed_of(bench: Any, data: Path) -> None:
    evaluation = bench.client.evaluate("msearth", data, MODEL)
    bench.claims.fail(bench.begin(), InvalidInput.of("questions[3].answer", received="nothing", accepted="text"))
    with pytest.raises(InvalidInput, match=r"^questions\[3\]\.answer: "):
        evaluation.report()


def test_the_files_are_written_together(bench: Any, data: Path, tmp_path: Path) -> None:
    evaluation = bench.client.evaluate("msearth", data, MODEL)
    with pytest.raises(Conflict, match="the evaluation is QUEUED"):
        evaluation.download(tmp_path / "out")
    assert not (tmp_path / "out").exists()
    bench.finish()
    written = evaluation.download(tmp_path / "out")
    assert written[-1] == tmp_path / "out/report.json"
    assert {path.name: path.read_bytes() for path in (tmp_path / "out").iterdir()} == bench.files()
    again = bench.client.evaluation(evaluation.name)
    again.download(tmp_path / "out", report="mine.json")
    assert (tmp_path / "out/mine.json").read_bytes() == bench.files()["report.json"]


def test_an_answer_without_a_report_is_not_taken(bench: Any, data: Path, tmp_path: Path) -> None:
    evaluation = bench.client.evaluate("msearth", data, MODEL)
    bench.finish(names=["report.json"])
    with pytest.raises(DataCorrupted, match=r"has the files report\.json$"):
        evaluation.download(tmp_path / "out")
    assert not (tmp_path / "out").exists()


def test_files_that_no_evaluation_has_are_not_taken(bench: Any, data: Path, tmp_path: Path) -> None:
    evaluation = bench.client.evaluate("msearth", data, MODEL)
    bench.finish(names=["report.json", "items.jsonl", "../escaped"])
    written = evaluation.download(tmp_path / "out")
    assert [path.name for path in written] == ["items.jsonl", "report.json"]
    assert not (tmp_path / "escaped").exists()


def test_where_one_file_is_gone_none_is_written(bench: Any, data: Path, tmp_path: Path) -> None:
    evaluation = bench.client.evaluate("msearth", data, MODEL)
    bench.finish()
    bench.artifacts.delete("local", sha256(b"<html>"))
    (tmp_path / "there").mkdir()
    for folder in ("new", "there"):
        with pytest.raises(NotFound):
            evaluation.download(tmp_path / folder)
    assert not (tmp_path / "new").exists()
    assert list((tmp_path / "there").iterdir()) == []


def test_a_folder_that_cannot_be_written_is_said_to_be(bench: Any, data: Path, tmp_path: Path) -> None:
    evaluation = bench.client.evaluate("msearth", data, MODEL)
    bench.finish()
    for folder in (tmp_path / "none/out", data / "questions.jsonl"):
        with pytest.raises(InvalidInput, match=r"^output: "):
            evaluation.download(folder)


def test_two_reports_are_compared_wherever_they_are(bench: Any, data: Path, tmp_path: Path) -> None:
    evaluation = bench.client.evaluate("msearth", data, MODEL)
    bench.finish()
    evaluation.download(tmp_path / "out", report="mine.json")
    difference = {"a": 0.5, "b": 0.75, "difference": 0.25, "low": 0.1, "high": 0.4, "p": 0.01, "n": 9}
    bench.differences = [
        benchmark_pb2.Difference(metric="mcq_accuracy", dimension="sphere", name="Hydrosphere", **difference),
        benchmark_pb2.Difference(a=1, b=1, n=1),
    ]
    first, second = bench.client.compare(evaluation.name, tmp_path / "out/mine.json")
    assert (first.difference, first.ci95, first.p, first.stderr) == (0.25, (0.1, 0.4), 0.01, None)
    assert (second.ci95, second.p) == (None, None)
    request = bench.asked[-1]
    compared = ("report.json", "items.jsonl", "design.jsonl")
    assert dict(request.b) == {name: sha256(bench.files()[name]) for name in compared}
    assert dict(request.b).items() <= dict(request.a).items()
    bench.client.compare(evaluation, evaluation.name)
    assert bench.asked[-1].a == bench.asked[-1].b
    (tmp_path / "out/items.jsonl").unlink()
    for where in (tmp_path / "out", tmp_path / "out/mine.json", tmp_path / "none"):
        with pytest.raises(InvalidInput, match=r"^b: received no (report\.json|items\.jsonl): "):
            bench.client.compare(evaluation, where)


def test_benchmarks_and_boards(bench: Any) -> None:
    bench.suites = [benchmark_pb2.Suite(name="sfe", description="SFE")]
    bench.suites[0].variants.add(name="official", description="The release's.").unavailable["bertscore"] = "no weights"
    bench.suites[0].metrics.add(name="iou", description="overlap of boxes, 0 to 1", kinds=["boxes"])
    (suite,) = bench.client.suites()
    assert (suite.name, suite.variants[0].unavailable) == ("sfe", {"bertscore": "no weights"})
    assert (suite.metrics[0].name, suite.metrics[0].kinds) == ("iou", ("boxes",))
    board = benchmark_pb2.Board(metric="score", dataset_sha256=SUM, judge="j", prompt_version="tellurion-1", items=830)
    figure = benchmark_pb2.Metric(name="score", value=0.3408)
    board.standings.add(model="o3", metric=figure, best_rank=1, worst_rank=2, coverage=0.5)
    bench.boards = [board]
    (found,) = bench.client.leaderboard("sfe", dataset_sha256=SUM)
    (standing,) = found.standings
    assert (found.metric, found.judge, found.items) == ("score", "j", 830)
    assert (standing.figure.value, standing.best_rank, standing.worst_rank, standing.coverage) == (0.3408, 1, 2, 0.5)
    assert bench.asked[-1].variant == "official"


@pytest.mark.parametrize(
    ("changed", "field"),
    [
        ({"suite": "imagenet"}, "suite"),
        ({"suite": "omniearth", "variant": "vlmevalkit"}, "variant"),
        ({"model": Endpoint("localhost:8000", "m")}, "model.url"),
        ({"model": Endpoint("http://me:secret@localhost/v1", "m")}, "model.url"),
        ({"model": Endpoint("http://localhost:99999/v1", "m")}, "model.url"),
        ({"model": Endpoint(MODEL.url, "")}, "model.model"),
        ({"model": Endpoint(MODEL.url, "m", concurrency=1000)}, "model.concurrency"),
        ({"model": Endpoint(MODEL.url, "m", concurrency=-1)}, "model.concurrency"),
        ({"model": Endpoint(MODEL.url, "m", concurrency=1.5)}, "model.concurrency"),  # type: ignore[arg-type]
        ({"model": Endpoint(MODEL.url, "m", timeout=float("nan"))}, "model.timeout"),
        ({"model": Endpoint(MODEL.url, "m", api_key_env="my key")}, "model.api_key_env"),
        ({"model": Endpoint(MODEL.url, "\ud800")}, "model.model"),
        ({"judge": Endpoint(MODEL.url, "j", input_price=-1)}, "judge.input_price"),
        ({"judge": Endpoint("ftp://judge", "j")}, "judge.url"),
        ({"limit": -1}, "limit"),
        ({"limit": 10**9}, "limit"),
        ({"budget": Budget(tokens=-1)}, "budget.tokens"),
        ({"budget": Budget(requests=2**64)}, "budget.requests"),
        ({"budget": Budget(cost=float("inf"))}, "budget.cost"),
        ({"budget": Budget(cost=1), "model": Endpoint(MODEL.url, "m")}, "budget.cost"),
        ({"priority": 2}, "priority"),
        ({"prompts": "none"}, "prompts"),
        ({"prompts": {f"p{index}": "" for index in range(51)}}, "prompts"),
        ({"timeout": 0}, "timeout"),
    ],
)
def test_what_cannot_be_used_is_named_before_anything_is_sent(
    bench: Any, data: Path, changed: dict[str, Any], field: str
) -> None:
    asked = {"suite": "msearth", "data": data, "model": MODEL} | changed
    with pytest.raises(InvalidInput) as caught:
        bench.client.evaluate(**asked)
    assert [violation.field for violation in caught.value.violations] == [field]
    assert "secret" not in caught.value.message
    assert bench.asked == []
    assert [path for path in bench.folder.rglob("*") if path.is_file()] == []


def test_prompts_are_short_texts(bench: Any, data: Path, tmp_path: Path) -> None:
    folder = tmp_path / "prompts"
    folder.mkdir()
    with pytest.raises(InvalidInput, match="prompts: received none in "):
        bench.client.evaluate("msearth", data, MODEL, prompts=folder)
    for content in (b"\xff", b"x" * (1 << 17)):
        (folder / "judge.txt").write_bytes(content)
        with pytest.raises(InvalidInput, match=r"^prompts: .*text in UTF-8"):
            bench.client.evaluate("msearth", data, MODEL, prompts=folder)


def test_a_folder_without_questions_or_with_several_is_refused(bench: Any, data: Path, tmp_path: Path) -> None:
    (data / "questions.parquet").write_bytes(b"PAR1")
    (tmp_path / "empty").mkdir()
    for folder, received in (
        (data, r"questions\.jsonl and questions\.parquet"),
        (tmp_path / "empty", "none in "),
        (tmp_path / "none", "nothing: "),
        (data / "questions.jsonl", "no folder: "),
    ):
        with pytest.raises(InvalidInput, match=rf"^data: received {received}.*; accepted: a folder with"):
            bench.client.evaluate("msearth", folder, MODEL)
    (data / "questions.parquet").unlink()
    with pytest.raises(InvalidInput, match=r"^predictions: "):
        bench.client.score("msearth", data, tmp_path)


@pytest.mark.parametrize("name", ["", "ocean/operations/" + "0" * 32, "benchmark/operations/1"])
def test_a_name_that_no_evaluation_can_have(bench: Any, name: str) -> None:
    with pytest.raises(InvalidInput, match=r"^name: "):
        bench.client.evaluation(name)


def test_many_at_once_are_one_evaluation(bench: Any, data: Path) -> None:
    names: list[str] = []
    client: BenchmarkClient = bench.client
    threads = [
        threading.Thread(target=lambda: names.append(client.evaluate("msearth", data, MODEL).name)) for _ in range(8)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    assert len(names) == 8
    assert len(set(names)) == 1


def test_a_client_of_what_is_not_there_says_so(bench: Any, data: Path) -> None:
    bench.served.stop()
    with pytest.raises(TellurionError, match="no Tellurion service answers"):
        bench.client.evaluate("msearth", data, MODEL, timeout=5)
