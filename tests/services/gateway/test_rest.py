"""REST in front of a real service with long work: from files to a report, page by page, event by event."""

from __future__ import annotations

import base64
import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from hashlib import sha256
from pathlib import Path
from typing import Any

import httpx
import pytest

QUESTIONS = [
    {
        **{"idx": number, "question": "Which gas warms most? A) CO2 B) N2 C) O2 D) Ar", "answer": "A"},
        **{"reasoning_chain": "", "task": "knowledge_qa", "sphere": "Cryosphere", "subject": "Glaciology"},
        **{"sub_discipline": "Glacier dynamics", "format": "multiple_choice"},
    }
    for number in range(3)
]


@pytest.fixture(scope="module")
def platform(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, str]]:
    """Addresses of a benchmark service and a worker, as processes."""
    folder = tmp_path_factory.mktemp("p")
    kept = {name: value for name, value in os.environ.items() if not name.startswith("TELLURION_")}

    def tellurion(*words: str) -> str:
        asked = [sys.executable, "-m", "tellurion_client", *words, "--state", str(folder / "state")]
        done = subprocess.run(asked, env=kept | {"TMPDIR": str(folder)}, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stderr
        return done.stdout

    yield json.loads(tellurion("up", "--detach", "--services", "benchmark", "--json"))["services"]
    tellurion("down")


@pytest.fixture(scope="module")
def rest(start_gateway: Callable[..., Any], platform: dict[str, str]) -> httpx.Client:
    """A client of a gateway in front of that service."""
    return start_gateway(benchmark_address=platform["benchmark"], max_json_bytes=20_000).client


def lines(content: bytes, *, piece: int = 1 << 12) -> list[dict[str, Any]]:
    """The messages that upload a file."""
    described = {"id": sha256(content).hexdigest(), "size": len(content), "media_type": "text/plain", "name": "file"}
    pieces = [content[start : start + piece] for start in range(0, len(content), piece)]
    return [{"description": described}, *({"chunk": base64.b64encode(part).decode()} for part in pieces)]


def ndjson(messages: list[dict[str, Any]]) -> dict[str, Any]:
    content = "".join(json.dumps(message) + "\n" for message in messages)
    return {"content": content, "headers": {"Content-Type": "application/x-ndjson"}}


JSON = {"Content-Type": "application/json"}
UPLOAD = "/v1/benchmark/artifacts:upload"


def stored(rest: httpx.Client, content: bytes) -> str:
    answer = rest.post(UPLOAD, **ndjson(lines(content)))
    assert answer.status_code == 200, answer.text
    return answer.json()["artifact"]["id"]


@pytest.fixture(scope="module")
def evaluation(rest: httpx.Client) -> dict[str, Any]:
    """An evaluation of given predictions, ready to be asked for."""
    questions = "".join(json.dumps(question) + "\n" for question in QUESTIONS).encode()
    answers = "".join(json.dumps({"id": number, "prediction": "A"}) + "\n" for number in range(3)).encode()
    return {
        "request_id": "first",
        "suite": "earthse",
        "data": {"questions": stored(rest, questions), "format": "FORMAT_JSON_LINES"},
        "predictions": stored(rest, answers),
    }


@pytest.fixture(scope="module")
def done(rest: httpx.Client, evaluation: dict[str, Any]) -> tuple[str, list[tuple[str, dict[str, Any]]]]:
    """The name of that evaluation, and the events of it until its end."""
    name = rest.post("/v1/benchmark/evaluations", json=evaluation).json()["operation"]
    with rest.stream("GET", f"/v1/{name}:watch", headers={"Accept": "text/event-stream"}) as answer:
        assert answer.headers["content-type"].startswith("text/event-stream")
        blocks = "".join(answer.iter_text()).strip().split("\n\n")
    events = [dict(line.split(": ", 1) for line in block.splitlines()) for block in blocks if block[0] != ":"]
    return name, [(event["event"], json.loads(event["data"])) for event in events]


def test_progress_is_told_until_the_end(done: tuple[str, list[tuple[str, dict[str, Any]]]]) -> None:
    name, events = done
    assert name.startswith("benchmark/operations/")
    assert {kind for kind, _ in events} == {"message"}
    assert [news["done"] for _, news in events] == [False] * (len(events) - 1) + [True]
    assert events[-1][1]["metadata"]["state"] == "STATE_SUCCEEDED"


def test_an_operation_is_found_under_its_name(rest: httpx.Client, done: tuple[str, Any]) -> None:
    answer = rest.get(f"/v1/{done[0]}")
    operation = answer.json()
    assert (answer.status_code, operation["name"], operation["done"]) == (200, done[0], True)
    assert operation["response"]["@type"] == "type.googleapis.com/tellurion.benchmark.v1.EvaluationResult"
    report = rest.get(f"/v1/benchmark/reports/{done[0].rpartition('/')[2]}").json()
    assert report["result"] == {key: value for key, value in operation["response"].items() if key != "@type"}


def test_what_the_caller_has_is_not_sent_again(rest: httpx.Client, done: tuple[str, Any]) -> None:
    tag = rest.get(f"/v1/{done[0]}").headers["etag"]
    again = rest.get(f"/v1/{done[0]}", headers={"If-None-Match": f'"other", {tag}'})
    assert (again.status_code, again.content, again.headers["etag"]) == (304, b"", tag)


def test_the_same_request_is_the_same_operation_and_another_one_is_refused(
    rest: httpx.Client, evaluation: dict[str, Any], done: tuple[str, Any]
) -> None:
    assert rest.post("/v1/benchmark/evaluations", json=evaluation).json() == {"operation": done[0]}
    other = rest.post("/v1/benchmark/evaluations", json=evaluation | {"limit": 1})
    assert (other.status_code, other.json()["type"]) == (409, "urn:tellurion:problem:conflict")


def test_operations_come_in_pages(rest: httpx.Client, evaluation: dict[str, Any], done: tuple[str, Any]) -> None:
    second = rest.post("/v1/benchmark/evaluations", json=evaluation | {"request_id": "second"}).json()["operation"]
    page = rest.get("/v1/benchmark/operations", params={"page_size": 1}).json()
    assert [operation["name"] for operation in page["operations"]] == [second]
    rest_of = rest.get("/v1/benchmark/operations", params={"page_token": page["next_page_token"]}).json()
    assert [operation["name"] for operation in rest_of["operations"]] == [done[0]]
    waited = rest.post(f"/v1/{second}:wait", json={"timeout": "30s"}).json()
    assert (waited["name"], waited["done"]) == (second, True)
    assert rest.delete(f"/v1/{second}").json() == {}
    assert rest.get(f"/v1/{second}").status_code == 404
    assert rest.post(f"/v1/{second}:cancel").status_code == 404


def test_a_list_and_lines_upload_the_same(rest: httpx.Client) -> None:
    messages = lines(b"some bytes", piece=3)
    asked = rest.post(UPLOAD, json=messages), rest.post(UPLOAD, **ndjson(messages))
    assert [answer.json()["artifact"]["size"] for answer in asked] == ["10", "10"]
    found = rest.post("/v1/benchmark/artifacts:find", json={"ids": [messages[0]["description"]["id"]]}).json()
    assert found["artifacts"] == [asked[1].json()["artifact"]]


@pytest.mark.parametrize(
    ("accept", "read"),
    [
        ("application/json", json.loads),
        ("application/x-ndjson", lambda text: [json.loads(line) for line in text.splitlines()]),
        (
            "text/event-stream",
            lambda text: [json.loads(line[6:]) for line in text.splitlines() if line.startswith("data: ")],
        ),
    ],
)
def test_a_stream_is_answered_as_a_list_lines_or_events(
    rest: httpx.Client, accept: str, read: Callable[[str], Any]
) -> None:
    artifact = stored(rest, b"bytes")
    answer = rest.get(f"/v1/benchmark/artifacts/{artifact}:download", headers={"Accept": accept})
    assert answer.headers["content-type"].startswith(accept)
    described, chunk = read(answer.text)
    assert described["artifact"]["id"] == artifact
    assert chunk == {"chunk": base64.b64encode(b"bytes").decode()}


def test_events_are_named_by_what_they_hold(rest: httpx.Client) -> None:
    artifact = stored(rest, b"bytes")
    answer = rest.get(f"/v1/benchmark/artifacts/{artifact}:download", headers={"Accept": "text/event-stream"})
    assert [line for line in answer.text.splitlines() if line.startswith("event: ")] == [
        "event: artifact",
        "event: chunk",
    ]


def test_a_list_too_large_for_memory_is_had_as_lines(rest: httpx.Client) -> None:
    content = os.urandom(30_000)
    path = f"/v1/benchmark/artifacts/{stored(rest, content)}:download"
    refused = rest.get(path)
    assert (refused.status_code, "accept application/x-ndjson" in refused.json()["detail"]) == (429, True)
    got = rest.get(path, headers={"Accept": "application/x-ndjson"}).text.splitlines()
    assert b"".join(base64.b64decode(json.loads(line).get("chunk", "")) for line in got) == content


def test_a_file_goes_through_line_by_line(
    start_gateway: Callable[..., Any], platform: dict[str, str], tmp_path: Path
) -> None:
    gateway = start_gateway(benchmark_address=platform["benchmark"])
    passed(gateway.client, tmp_path, 8 << 20)  # the buffers of a connection to the service come once
    before = gateway.peak_memory()
    size = 32 << 20
    passed(gateway.client, tmp_path, size)
    assert gateway.peak_memory() - before < size // 2


def passed(client: httpx.Client, folder: Path, size: int) -> None:
    """Sends a file up and fetches it, line by line."""
    content = os.urandom(size)
    body = folder / "body"
    body.write_text(ndjson(lines(content, piece=1 << 19))["content"])
    with body.open("rb") as file:
        answer = client.post(UPLOAD, content=file, headers=ndjson([])["headers"])
    artifact = answer.json()["artifact"]["id"]
    digest = sha256()
    path, accept = f"/v1/benchmark/artifacts/{artifact}:download", {"Accept": "application/x-ndjson"}
    with client.stream("GET", path, headers=accept) as got:
        for line in got.iter_lines():
            digest.update(base64.b64decode(json.loads(line).get("chunk", "")))
    assert digest.hexdigest() == artifact


@pytest.mark.parametrize("accept", ["application/json", "application/x-ndjson"])
def test_what_fails_before_its_first_answer_has_a_status(rest: httpx.Client, accept: str) -> None:
    answer = rest.get(f"/v1/benchmark/artifacts/{'0' * 64}:download", headers={"Accept": accept})
    assert (answer.status_code, answer.headers["content-type"]) == (404, "application/problem+json")


def test_events_that_fail_end_with_the_problem(rest: httpx.Client) -> None:
    answer = rest.get(f"/v1/benchmark/artifacts/{'0' * 64}:download", headers={"Accept": "text/event-stream"})
    name, data = answer.text.strip().splitlines()
    assert (name, json.loads(data.removeprefix("data: "))["status"]) == ("event: error", 404)


@pytest.mark.parametrize(
    ("method", "path", "request_", "status", "field"),
    [
        ("GET", "/v1/benchmark/operations?colour=red", {}, 422, "colour"),
        ("GET", "/v1/benchmark/operations?name=agent", {}, 422, "name"),
        ("GET", "/v1/benchmark/operations?page_size=1&page_size=2", {}, 422, "page_size"),
        ("GET", "/v1/benchmark/operations?page_size=many", {}, 422, "page_size"),
        ("GET", "/v1/benchmark/operations/x", {}, 422, "name"),
        ("GET", "/v1/benchmark/leaderboard", {}, 422, "suite"),
        ("GET", "/v1/benchmark/suites", {"headers": {"Accept": "image/png"}}, 406, "Accept"),
        ("POST", f"/v1/benchmark/operations/{'0' * 32}:wait?timeout=1s", {}, 422, "query"),
        ("POST", f"/v1/benchmark/operations/{'0' * 32}:cancel", {"json": {"name": "x"}}, 422, "name"),
        ("POST", "/v1/benchmark/evaluations", {"content": b"{}"}, 415, "Content-Type"),
        ("POST", "/v1/benchmark/evaluations", {"json": {"request_id": "x" * 30_000}}, 413, "body"),
        ("POST", "/v1/benchmark/evaluations", {"json": {"data": {"format": "FORMAT_XML"}}}, 422, "data.format"),
        ("POST", "/v1/benchmark/evaluations", {"json": []}, 422, "body"),
        ("POST", "/v1/benchmark/evaluations", {"content": b"null", "headers": JSON}, 422, "body"),
        ("POST", UPLOAD, {"json": {}}, 422, "body"),
        ("POST", UPLOAD, {"json": [{"description": {}}, {"piece": ""}]}, 422, "[1].piece"),
        ("POST", UPLOAD, ndjson([*lines(b"abc"), {"chunk": 7}]), 422, "line 3.chunk"),
        ("POST", UPLOAD, ndjson([{"chunk": "A" * 30_000}]), 422, "line 1"),
        ("POST", UPLOAD, {"content": b"\n\n", "headers": ndjson([])["headers"]}, 422, "line 1"),
        ("PUT", "/v1/benchmark/suites", {}, 405, "method"),
    ],
)
def test_what_cannot_be_used_is_named(
    rest: httpx.Client, method: str, path: str, request_: dict[str, Any], status: int, field: str
) -> None:
    answer = rest.request(method, path, **request_)
    assert (answer.status_code, answer.headers["content-type"]) == (status, "application/problem+json")
    assert answer.json()["errors"][0]["field"] == field


def test_a_service_that_is_not_here_is_not_found(rest: httpx.Client) -> None:
    for path in ("/v1/splat/operations", "/v1/agent/runs"):
        assert rest.get(path).status_code == 404
    assert {path.split("/")[2] for path in rest.get("/openapi.json").json()["paths"] if path.startswith("/v1/")} == {
        *("benchmark", "ocean", "ocean:reconstruct", "ocean:evaluate", "artifacts", "uploads", "account", "keys"),
    }


def test_the_request_id_goes_with_the_request(rest: httpx.Client) -> None:
    answer = rest.get("/v1/benchmark/operations/x", headers={"X-Request-Id": "mine"})
    assert (answer.headers["x-request-id"], answer.json()["request_id"]) == ("mine", "mine")
