"""Every option that cannot be used is one line that says what is accepted, exit code 2, and no service started."""

from __future__ import annotations

import os
import socket
from collections.abc import Callable
from pathlib import Path

import pytest

METHODS = "posterior, hybrid, gp, eof_oi, oi, dineof, reconmost, climatology"
SERVICES = "agent, assimilation, benchmark, ocean, pointcloud, splat"
SERVING = "local, ray, or triton=HOST:PORT"
NONE = "ocean/operations/" + "0" * 32
LEARNED = "accepted: none, except with posterior or reconmost"


@pytest.mark.parametrize("json", [[], ["--json"]])
@pytest.mark.parametrize(
    ("options", "line"),
    [
        (["--method", "kriging"], f"method: received kriging; accepted: {METHODS}"),
        (["--month", "13"], "month: received 13; accepted: 1 to 12"),
        (["--month", "0"], "month: received 0; accepted: 1 to 12"),
        (["--month", "May"], "month: received May; accepted: a valid integer"),
        (["--members", "0"], "members: received 0; accepted: 1 to 64"),
        (["--members", "1000000"], "members: received 1000000; accepted: 1 to 64"),
        (["--members", "2.5"], "members: received 2.5; accepted: a valid integer"),
        (["--seed", "-1"], "seed: received -1; accepted: 0 to 9223372036854775807"),
        (["--method", "posterior", "--steps", "-1"], "steps: received -1; accepted: 0 to 1000"),
        (["--method", "posterior", "--steps", "1001"], "steps: received 1001; accepted: 0 to 1000"),
        (["--steps", "20"], f"steps: received 20; {LEARNED}"),
        (["--method", "eof_oi", "--weights", "north"], f"weights: received north; {LEARNED}"),
        (["--xyz"], "No such option: --xyz"),
    ],
)
def test_reconstruct(
    refused: Callable[..., str], observed: Callable[..., Path], options: list[str], line: str, json: list[str]
) -> None:
    assert refused("ocean", "reconstruct", observed(), "-o", "a.nc", *options, *json) == line


@pytest.mark.parametrize(
    ("options", "line"),
    [
        ([], "output: received nothing; accepted: a file to write"),
        (["--detach", "--members-out", "m.nc"], "output: received nothing; accepted: a file to write"),
        (["--detach"], "detach: received it, and nothing runs; accepted: it on a running platform (`tellurion up`): "),
        (["--detach", "-o", "a.nc"], "detach: received it, and nothing runs; accepted: it on a running platform"),
    ],
)
def test_what_needs_an_output_or_a_platform(
    refused: Callable[..., str], observed: Callable[..., Path], options: list[str], line: str
) -> None:
    assert refused("ocean", "reconstruct", observed().name, *options).startswith(line)


@pytest.mark.parametrize(
    ("options", "line"),
    [
        (
            ["ocean/operations/1", "-o", "a.nc"],
            "name: received ocean/operations/1; accepted: <service>/operations/<id>",
        ),
        (["benchmark/operations/1", "-o", "a.nc"], "name: received benchmark/operations/1; accepted: ocean/operations"),
        ([NONE], "Missing option '-o' / '--output'."),
        ([NONE, "-o", "."], "output: received ., a folder; accepted: a file to write"),
        ([NONE, "-o", "a.nc", "--members-out", "a.nc"], "members-out: received a.nc, the analysis; accepted: another"),
        ([NONE, "-o", "none/a.nc"], "output: received none: No such file or directory; accepted: a file in a folder"),
        ([NONE, "-o", "a.nc", "--timeout", "0"], "timeout: received 0.0; accepted: more than 0 s"),
    ],
)
def test_fetch(refused: Callable[..., str], options: list[str], line: str) -> None:
    assert refused("ocean", "fetch", *options).startswith(line)


