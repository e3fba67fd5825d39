"""The job: every suite to its end whatever endpoints do, nothing asked twice, no failure turned into a score."""

from __future__ import annotations

import json
import re
import sqlite3
import struct
import zlib
from collections import Counter
from contextlib import contextmanager
from pathlib import Path

import pytest
from google.protobuf import any_pb2

from tellurion.benchmark.v1 import benchmark_pb2
from tellurion.common.v1 import progress_pb2
from tellurion_benchmark.asking.budget import TOKENS_OF_AN_IMAGE
from tellurion_benchmark.evaluation import evaluate
from tellurion_benchmark.scorers import earthse
from tellurion_core.errors import Cancelled, InvalidInput, NotFound, PermissionDenied, ResourceExhausted

SUITES = ("sfe", "omniearth", "msearth", "earthse", "earth-gold")
PRECISION = (
    '[{"step_type": "logical inference", "judgment": "Match"}, {"step_type": "logical inference", "judgment": "x"}]'
)
RECALL = '[{"judgment": "Matched"}, {"judgment": "Unmatched"}]'
JUDGES = {
    "sfe": [("", "$digit")],
    "omniearth": [("Divide its solution", PRECISION), ("reference steps", RECALL), ("", '{"score": 0.5}')],
    "msearth": [("", '{"is_correct": "true", "score": "4"}')],
    "earthse": [("", "B")],
    "earth-gold": [("", "2")],
}
"""What a judge replies to a question with these words."""
BOXES = [("Box the eyes", "[10,20,110,220]"), ("", "$letter")]
"""What a model replies."""
TROUBLE = (("429:0.01", "500", "slow:0.05"), ("malformed", "half"), ("drop", "html", "503"), ("empty", "429"))
OPERATION = "benchmark/operations/{:032x}"


@pytest.fixture
def endpoints(scripted, tmp_path):
    """Starts a model and a judge: `with endpoints("sfe", trouble=…) as (model, judge):`."""
    started = 0

    @contextmanager
    def endpoints(suite, *, trouble=((),), judge=None):
        nonlocal started
        started += 1
        folders = [tmp_path / f"{role}{started}" for role in ("model", "judge")]
        for folder in folders:
            folder.mkdir()
        shares = [1 / (len(trouble) - place) for place in range(len(trouble))]
        asked, judged = (
            [
                scripted.Rule(match=match, share=share, steps=steps, reply=reply)
                for match, reply in replies
                for share, steps in zip(shares, trouble, strict=True)
            ]
            for replies in (BOXES, judge or JUDGES[suite])
        )
        with scripted.serving(folders[0], *asked) as model, scripted.serving(folders[1], *judged) as judge_server:
            yield model, judge_server

    return endpoints


@pytest.fixture
def distinct(data_files, write_dataset, tmp_path):
    """Writes so many questions of a suite, no two of which say the same; no captions, which Java takes seconds for."""

    def distinct(suite, count):
        records = [r for r in data_files.many(suite, count) if r.get("Question Type") != "Captioning"]
        for number, record in enumerate(records):
            field = next(name for name in ("question", "Text", "query", "user_0") if name in record)
            record[field] = f"{number}. {record[field]}"
        return write_dataset(tmp_path / "distinct", suite, records=records)

    return distinct


@pytest.fixture
def questions(scripted):
    """How often each question came to a server."""

    def questions(*servers):
        seen = [q.hash for server in servers if server.log.exists() for q in scripted.questions(server.folder)]
        return Counter(seen)

    return questions


def endpoint(server, model="planet-7b", **fields):
    return benchmark_pb2.Endpoint(url=server.url, model=model, **fields)


@pytest.mark.usefixtures("hasty")
@pytest.mark.parametrize("suite", SUITES)
def test_a_disturbed_run_gives_the_same_bytes_as_an_undisturbed_one(suite, evaluating, endpoints, questions, distinct):
    folder = distinct(suite, 3 if suite == "earth-gold" else 12)  # embeddings take their time
    runs = []
    for number, trouble in enumerate((((),), TROUBLE)):
        with endpoints(suite, trouble=trouble) as (model, judge):
            request = evaluating.request(suite, folder, model=endpoint(model), judge=endpoint(judge, "oracle"))
            runs.append(evaluating.run(request, number))
            asked = questions(model, judge)
            assert (max(asked.values()) > 1) == (number == 1)
    undisturbed, disturbed = runs
    assert undisturbed.same_bytes == disturbed.same_bytes
    assert undisturbed.report["coverage"] == 1
    assert None not in undisturbed.scores.values()
    assert disturbed.run["asked"]["model"]["retries"] > 0
    assert disturbed.run["asked"]["model"]["troubles"]
    assert not disturbed.run["asked"]["model"]["given_up"]


