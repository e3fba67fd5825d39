"""The service on its real server, over a real store of jobs: what it takes on, what it refuses, and what it answers."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import grpc
import pytest
from google.longrunning import operations_pb2, operations_pb2_grpc
from google.protobuf import any_pb2

from tellurion.artifacts.v1 import artifacts_pb2, artifacts_pb2_grpc
from tellurion.benchmark.v1 import benchmark_pb2, benchmark_pb2_grpc
from tellurion_benchmark.evaluation import KIND, evaluate
from tellurion_benchmark.service import services
from tellurion_benchmark.suites import SUITES
from tellurion_core.call import Identity
from tellurion_core.errors import Conflict, InvalidInput, NotFound, PermissionDenied
from tellurion_core.jobs.claims import Claims
from tellurion_core.jobs.database import open_engine
from tellurion_core.jobs.running import RunningJob
from tellurion_core.jobs.settings import JobSettings
from tellurion_core.server import Server
from tellurion_core.settings import ServerSettings, StateSettings
from tellurion_core.status import rpc_errors

NONE = "0" * 64


def by_metadata(metadata: dict[str, str], context: Any) -> Identity:
    return Identity(metadata.get("x-tenant", "local"), "marie")


@dataclass
class Serving:
    """The service, and a worker that does its jobs when it is told to."""

    evaluating: Any
    claims: Claims
    channel: grpc.aio.Channel

    async def ask(self, method: str, request: Any, *, tenant: str = "local") -> Any:
        """The answer of one of the service's methods."""
        with rpc_errors():
            call = getattr(benchmark_pb2_grpc.BenchmarkServiceStub(self.channel), method)
            return await call(request, metadata=[("x-tenant", tenant)], timeout=60)

    async def create(self, request: benchmark_pb2.CreateEvaluationRequest, **caller: Any) -> str:
        return (await self.ask("CreateEvaluation", request, **caller)).operation

    async def operation(self, name: str) -> operations_pb2.Operation:
        stub = operations_pb2_grpc.OperationsStub(self.channel)
        return await stub.GetOperation(operations_pb2.GetOperationRequest(name=name))

    def work(self) -> None:
        """Does the job that waits, as a worker would."""
        claim = self.claims.claim([KIND])
        assert claim is not None
        folder = self.evaluating.root / "jobs" / claim.job.id
        folder.mkdir(parents=True)
        job = RunningJob(
            id=claim.job.id,
            tenant=claim.job.tenant,
            subject=claim.job.subject,
            request_id=claim.job.request_id,
            attempt=claim.job.attempt,
            folder=folder,
            artifacts=self.evaluating.artifacts,
            cancelled=lambda: False,
            progress=lambda fraction, message: None,
        )
        result = any_pb2.Any()
        result.Pack(evaluate(any_pb2.Any.FromString(claim.job.body), job))
        self.claims.succeed(claim, result.SerializeToString())


@pytest.fixture
def socket() -> Iterator[str]:
    """An address on a path that is short enough."""
    with tempfile.TemporaryDirectory(prefix="bench-") as folder:
        yield f"unix:{folder}/s"


@pytest.fixture
async def serving(evaluating: Any, socket: str, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Serving]:
    monkeypatch.setenv("TELLURION_STATE", str(evaluating.root))
    evaluating.root.mkdir(exist_ok=True)
    settings = ServerSettings(listen=socket, stop_seconds=5)
    server = Server(services(settings), settings, authenticate=by_metadata)
    await server.start()
    engine = open_engine(JobSettings().database_url(StateSettings()))
    async with grpc.aio.insecure_channel(server.address) as channel:
        yield Serving(evaluating, Claims(engine, JobSettings(), "worker"), channel)
    await server.stop()


@pytest.fixture
def score(evaluating, write_dataset, tmp_path):
    """A request to score the questions of EarthSE; `right` says how many of each three answers are."""
    folder = write_dataset(tmp_path / "data", "earthse", count=24)
    answers = {0: "A", 1: "False", 2: "mantle"}

    def score(request_id="r", *, right=3, **fields):
        predictions = {str(n): answers[n % 4] if n % 4 < right else "no" for n in range(24) if n % 4 < 3}
        request = evaluating.request("earthse", folder, predictions=predictions, **fields)
        request.request_id = request_id
        return request

    return score


async def test_an_evaluation_is_an_operation_whose_result_is_its_report(serving, score):
    name = await serving.create(score())
    with pytest.raises(Conflict, match="QUEUED"):
        await serving.ask("GetReport", benchmark_pb2.GetReportRequest(operation=name))
    serving.work()
    operation = await serving.operation(name)
    result = benchmark_pb2.EvaluationResult()
    assert operation.done
    assert operation.response.Unpack(result)
    answered = await serving.ask("GetReport", benchmark_pb2.GetReportRequest(operation=name))
    assert answered.result == result
    assert result.report.metrics[0].value == 1.0
    assert set(result.files) == {"report.json", "items.jsonl", "design.jsonl", "run.json", "report.html"}