@pytest.mark.parametrize(
    ("output", "line"),
    [
        (".", "output: received ., a folder; accepted: a file to write"),
        ("none/a.nc", "output: received none: No such file or directory; accepted: a file in a folder that can be"),
        ("obs.nc/a.nc", "output: received obs.nc: Not a directory; accepted: a file in a folder that can be written"),
        ("obs.nc", "output: received obs.nc, an input; accepted: another file"),
        ("/dev/full", "output: received /dev/full, a device or a pipe; accepted: a file that may be written"),
    ],
)
def test_an_output_that_cannot_be_written(
    refused: Callable[..., str], observed: Callable[..., Path], output: str, line: str
) -> None:
    assert refused("ocean", "reconstruct", observed().name, "-o", output).startswith(line)


@pytest.mark.parametrize(
    ("members_out", "line"),
    [
        (".", "members-out: received ., a folder; accepted: a file to write"),
        (
            "none/m.nc",
            "members-out: received none: No such file or directory; accepted: a file in a folder that can be",
        ),
        ("obs.nc", "members-out: received obs.nc, an input; accepted: another file"),
        ("a.nc", "members-out: received a.nc, the analysis; accepted: another file"),
        ("./here/../a.nc", "members-out: received here/../a.nc, the analysis; accepted: another file"),
    ],
)
def test_a_file_of_members_that_cannot_be_written(
    refused: Callable[..., str], observed: Callable[..., Path], tmp_path: Path, members_out: str, line: str
) -> None:
    (tmp_path / "here").mkdir()
    asked = ("ocean", "reconstruct", observed().name, "-o", "a.nc", "--members-out", members_out)
    assert refused(*asked).startswith(line)


def test_observations_that_cannot_be_used(
    refused: Callable[..., str], observed: Callable[..., Path], tmp_path: Path
) -> None:
    (tmp_path / "text.nc").write_text("not NetCDF")
    os.mkfifo(tmp_path / "pipe.nc")
    assert refused("ocean", "reconstruct", "pipe.nc", "-o", "a.nc").startswith(
        "observations: received pipe.nc, a device"
    )
    assert refused("ocean", "reconstruct", "none.nc", "-o", "a.nc").startswith("observations: received no such file")
    assert refused("ocean", "reconstruct", "text.nc", "-o", "a.nc").startswith("observations: received a file that")
    assert "argument 'OBS.nc...'" in refused("ocean", "reconstruct", "-o", "a.nc")
    several = observed("several.nc", months=(2, 3))
    line = refused("ocean", "reconstruct", several, "-o", "a.nc")
    assert line == (
        "observations.time: received months 2, 3; accepted: observations of one month, or the option month to choose it"
    )
    assert "observations of months 2, 3 only" in refused("ocean", "reconstruct", several, "-o", "a.nc", "--month", 5)
    timeless = observed("timeless.nc", timed=False)
    assert "no time for 40 of 40 observations" in refused("ocean", "reconstruct", timeless, "-o", "a.nc")


def test_of_many_files_the_line_names_the_one(
    refused: Callable[..., str], observed: Callable[..., Path], tmp_path: Path
) -> None:
    (tmp_path / "text.nc").write_text("not NetCDF")
    line = refused("ocean", "reconstruct", observed(), "text.nc", "-o", "a.nc")
    assert line.startswith("text.nc: observations: received a file that starts with")


@pytest.mark.parametrize(
    ("options", "line"),
    [
        ([], "Missing option '--month'."),
        (["--month", "3"], "month: received 3; accepted: 2 (February) or 8 (August), kept from all methods"),
        (["--month", "2", "--observed", "0"], "observed: received 0.0; accepted: 0.0001 to 0.9"),
        (["--month", "2", "--observed", "nan"], "observed: received nan; accepted: 0.0001 to 0.9"),
        (["--month", "2", "--profiles", "0"], "profiles: received 0; accepted: 1 to 9000"),
        (["--month", "2", "--observed", "7", "--profiles", "5"], "observed: received 7.0; accepted: 0.0001 to 0.9"),
        (["--month", "2", "--method", "x"], f"method: received x; accepted: {METHODS}"),
        (["--month", "2", "--method", "oi", "--method", "oi"], "method: received oi twice; accepted: each method once"),
        (["--month", "2", "--members", "1"], "members: received 1; accepted: 2 to 64"),
        (["--month", "2", "--seed", "-7"], "seed: received -7; accepted: 0 to"),
        (["--month", "2", "--steps", "1001"], "steps: received 1001; accepted: 0 to 1000"),
        (["--month", "2", "--method", "gp", "--steps", "20"], f"steps: received 20; {LEARNED}"),
        (["--month", "2", "--method", "gp", "--weights", "north"], f"weights: received north; {LEARNED}"),
    ],
)
def test_evaluate(refused: Callable[..., str], options: list[str], line: str) -> None:
    assert refused("ocean", "evaluate", *options, "--json").startswith(line)