@pytest.mark.parametrize("suite", ["sfe", "msearth"])
def test_an_attempt_that_ends_in_the_middle_is_gone_on_from(suite, evaluating, endpoints, questions, distinct):
    folder = distinct(suite, 40)
    with endpoints(suite) as (model, judge):
        request = evaluating.request(
            suite, folder, model=endpoint(model, concurrency=2), judge=endpoint(judge, "oracle", concurrency=2)
        )
        for attempt in (1, 2):
            few = 6 * attempt
            with pytest.raises(Cancelled):
                evaluating.run(request, 1, attempt=attempt, cancelled=lambda few=few: questions(model).total() >= few)
        killed = evaluating.root / "jobs" / f"{1:032x}" / "attempt-killed"
        killed.mkdir()
        resumed = evaluating.run(request, 1, attempt=3)
        asked = resumed.run["asked"]["model"]
        assert asked["requests"] == asked["answered"] == 40 - asked["answered_before"]
        # Only what an endpoint was being asked when an attempt ended, two questions at most, is asked again.
        for server in (model, judge):
            seen = questions(server)
            assert seen.total() <= len(seen) + 2 * 2
        assert resumed.report["coverage"] == 1
        assert not killed.exists()
        assert resumed.same_bytes == evaluating.run(request, 2).same_bytes


def test_the_answers_of_another_evaluation_are_not_asked_for_again(
    evaluating, endpoints, questions, write_dataset, tmp_path
):
    folder = write_dataset(tmp_path / "data", "msearth")
    with endpoints("msearth") as (model, judge):
        request = evaluating.request("msearth", folder, model=endpoint(model), judge=endpoint(judge), limit=2)
        first = evaluating.run(request, 1)
        request.limit, request.reuse = 0, OPERATION.format(1)
        second = evaluating.run(request, 2)
        assert set(questions(model, judge).values()) == {1}
        assert first.scores.items() < second.scores.items()
        request.reuse = OPERATION.format(2)  # answers that this one has from another are passed on
        assert evaluating.run(request, 3).same_bytes == second.same_bytes
        assert set(questions(model, judge).values()) == {1}


def test_answers_that_are_gone_are_said_to_be_and_not_asked_for_again(
    evaluating, endpoints, questions, write_dataset, tmp_path
):
    folder = write_dataset(tmp_path / "data", "earthse")
    with endpoints("earthse") as (model, _):
        request = evaluating.request("earthse", folder, model=endpoint(model), reuse=OPERATION.format(99))
        with pytest.raises(NotFound, match="0063 are not there any more"):
            evaluating.run(request)
        assert not questions(model)


@pytest.mark.parametrize("suite", ["earthse", "earth-gold"])
def test_what_a_model_answered_is_scored_again_without_it(suite, evaluating, endpoints, write_dataset, tmp_path):
    folder = write_dataset(tmp_path / "data", suite)
    with endpoints(suite) as (model, judge):
        asked = evaluating.run(
            evaluating.request(suite, folder, model=endpoint(model), judge=endpoint(judge, "oracle"))
        )
        predictions = evaluating.put(asked.files["predictions.jsonl"])
        request = evaluating.request(suite, folder, judge=endpoint(judge, "oracle"))
        request.predictions = predictions
        given = evaluating.run(request, 2)
    assert given.files["report.json"] == asked.files["report.json"]
    assert given.files["items.jsonl"] == asked.files["items.jsonl"]
    assert "predictions.jsonl" not in given.files
    assert given.run["asked"].keys() == {"judge"}