async def test_its_files_are_downloaded_from_the_same_process(serving, score):
    name = await serving.create(score())
    serving.work()
    files = (await serving.ask("GetReport", benchmark_pb2.GetReportRequest(operation=name))).result.files
    stub = artifacts_pb2_grpc.ArtifactServiceStub(serving.channel)
    parts = [
        part async for part in stub.DownloadArtifact(artifacts_pb2.DownloadArtifactRequest(id=files["report.json"]))
    ]
    assert parts[0].artifact.name == "report.json"
    assert parts[0].artifact.media_type == "application/json"
    assert parts[0].artifact.HasField("expires")
    assert json.loads(b"".join(part.chunk for part in parts))["suite"] == "earthse"


async def test_the_same_request_is_the_same_evaluation_and_another_one_a_conflict(serving, score):
    first = await serving.create(score())
    assert await serving.create(score()) == first
    assert await serving.create(score("other")) != first
    with pytest.raises(Conflict, match="'r'"):
        await serving.create(score(limit=3))


REFUSED = {
    "an unknown suite": ({"suite": "imagenet"}, "suite: received imagenet"),
    "an unknown variant": ({"variant": "mine"}, "variant: received mine; accepted: official"),
    "no answers": ({"predictions": ""}, "answers: received nothing"),
    "a format to come": ({"format": 9}, "data.format: received 9"),
    "a prompt that there is not": ({"prompts": {"poem": "x"}}, "prompts: received poem"),
    "a prompt without what is asked": ({"prompts": {"judge_free_form": "x"}}, "prompts.judge_free_form"),
    "a judge without an address": ({"judge": benchmark_pb2.Endpoint(url="file:///etc", model="m")}, "judge.url"),
    "a judge without a model": ({"judge": benchmark_pb2.Endpoint(url="http://localhost/v1")}, "judge.model"),
    "another service's operation": ({"reuse": "ocean/operations/" + "0" * 32}, "reuse: received ocean"),
    "a priority that is none": ({"priority": 9}, "priority: received 9"),
    "a request id that is none": ({"request_id": "a b"}, "request_id"),
}


@pytest.mark.parametrize(("change", "named"), REFUSED.values(), ids=REFUSED)
async def test_what_cannot_be_done_is_refused_before_it_is_submitted(serving, score, change, named):
    request = score()
    for field in ("media", "format"):
        if field in change:
            setattr(request.data, field, change[field])
            change = {}
    request.MergeFrom(benchmark_pb2.CreateEvaluationRequest(**change))
    for field, value in change.items():
        if not value:
            request.ClearField(field)
    with pytest.raises(InvalidInput, match=named):
        await serving.create(request)
    assert serving.claims.claim([KIND]) is None


@pytest.mark.parametrize("field", ["data.questions", "data.media", "predictions"])
async def test_files_that_were_not_uploaded_are_not_found(serving, score, field):
    request = score()
    setattr(request.data if field.startswith("data.") else request, field.removeprefix("data."), NONE)
    with pytest.raises(NotFound, match=f"^{field}: there is no artifact"):
        await serving.create(request)
    assert serving.claims.claim([KIND]) is None


@pytest.mark.parametrize("role", ["model", "judge"])
@pytest.mark.parametrize(
    "endpoint",
    [
        {"url": "https://models.example.org/v1"},
        {"url": "http://169.254.169.254/latest"},
        {"url": "http://127.0.0.1/v1", "api_key_env": "HOME"},
    ],
    ids=["not on the list", "the cloud's own", "a variable that is no key"],
)
async def test_endpoints_and_keys_that_the_installation_does_not_allow_are_refused(serving, score, role, endpoint):
    request = score()
    getattr(request, role).CopyFrom(benchmark_pb2.Endpoint(model="m", **endpoint))
    with pytest.raises(PermissionDenied):
        await serving.create(request)
    assert serving.claims.claim([KIND]) is None


async def test_another_tenant_has_none_of_it(serving, score):
    name = await serving.create(score())
    serving.work()
    report = benchmark_pb2.GetReportRequest(operation=name)
    files = (await serving.ask("GetReport", report)).result.files
    with pytest.raises(NotFound):
        await serving.ask("GetReport", report, tenant="navy")
    with pytest.raises(NotFound, match=r"data\.questions: there is no artifact"):
        await serving.create(score("s"), tenant="navy")
    with pytest.raises(NotFound, match=r"a\.report\.json"):
        await serving.ask("CompareReports", benchmark_pb2.CompareReportsRequest(a=files, b=files), tenant="navy")
    board = await serving.ask("GetLeaderboard", benchmark_pb2.GetLeaderboardRequest(suite="earthse"), tenant="navy")
    assert not board.boards


async def test_only_an_evaluation_of_the_tenant_is_reused(serving, score, evaluating):
    first = await serving.create(score())
    request = score("s", reuse=first)
    assert await serving.create(request)
    content = evaluating.artifacts.open("local", request.data.questions).read()
    request.data.questions = evaluating.put(content, tenant="navy")
    request.predictions = evaluating.put(b"", tenant="navy")
    with pytest.raises(NotFound, match=first):
        await serving.create(request, tenant="navy")