@pytest.mark.parametrize(
    ("options", "line"),
    [
        (["--services", "ocean,moon"], "services: received moon; accepted: "),
        (["--services", ""], "services: received nothing; accepted: "),
        (["--port", "65536"], "port: received 65536; accepted: 0 to 65535"),
        (["--tls-key", "key.pem"], "tls-certificate: received nothing; accepted: --tls-certificate and --tls-key"),
        (["--tls-certificate", "c.pem", "--tls-key", "k.pem"], "tls-certificate: received c.pem; accepted: a PEM file"),
        (["--tls-certificate", "obs.nc", "--tls-key", "obs.nc"], "tls-certificate: received obs.nc with obs.nc: "),
        (["--serving", "kserve"], f"serving: received kserve; accepted: {SERVING}"),
        (["--serving", "ray=1"], f"serving: received ray=1; accepted: {SERVING}"),
        (["--serving", "triton"], f"serving: received triton; accepted: {SERVING}"),
        (["--serving", "triton=host"], f"serving: received triton=host; accepted: {SERVING}"),
        (["--serving", "triton=host:0"], f"serving: received triton=host:0; accepted: {SERVING}"),
        (
            ["--services", "benchmark", "--serving", "ray"],
            "serving: received ray, and no service that has models; accepted: local",
        ),
        (["--services", "ocean", "--state", "obs.nc"], "state: received "),
        (["--services", "ocean", "--state", "obs.nc", "--detach"], "state: received "),
    ],
)
def test_up(refused: Callable[..., str], observed: Callable[..., Path], options: list[str], line: str) -> None:
    observed()
    assert refused("up", *options).startswith(line)


def test_up_on_a_port_that_is_taken(refused: Callable[..., str]) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        assert refused("up", "--port", port).startswith(f"port: received 127.0.0.1:{port}: Address already in use;")


@pytest.mark.parametrize(
    ("changed", "line"),
    [
        (
            {"file": "none.nc"},
            "weights: received none.nc: No such file or directory; accepted: a whole safetensors file",
        ),
        ({}, "weights: received obs.nc: "),
        ({"--name": "../north"}, "name: received ../north; accepted: "),
        ({"--service": "Ocean"}, f"service: received Ocean; accepted: {SERVICES}"),
        ({"--service": "oceans"}, f"service: received oceans; accepted: {SERVICES}"),
        ({"--service": "gateway"}, f"service: received gateway; accepted: {SERVICES}"),
    ],
)
def test_models_add(
    refused: Callable[..., str], observed: Callable[..., Path], changed: dict[str, str], line: str
) -> None:
    observed()
    asked = {"file": "obs.nc", "--service": "ocean", "--name": "north"} | changed
    file = asked.pop("file")
    assert refused("models", "add", file, *(word for option in asked.items() for word in option)).startswith(line)


JUDGE = "accepted: --judge-endpoint and --judge-model together"
WRITABLE = "a folder that can be written, or a new one in such"


def benchmark(command: str, options: dict[str, object]) -> list[object]:
    """A command that could be carried out, with some options changed; None leaves one out, True has no value."""
    asked = {"--suite": "sfe", "--data": "data", "-o": "out"} | {
        "run": {"--endpoint": "http://localhost:1/v1", "--model": "m"},
        "score": {"--predictions": "data/questions.json"},
    }[command]
    words: list[object] = ["benchmark", command]
    for option, value in (asked | options).items():
        words += [] if value is None else [option] if value is True else [option, value]
    return words