def test_without_a_judge_what_needs_one_is_unscored(evaluating, write_dataset, tmp_path):
    folder = write_dataset(tmp_path / "data", "sfe")
    answers = {"A001/0": "A", "L003/2": "3", "C014/1": "a gas", "E011/0": "[10,20,110,220]"}
    scored = evaluating.run(evaluating.request("sfe", folder, predictions=answers))
    assert scored.scores == {"A001/0": None, "L003/2": None, "C014/1": None, "E011/0": 0.5}
    assert {item["reason"] for item in scored.items.values() if item["score"] is None} == {"no judge"}
    assert scored.report["metrics"]["judge_score"]["n"] == 0
    assert scored.report["coverage"] == 1


def test_what_another_evaluation_would_not_ask_is_not_given_up(evaluating, endpoints, write_dataset, tmp_path):
    folder = write_dataset(tmp_path / "data", "sfe")
    (folder / "images" / "A001_0.png").unlink()
    with endpoints("sfe") as (model, judge):
        outcome = evaluating.run(evaluating.request("sfe", folder, model=endpoint(model), judge=endpoint(judge)))
    assert outcome.report["coverage"] < 1
    assert outcome.result.report.given_up == outcome.run["given_up"] == 0


def test_a_cost_without_prices_is_no_budget(evaluating, write_dataset, tmp_path):
    folder = write_dataset(tmp_path / "data", "earthse")
    free = benchmark_pb2.Endpoint(url="http://localhost:1/v1", model="m")
    request = evaluating.request("earthse", folder, model=free, budget=benchmark_pb2.Budget(cost=1.0))
    with pytest.raises(InvalidInput, match=r"budget\.cost: received 1\.0; accepted: none, where nothing has a price"):
        evaluating.run(request)


def test_a_judge_that_answers_prose_gives_no_score(evaluating, endpoints, write_dataset, tmp_path):
    folder = write_dataset(tmp_path / "data", "msearth")
    with endpoints("msearth", judge=[("", "That is a truly excellent answer!")]) as (_, judge):
        request = evaluating.request("msearth", folder, predictions={"ON000002": "Holocene"}, judge=endpoint(judge))
        item = evaluating.run(request).items["ON000002"]
    assert (item["score"], item["extracted"]) == (None, "Holocene")
    assert item["reason"] == "the judge did not answer in the form that was asked for"


def test_the_judges_version_is_reported_and_remembered_with_its_answers(evaluating, scripted, write_dataset, tmp_path):
    folder = write_dataset(tmp_path / "data", "earthse")
    choice = {"index": 0, "message": {"role": "assistant", "content": "B"}, "finish_reason": "stop"}
    completion = json.dumps({"model": "oracle-2026-01-01", "choices": [choice]})
    (tmp_path / "judge").mkdir()
    with scripted.serving(tmp_path / "judge", scripted.Rule(steps=(f"body:{completion}",), forever=True)) as judge:
        request = evaluating.request("earthse", folder, predictions={"4": "x"}, judge=endpoint(judge, "oracle"))
        first, again = evaluating.run(request), evaluating.run(request, attempt=2)
    assert first.report["judge"] == {
        "model": "oracle",
        "snapshot": "oracle-2026-01-01",
        "prompt_version": "tellurion-1",
    }
    assert again.files["report.json"] == first.files["report.json"]
    assert again.run["asked"]["judge"]["requests"] == 0
    assert first.result.report.judge_snapshot == "oracle-2026-01-01"


def test_prompts_that_are_given_are_those_that_the_judge_reads(
    evaluating, endpoints, scripted, write_dataset, tmp_path
):
    folder = write_dataset(tmp_path / "data", "earthse")
    with endpoints("earthse") as (_, judge):
        request = evaluating.request("earthse", folder, predictions={"4": "x"}, judge=endpoint(judge))
        request.prompts["judge_free_form"] = "MINE {question} {reference} {answer}"
        report = evaluating.run(request).report
        (seen,) = scripted.questions(judge.folder)
    assert "MINE How would you date the moraine? By exposure ages of boulders. x" in seen.text
    assert report["judge"]["prompt_version"].startswith("tellurion-1+sha256:")


FOREVER = [("400",), ("html",), ("empty",), ("malformed",), ("huge",), ("half",), ("drop",), ("hang",), ("500",)]