async def test_two_evaluations_are_compared(serving, score):
    files = []
    for request_id, right in (("a", 1), ("b", 3)):
        name = await serving.create(score(request_id, right=right))
        serving.work()
        answered = await serving.ask("GetReport", benchmark_pb2.GetReportRequest(operation=name))
        files.append(dict(answered.result.files))
    request = benchmark_pb2.CompareReportsRequest(a=files[0], b=files[1])
    differences = (await serving.ask("CompareReports", request)).differences
    found = {d.metric: (d.a, d.b, d.difference, d.n) for d in differences if not d.dimension}
    assert found == {
        "multiple_choice_accuracy": (1, 1, 0, 6),
        "true_false_accuracy": (0, 1, 1, 6),
        "fill_in_the_blank_accuracy": (0, 1, 1, 6),
    }
    (same,) = (d for d in differences if d.metric == "multiple_choice_accuracy" and not d.dimension)
    assert (same.p, same.stderr) == (1.0, 0.0)
    (other,) = (d for d in differences if d.metric == "true_false_accuracy" and not d.dimension)
    assert not other.HasField("p")


@pytest.mark.parametrize("missing", ["report.json", "items.jsonl", "design.jsonl"])
async def test_a_comparison_says_which_file_it_lacks(serving, score, missing):
    name = await serving.create(score())
    serving.work()
    files = dict((await serving.ask("GetReport", benchmark_pb2.GetReportRequest(operation=name))).result.files)
    other = {file: sha256 for file, sha256 in files.items() if file != missing}
    with pytest.raises(InvalidInput, match=f"b.{missing}: received nothing"):
        await serving.ask("CompareReports", benchmark_pb2.CompareReportsRequest(a=files, b=other))


async def test_the_leaderboard_ranks_what_succeeded(serving, score):
    for request_id, label, right in (("a", "guess", 1), ("b", "expert", 3)):
        await serving.create(score(request_id, right=right, label=label))
        serving.work()
    await serving.create(score("c", label="waits"))
    answer = await serving.ask("GetLeaderboard", benchmark_pb2.GetLeaderboardRequest(suite="earthse"))
    boards = {board.metric: [standing.model for standing in board.standings] for board in answer.boards}
    assert boards["true_false_accuracy"] == ["expert", "guess"]
    assert {board.items for board in answer.boards} == {24}
    for wrong in ({"suite": "imagenet"}, {"suite": "sfe", "variant": "mine"}):
        with pytest.raises(InvalidInput, match=r"imagenet|mine"):
            await serving.ask("GetLeaderboard", benchmark_pb2.GetLeaderboardRequest(**wrong))


async def test_suites_are_listed_with_what_they_measure_and_lack(serving):
    suites = {s.name: s for s in (await serving.ask("ListSuites", benchmark_pb2.ListSuitesRequest())).suites}
    assert suites.keys() == SUITES.keys()
    variants = {variant.name: variant for variant in suites["msearth"].variants}
    assert variants.keys() == {"official", "corrected", "vlmevalkit"}
    assert variants["official"].unavailable["open_bertscore"]
    metrics = {metric.name: metric for metric in suites["earthse"].metrics}
    assert metrics["ses"].description
    assert list(metrics["accuracy"].kinds) == ["multiple_choice", "true_false", "fill_in_the_blank", "free_form"]


@pytest.mark.parametrize(
    ("name", "error"),
    [("benchmark/operations/" + "0" * 32, NotFound), ("benchmark/operations/1", InvalidInput), ("x", InvalidInput)],
)
async def test_a_report_of_nothing_is_refused(serving, name, error):
    with pytest.raises(error):
        await serving.ask("GetReport", benchmark_pb2.GetReportRequest(operation=name))


def test_the_process_says_where_it_listens_and_stops_when_asked(tmp_path: Path, socket: str):
    environment = os.environ | {"TELLURION_STATE": str(tmp_path), "TELLURION_LISTEN": socket}
    command = [sys.executable, "-m", "tellurion_benchmark"]
    with subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL) as process:
        assert json.loads(process.stdout.readline()) == {"ready": "benchmark", "address": socket}
        with grpc.insecure_channel(socket) as channel:
            stub = benchmark_pb2_grpc.BenchmarkServiceStub(channel)
            with pytest.raises(grpc.RpcError) as error:
                stub.GetReport(benchmark_pb2.GetReportRequest(operation="x"), timeout=30)
            assert error.value.code() is grpc.StatusCode.INVALID_ARGUMENT
        process.terminate()
        assert process.wait(30) == 0


def test_a_list_of_endpoints_that_cannot_be_read_ends_the_process_with_the_reason(tmp_path: Path):
    environment = os.environ | {"TELLURION_STATE": str(tmp_path), "TELLURION_ENDPOINTS": "ftp://models"}
    ended = subprocess.run(
        [sys.executable, "-m", "tellurion_benchmark"], env=environment, capture_output=True, text=True, timeout=60
    )
    assert ended.returncode == 2
    assert "TELLURION_ENDPOINTS: received ftp://models" in ended.stderr