@pytest.fixture
def questions(tmp_path: Path) -> Path:
    """A folder of data that this side can find nothing wrong with, and a report."""
    (tmp_path / "data").mkdir()
    (tmp_path / "data/questions.json").write_text("[]")
    (tmp_path / "there").mkdir()
    (tmp_path / "there/items.jsonl").write_text("")
    return tmp_path


@pytest.mark.parametrize("command", ["run", "score"])
@pytest.mark.parametrize(
    ("options", "line"),
    [
        ({"--suite": "imagenet"}, "suite: received imagenet; accepted: sfe, omniearth, msearth, earthse"),
        ({"--suite": None}, "Missing option '--suite'."),
        ({"--variant": "strict"}, "variant: received strict; accepted: official, corrected, vlmevalkit"),
        ({"--suite": "earthse", "--variant": "vlmevalkit"}, "variant: received vlmevalkit; accepted: official, corr"),
        ({"--data": "none"}, "data: received nothing: none; accepted: a folder with the questions and their images"),
        ({"--data": "data/questions.json"}, "data: received no folder: data/questions.json; accepted: a folder with"),
        ({"--data": "there"}, "data: received none in there; accepted: a folder with one of questions.json, "),
        ({"--limit": 0}, "limit: received 0; accepted: "),
        ({"--judge": "gpt"}, "judge: received gpt; accepted: none, or --judge-endpoint and --judge-model"),
        ({"--judge-model": "j"}, f"judge-model: received j; {JUDGE}"),
        ({"--judge-endpoint": "http://u:secret@h/v1"}, f"judge-endpoint: received an address; {JUDGE}"),
        ({"--judge-api-key-env": "KEY"}, f"judge-api-key-env: received a name; {JUDGE}"),
        (
            {"--judge": "none", "--judge-endpoint": "http://h/v1", "--judge-model": "j"},
            "judge-endpoint: received an address; accepted: none, with --judge none",
        ),
        (
            {"--judge-endpoint": "h/v1", "--judge-model": "j"},
            "judge.url: received another address; accepted: http(s)://host[:port]/path without a user or query",
        ),
        ({"--prompts": "data"}, "prompts: received none in data; accepted: a folder of prompts, <name>.txt"),
        ({"--concurrency": 257}, "concurrency: received 257; accepted: "),
        ({"--timeout": -1}, "timeout: received -1"),
        ({"--max-requests": 0}, "max_requests: received 0; accepted: "),
        ({"--max-cost": 0}, "max-cost: received 0.0; accepted: more than 0"),
        ({"--max-cost": 5}, "budget.cost: received 5.0; accepted: none, where nothing has a price"),
        ({"--judge-input-price": "much"}, "judge_input_price: received much; accepted: a valid number"),
        ({"-o": "none/out"}, f"output: received no folder none; accepted: {WRITABLE}"),
        ({"-o": "data/questions.json/out"}, "output: received Not a directory: data/questions.json/out; "),
        ({"-o": "there"}, "output: received items.jsonl, which is there: there; accepted: "),
        ({"-o": "there/report.json"}, "output: received items.jsonl, which is there: there; accepted: "),
        ({"-o": "data/run.json"}, "output: received run.json, the name of another file; accepted: another name"),
    ],
)
def test_benchmark(
    refused: Callable[..., str], questions: Path, command: str, options: dict[str, object], line: str
) -> None:
    assert refused(*benchmark(command, options)).startswith(line)


@pytest.mark.parametrize(
    ("options", "line"),
    [
        ({"--endpoint": "localhost:8000"}, "model.url: received another address; accepted: http(s)://host[:port]/path"),
        ({"--endpoint": "http://u:secret@h/v1"}, "model.url: received another address; accepted: http(s)://host"),
        ({"--endpoint": None}, "Missing option '--endpoint'."),
        ({"--model": ""}, "model.model: received nothing; accepted: length 1 to 200"),
        ({"--api-key-env": "sk-secret"}, "model.api_key_env: received something else; accepted: the name of an env"),
        ({"--resume": True, "-o": "there"}, "output: received items.jsonl, which is there: there; accepted: --over"),
    ],
)
def test_benchmark_run(refused: Callable[..., str], questions: Path, options: dict[str, object], line: str) -> None:
    assert refused(*benchmark("run", options)).startswith(line)