@pytest.mark.usefixtures("hasty")
@pytest.mark.parametrize("steps", FOREVER, ids=[steps[0] for steps in FOREVER])
def test_whatever_an_endpoint_does_to_one_question_is_that_items_reason(
    steps, evaluating, scripted, write_dataset, tmp_path
):
    folder = write_dataset(tmp_path / "data", "earthse")
    (tmp_path / "model").mkdir()
    poison = scripted.Rule(match="Sea level", steps=steps, forever=True)
    with scripted.serving(tmp_path / "model", poison) as model:
        request = evaluating.request("earthse", folder, model=endpoint(model, timeout=0.3))
        outcome = evaluating.run(request)
    assert outcome.report["coverage"] == 0.75
    item = outcome.items["2"]
    assert (item["extracted"], item["score"]) == (None, None)
    assert item["reason"].startswith("the endpoint ")
    figure = outcome.report["metrics"]["true_false_accuracy"]
    assert (figure["value"], figure["n"], figure["unscored"]) == (None, 0, 1)


@pytest.mark.usefixtures("hasty")
def test_an_endpoint_that_refuses_everything_leaves_a_report_without_figures(evaluating, scripted, distinct, tmp_path):
    folder = distinct("earthse", 40)
    (tmp_path / "model").mkdir()
    with scripted.serving(tmp_path / "model") as model:
        closed = endpoint(model)
    outcome = evaluating.run(evaluating.request("earthse", folder, model=closed))
    assert outcome.report["coverage"] == 0
    assert set(outcome.scores.values()) == {None}
    assert all(figure["value"] is None for figure in outcome.report["metrics"].values())
    assert "the endpoint cannot be reached" in outcome.run["unscored"]
    assert outcome.run["trouble"] == "the endpoint cannot be reached"
    asked = [message for _, message in outcome.told if message.startswith("asked")]
    assert asked[0] == "asked 0 of 40"
    assert any(re.fullmatch(r"asked 0 of 40, 0 tokens, the endpoint cannot be reached, \d+ times", m) for m in asked)
    assert outcome.result.report.given_up == outcome.run["given_up"] == 40


def test_a_budget_ends_the_asking_and_not_the_evaluation(evaluating, endpoints, questions, distinct):
    folder = distinct("earthse", 12)
    with endpoints("earthse") as (model, _):
        request = evaluating.request("earthse", folder, model=endpoint(model), budget=benchmark_pb2.Budget(requests=5))
        outcome = evaluating.run(request)
        assert questions(model).total() == 5
    assert outcome.report["coverage"] == 5 / 12
    assert outcome.run["unscored"]["the budget is used up"] == 7
    assert outcome.run["spent"]["requests"] == 5


def test_an_image_with_a_fault_is_its_items_alone(evaluating, endpoints, questions, write_dataset, tmp_path):
    folder = write_dataset(tmp_path / "data", "sfe")
    (folder / "images" / "A001_0.png").unlink()
    (folder / "images" / "L003_2.png").write_bytes(b"<html>")
    (folder / "images" / "C014_1.png").write_bytes(megapixels(10_000, 10_000))
    with endpoints("sfe") as (model, judge):
        outcome = evaluating.run(evaluating.request("sfe", folder, model=endpoint(model), judge=endpoint(judge)))
        assert questions(model, judge).total() == 1
    reasons = [item["reason"] for item in outcome.items.values()]
    assert reasons[0] == "an image is missing: images/A001_0.png"
    assert outcome.run["unscored"]["an image is missing"] == 1
    assert "an image is missing: images/A001_0.png" in outcome.files["report.html"].decode()
    assert "is not a PNG" in reasons[1]
    assert "50 megapixels" in reasons[2]
    assert outcome.scores["E011/0"] is not None
    assert outcome.report["coverage"] == 0.25


def test_predictions_are_scored_without_images_where_these_are_not_looked_at(
    evaluating, endpoints, questions, write_dataset, tmp_path
):
    folder = write_dataset(tmp_path / "data", "omniearth")
    for image in folder.rglob("*.jpg"):
        image.unlink()
    answers = {"Forest extent/0": "B", "Eddy localization/0": "[16,12,48,36]", "Sea ice/0": "12"}
    with endpoints("omniearth") as (_, judge):
        request = evaluating.request("omniearth", folder, predictions=answers, judge=endpoint(judge))
        outcome = evaluating.run(request)
    assert outcome.scores["Forest extent/0"] == 1
    assert outcome.scores["Sea ice/0"] == 0.5  # its judge sees no image
    assert outcome.scores["Eddy localization/0"] is None  # a box has no place without the image's size