@pytest.mark.parametrize("begun", ["", "[1]", "{}", '{"operations": "x"}', '{"operations": [7]}', "[" * 100_000])
def test_benchmark_run_of_a_folder_that_does_not_say_what_it_is_of(
    refused: Callable[..., str], questions: Path, begun: str
) -> None:
    (questions / "there/evaluation.json").write_text(begun)
    line = "resume: received something else in there/evaluation.json; accepted: the folder of an evaluation that was"
    assert refused(*benchmark("run", {"--resume": True, "-o": "there"})).startswith(line)


def test_benchmark_run_of_an_operation_that_none_can_be(refused: Callable[..., str], questions: Path) -> None:
    (questions / "there/evaluation.json").write_text('{"operations": ["benchmark/operations/x"]}')
    assert refused(*benchmark("run", {"--resume": True, "-o": "there"})).startswith("name: received benchmark/op")


def test_benchmark_score_without_predictions(refused: Callable[..., str], questions: Path) -> None:
    for options, line in (
        ({"--predictions": None}, "Missing option '--predictions'."),
        ({"--predictions": "none.jsonl"}, "predictions: received nothing: none.jsonl; accepted: a file of JSON lines"),
        ({"--predictions": "data"}, "predictions: received no file: data; accepted: a file of JSON lines"),
    ):
        assert refused(*benchmark("score", options)).startswith(line)


@pytest.mark.parametrize(
    ("arguments", "line"),
    [
        (["compare", "there", "none"], "a: received no report.json: there; accepted: the folder of a report, its"),
        (["compare", "there"], "Missing argument 'B'."),
        (["leaderboard", "--suite", "x"], "suite: received x; accepted: sfe, omniearth, msearth, earthse"),
        (["leaderboard", "--suite", "sfe", "--dataset", "12"], "dataset_sha256: received 12; accepted: matching"),
        (["report", "none", "-o", "out"], "name: received none; accepted: benchmark/operations/<id>"),
    ],
)
def test_benchmark_results(refused: Callable[..., str], questions: Path, arguments: list[str], line: str) -> None:
    assert refused("benchmark", *arguments).startswith(line)


def test_a_command_that_there_is_not(refused: Callable[..., str]) -> None:
    assert refused("boil") == "No such command 'boil'."


FOLDER = "accepted: a folder that is new or empty, in one that can be written"


@pytest.mark.parametrize(
    ("options", "line"),
    [
        (
            ["export", "out", "--model", "ocean_magic"],
            "model: received ocean_magic; accepted: assimilation_align-dps, ",
        ),
        (["export", "."], f"folder: received ., which is not empty; {FOLDER}"),
        (["export", "obs.nc"], f"folder: received obs.nc: Not a directory; {FOLDER}"),
        (["export", "none/out"], f"folder: received none/out: No such file or directory; {FOLDER}"),
        (["export", "out", "--instances", "0"], "instances: received 0; accepted: "),
        (
            ["serve", "--backend", "triton"],
            "backend: received triton; accepted: ray; for Triton, `tellurion models export`",
        ),
        (
            ["serve", "--listen", "localhost"],
            "listen: received localhost; accepted: host:port with a port of 0 to 65535",
        ),
        (
            ["serve", "--listen", "no.such.host:1"],
            "listen: received no.such.host; accepted: an address of this machine",
        ),
    ],
)
def test_models(refused: Callable[..., str], observed: Callable[..., Path], options: list[str], line: str) -> None:
    observed()
    assert refused("models", *options).startswith(line)


def test_a_cluster_is_not_joined_by_a_platform_that_starts_ray(
    refused: Callable[..., str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TELLURION_RAY_ADDRESS", "auto")
    line = refused("up", "--services", "ocean", "--serving", "ray")
    assert line.startswith("TELLURION_RAY_ADDRESS: received auto; accepted: nothing: --serving ray starts Ray")