def test_a_judge_is_not_asked_about_an_image_that_it_cannot_see(
    evaluating, endpoints, questions, write_dataset, tmp_path
):
    folder = write_dataset(tmp_path / "data", "msearth")
    for image in folder.glob("*.png"):
        image.unlink()
    answers = {"ME000001": "B", "ON000002": "Late Holocene"}
    with endpoints("msearth") as (_, judge):
        request = evaluating.request("msearth", folder, predictions=answers, judge=endpoint(judge))
        outcome = evaluating.run(request)
        assert not questions(judge)
    assert outcome.scores["ME000001"] == 1
    assert outcome.items["ON000002"]["reason"] == "an image is missing: ON000002.png"
    assert outcome.report["metrics"]["open_rouge1"]["value"] == 1


def test_a_scorer_that_fails_on_one_item_leaves_it_without_a_score(evaluating, write_dataset, tmp_path, monkeypatch):
    read = earthse.Official._read

    def failing(self, answer):
        if answer == "poison":
            raise ZeroDivisionError
        return read(self, answer)

    monkeypatch.setattr(earthse.Official, "_read", failing)
    folder = write_dataset(tmp_path / "data", "earthse")
    outcome = evaluating.run(evaluating.request("earthse", folder, predictions={"1": "A", "2": "poison"}))
    assert (outcome.scores["1"], outcome.scores["2"]) == (1, None)
    assert outcome.items["2"]["reason"] == "the answer could not be scored"
    assert outcome.report["metrics"]["accuracy"]["n"] == 1
    assert outcome.report["coverage"] == 0.5


def test_work_without_waiting_is_cancelled_too(evaluating, write_dataset, tmp_path):
    folder = write_dataset(tmp_path / "data", "earthse", count=400)
    looks = iter([False, True])
    with pytest.raises(Cancelled):
        evaluating.run(evaluating.request("earthse", folder, predictions={"1": "A"}), cancelled=lambda: next(looks))
    assert next(looks, None) is None


@pytest.mark.parametrize("full", ["data.sqlite", "results.sqlite"])
def test_a_full_disk_is_no_fault_of_the_work(full, evaluating, write_dataset, tmp_path, monkeypatch):
    connect = sqlite3.connect

    def small(path, **options):
        database = connect(path, **options)
        if Path(path).name == full:
            database.execute("PRAGMA max_page_count = 12")
        return database

    monkeypatch.setattr(sqlite3, "connect", small)
    folder = write_dataset(tmp_path / "data", "earthse", count=2000)
    with pytest.raises(ResourceExhausted, match="disk is full"):
        evaluating.run(evaluating.request("earthse", folder, predictions={"1": "A"}))


BAD_DATA = {
    "a field is missing": ({"answer": None}, r"questions\[1\]\.answer"),
    "a field of another type": ({"question": 7}, r"questions\[1\]\.question: received 7"),
    "an id that was there": ({"idx": 1}, r"questions\[1\]: received 1"),
    "another kind": ({"format": "essay"}, r"questions\[1\]\.format: received essay"),
}


@pytest.mark.parametrize(("change", "named"), BAD_DATA.values(), ids=BAD_DATA)
def test_a_data_set_in_another_layout_is_refused_before_anything_is_asked(
    change, named, evaluating, endpoints, questions, data_files, write_dataset, tmp_path
):
    records = data_files.earthse()
    records[1] |= change
    folder = write_dataset(tmp_path / "data", "earthse", records=records)
    with endpoints("earthse") as (model, _):
        with pytest.raises(InvalidInput, match=named):
            evaluating.run(evaluating.request("earthse", folder, model=endpoint(model)))
        assert not questions(model)


BAD_LINES = {
    "no JSON": (b'{"id": 1, "prediction": "A"}\n{"id": 2,', "predictions line 2"),
    "an unknown id": (b'{"id": 77, "prediction": "A"}\n', r"predictions line 1\.id: received 77"),
    "no text": (b'{"id": 1, "prediction": null}\n', r"predictions line 1\.prediction"),
    "the same id twice": (b'{"id": 1, "prediction": "A"}\n' * 2, r"predictions line 2\.id"),
}


@pytest.mark.parametrize(("content", "named"), BAD_LINES.values(), ids=BAD_LINES)
def test_predictions_that_cannot_be_used_are_named_by_their_line(content, named, evaluating, write_dataset, tmp_path):
    folder = write_dataset(tmp_path / "data", "earthse")
    request = evaluating.request("earthse", folder)
    request.predictions = evaluating.put(content)
    with pytest.raises(InvalidInput, match=named):
        evaluating.run(request)


BAD_MEDIA = {
    "no JSON": (b"x\n", "media line 1"),
    "no sum": (b'{"name": "a.png"}\n', "media line 1"),
    "another sum": (b'{"name": "a.png", "sha256": "../../etc/passwd"}\n', r"media line 1\.sha256"),
    "a file that is not there": (b'{"name": "a.png", "sha256": "%s"}\n' % (b"0" * 64), r"media line 1\.sha256"),
    "a name twice": (b'{"name": "a.png", "sha256": "%(sum)s"}\n' * 2, "media: received a.png"),
}


@pytest.mark.parametrize(("content", "named"), BAD_MEDIA.values(), ids=BAD_MEDIA)
def test_a_list_of_images_that_cannot_be_used_is_named_by_its_line(content, named, evaluating, write_dataset, tmp_path):
    request = evaluating.request("earthse", write_dataset(tmp_path / "data", "earthse"), predictions={})
    content = content.replace(b"%(sum)s", evaluating.put(b"image").encode())
    request.data.media = evaluating.put(content)
    with pytest.raises(InvalidInput, match=named):
        evaluating.run(request)


def test_another_tenants_files_are_none(evaluating, write_dataset, tmp_path):
    request = evaluating.request("earthse", write_dataset(tmp_path / "data", "earthse"), predictions={})
    request.predictions = evaluating.put(b'{"id": 1, "prediction": "A"}\n', tenant="navy")
    with pytest.raises(InvalidInput, match="predictions: received"):
        evaluating.run(request)


@pytest.mark.parametrize("role", ["model", "judge"])
def test_an_endpoint_off_the_list_is_refused_before_anything_is_read(
    role, evaluating, endpoints, questions, monkeypatch
):
    monkeypatch.setenv("TELLURION_ENDPOINTS", "models.example.org")
    with endpoints("earthse") as (model, judge):
        request = benchmark_pb2.CreateEvaluationRequest(
            suite="earthse",
            data=benchmark_pb2.DataSet(questions="0" * 64, format=benchmark_pb2.FORMAT_JSON),
            model=benchmark_pb2.Endpoint(url="https://models.example.org/v1", model="m"),
        )
        getattr(request, role).CopyFrom(endpoint(model))
        with pytest.raises(PermissionDenied, match="TELLURION_ENDPOINTS"):
            evaluating.run(request)
        assert not questions(model, judge)


@pytest.mark.parametrize("field", ["label", "model.model", "judge.model"])
def test_a_name_that_cannot_be_printed_is_refused(field, evaluating, write_dataset, tmp_path):
    named = {"label": {"label": "a\x1b[31m"}}
    for role in ("model", "judge"):
        named[f"{role}.model"] = {role: benchmark_pb2.Endpoint(url="http://localhost:1/v1", model="a\x1b[31m")}
    request = evaluating.request("earthse", write_dataset(tmp_path / "data", "earthse"), **named[field])
    if not request.HasField("model"):
        request.predictions = "0" * 64
    with pytest.raises(InvalidInput, match=rf"^{field}: received a·\[31m; accepted: printable text"):
        evaluating.run(request)


def test_a_body_of_another_kind_is_refused(evaluating):
    body = any_pb2.Any()
    body.Pack(progress_pb2.Progress())
    with pytest.raises(InvalidInput, match="body"):
        evaluate(body, evaluating.job()[0])


def test_what_remains_is_what_a_later_attempt_can_use(evaluating, endpoints, write_dataset, tmp_path):
    folder = write_dataset(tmp_path / "data", "sfe")
    with endpoints("sfe") as (model, judge):
        evaluating.run(evaluating.request("sfe", folder, model=endpoint(model), judge=endpoint(judge)))
    left = evaluating.root / "jobs" / f"{1:032x}"
    assert {path.name for path in left.iterdir()} == {"asked", "files"}


def test_run_json_says_what_it_took(evaluating, endpoints, write_dataset, tmp_path):
    folder = write_dataset(tmp_path / "data", "earthse")
    with endpoints("earthse") as (model, judge):
        priced = endpoint(model, input_price=1_000_000, output_price=2_000_000)
        run = evaluating.run(evaluating.request("earthse", folder, model=priced, judge=endpoint(judge, "oracle"))).run
    asked, spent = run["asked"], run["spent"]
    assert (asked["model"]["answered"], asked["judge"]["answered"]) == (4, 1)
    assert run["items"] == {"evaluated": 4, "answered": 4, "scored": 4}
    assert spent["requests"] == 5
    # The scripted server counts words, and answers one: a price of 1 a token sent, 2 a token received.
    assert spent["cost"] > 4 * 2
    assert run["trouble"] is None
    assert run["set_aside"] == {"requests": 0, "input_tokens": 0, "output_tokens": 0, "cost": 0}
    assert set(run["seconds"]) == {"reading", "loading", "items", "report"}
    assert run["versions"]["sacrebleu"]


@pytest.mark.usefixtures("hasty")
def test_what_may_have_been_spent_on_lost_answers_stands_apart(evaluating, scripted, write_dataset, tmp_path):
    folder = write_dataset(tmp_path / "data", "sfe")
    (tmp_path / "model").mkdir()
    with scripted.serving(tmp_path / "model", scripted.Rule(steps=("malformed",), forever=True)) as model:
        run = evaluating.run(evaluating.request("sfe", folder, model=endpoint(model))).run
    requests = run["asked"]["model"]["requests"]
    assert run["spent"] == {"requests": requests, "input_tokens": 0, "output_tokens": 0, "cost": 0}
    assert run["set_aside"]["requests"] == 0
    assert run["set_aside"]["input_tokens"] > requests * TOKENS_OF_AN_IMAGE  # each question has an image
    assert run["trouble"] == "the endpoint answered something else than a chat completion"


def test_scoring_that_takes_long_lets_no_answer_time_out(evaluating, scripted, questions, data_files, tmp_path):
    boxes = "[" + ";".join(f"{n},{n},{n + 9},{n + 9}" for n in range(600)) + "]"  # compared each with each
    record = next(r for r in data_files.sfe() if r["question"].startswith("Box"))
    records = [record | {"id": f"E011/{n}", "question": f"{n}. Box them", "answer": boxes} for n in range(8)]
    folder = data_files.write_dataset(tmp_path / "data", "sfe", records=records)
    (tmp_path / "model").mkdir()
    with scripted.serving(tmp_path / "model", scripted.Rule(steps=("slow:0.3",) * 8, reply=boxes)) as model:
        request = evaluating.request("sfe", folder, model=endpoint(model, timeout=1.0))
        outcome = evaluating.run(request)
        assert set(questions(model).values()) == {1}
    assert outcome.run["asked"]["model"]["troubles"] == {}
    assert set(outcome.scores.values()) == {1.0}


def test_what_scores_is_loaded_before_anything_is_asked(evaluating, endpoints, questions, write_dataset, tmp_path):
    folder = write_dataset(tmp_path / "data", "earthse")
    with endpoints("earthse") as (model, judge):
        request = evaluating.request("earthse", folder, model=endpoint(model), judge=endpoint(judge))
        told = [message for _, message in evaluating.run(request).told]
    assert told.index("loading what scores") < told.index("asked 0 of 4")


def megapixels(width: int, height: int) -> bytes:
    """The beginning of a PNG file that claims to be so large."""

    def chunk(kind: bytes, content: bytes) -> bytes:
        return struct.pack(">I", len(content)) + kind + content + struct.pack(">I", zlib.crc32(kind + content))

    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(b"")) + chunk(b"IEND", b"")
