"""The benchmark service on gRPC: takes evaluations on as jobs, and answers what came of them."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator, Mapping
from contextlib import suppress
from datetime import timedelta
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from google.protobuf import any_pb2

from tellurion.benchmark.v1 import benchmark_pb2, benchmark_pb2_grpc
from tellurion_benchmark.compare import FILES, Difference, compare
from tellurion_benchmark.evaluation import KIND, job_id
from tellurion_benchmark.inputs import check_artifacts
from tellurion_benchmark.leaderboard import Evaluated, boards
from tellurion_benchmark.plan import Plan, variant_of
from tellurion_benchmark.prompts import Prompts
from tellurion_benchmark.suites import SUITES, Suite, suite
from tellurion_core import artifact_service
from tellurion_core.artifacts import ArtifactStore
from tellurion_core.call import Identity, answering
from tellurion_core.endpoints.allowlist import AllowList
from tellurion_core.endpoints.keys import KeyList
from tellurion_core.endpoints.settings import EndpointSettings
from tellurion_core.errors import Conflict, DataCorrupted, InvalidInput, NotFound
from tellurion_core.jobs import operations
from tellurion_core.jobs.opening import job_store
from tellurion_core.jobs.operations import operation_name
from tellurion_core.jobs.settings import JobSettings
from tellurion_core.jobs.store import JobStore
from tellurion_core.jobs.submission import submit
from tellurion_core.jobs.table import Job, State
from tellurion_core.server import Service
from tellurion_core.settings import ServerSettings, StateSettings, load

Context = Any
SERVICE = "benchmark"
PAGE_SIZE = 1000
"""Jobs that are read at once."""


class BenchmarkServicer(benchmark_pb2_grpc.BenchmarkServiceServicer):
    """Answers tellurion.benchmark.v1.BenchmarkService."""

    def __init__(self, jobs: JobStore, artifacts: ArtifactStore, settings: EndpointSettings) -> None:
        self._jobs = jobs
        self._artifacts = artifacts
        self._settings = settings

    async def ListSuites(  # noqa: N802
        self, request: benchmark_pb2.ListSuitesRequest, context: Context
    ) -> benchmark_pb2.ListSuitesResponse:
        """The benchmarks, their variants and metrics."""
        suites = [await asyncio.to_thread(_suite, name) for name in sorted(SUITES)]
        return benchmark_pb2.ListSuitesResponse(suites=suites)

    async def CreateEvaluation(  # noqa: N802
        self, request: benchmark_pb2.CreateEvaluationRequest, context: Context
    ) -> benchmark_pb2.CreateEvaluationResponse:
        """Checks all that costs nothing to check, and submits the evaluation."""
        operation = await asyncio.to_thread(self._submit, request, answering().identity)
        return benchmark_pb2.CreateEvaluationResponse(operation=operation)

    async def GetReport(  # noqa: N802
        self, request: benchmark_pb2.GetReportRequest, context: Context
    ) -> benchmark_pb2.GetReportResponse:
        """What an evaluation that succeeded has answered."""
        job = await asyncio.to_thread(self._job, request.operation, "operation", answering().identity.tenant)
        if job.state is not State.SUCCEEDED:
            raise Conflict(f"the evaluation is {job.state.name}; there is a report once it is SUCCEEDED")
        return benchmark_pb2.GetReportResponse(result=_result(job))

    async def CompareReports(  # noqa: N802
        self, request: benchmark_pb2.CompareReportsRequest, context: Context
    ) -> benchmark_pb2.CompareReportsResponse:
        """How two evaluations differ, item by item."""
        sides = {"a": request.a, "b": request.b}
        differences = await asyncio.to_thread(self._compare, sides, answering().identity.tenant)
        return benchmark_pb2.CompareReportsResponse(differences=map(_difference, differences))

    async def GetLeaderboard(  # noqa: N802
        self, request: benchmark_pb2.GetLeaderboardRequest, context: Context
    ) -> benchmark_pb2.GetLeaderboardResponse:
        """The tenant's evaluations of a suite under a variant, ranked."""
        found = suite(request.suite)
        variant = variant_of(found, request.variant)
        evaluated = self._evaluated(answering().identity.tenant)
        ranked = await asyncio.to_thread(boards, evaluated, found, variant, request.dataset_sha256)
        return benchmark_pb2.GetLeaderboardResponse(boards=ranked)

    def _submit(self, request: benchmark_pb2.CreateEvaluationRequest, caller: Identity) -> str:
        Plan.of(request, self._settings)
        check_artifacts(request, self._artifacts, caller.tenant)
        if request.reuse:
            self._job(request.reuse, "reuse", caller.tenant)
        # each attempt goes on from the last: a weekend's evaluation outlives a few workers
        return submit(self._jobs, caller, KIND, request, request, attempts=10)

    def _job(self, operation: str, field: str, tenant: str) -> Job:
        """An evaluation of a tenant.

        Raises:
            InvalidInput: no operation of this service can have the name.
            NotFound: the tenant has no such operation.
        """
        with suppress(NotFound):
            job = self._jobs.get(tenant, job_id(operation, field))
            if job.kind == KIND:
                return job
        raise NotFound(f"there is no operation {operation}")

    def _evaluated(self, tenant: str) -> Iterator[Evaluated]:
        """The tenant's evaluations that succeeded, newest first."""
        token = ""
        while True:
            jobs, token = self._jobs.list(
                tenant, kinds=[KIND], state=State.SUCCEEDED, page_size=PAGE_SIZE, page_token=token
            )
            for job in jobs:
                yield Evaluated(operation_name(job), _result(job).report)
            if not token:
                return

    def _compare(self, sides: Mapping[str, Mapping[str, str]], tenant: str) -> list[Difference]:
        with TemporaryDirectory(prefix="tellurion-compare-") as folder:
            for side, files in sides.items():
                Path(folder, side).mkdir()
                for name in FILES:
                    self._fetch(f"{side}.{name}", files.get(name, ""), tenant, Path(folder, side, name))
            return list(compare(*(Path(folder, side) for side in sides)))

    def _fetch(self, field: str, sha256: str, tenant: str, path: Path) -> None:
        if not sha256:
            accepted = "the SHA-256 of a file that was uploaded, or that an evaluation has answered"
            raise InvalidInput.of(field, received="nothing", accepted=accepted)
        try:
            self._artifacts.fetch(tenant, sha256, path)
        except NotFound as error:
            raise NotFound(f"{field}: {error.message}") from None


def services(settings: ServerSettings) -> list[Service]:
    """The service, and beside it those by which its jobs are followed and its files come and go.

    Raises:
        InvalidInput: a setting cannot be used.
        Unavailable: the database of jobs cannot be reached.
    """
    jobs, artifacts = job_store(), load(StateSettings).artifacts()
    asking = load(EndpointSettings)
    AllowList(asking.endpoints)  # what cannot be read is refused now, and not with the first evaluation
    KeyList(asking.endpoint_keys)
    servicer = BenchmarkServicer(jobs, artifacts, asking)
    register = benchmark_pb2_grpc.add_BenchmarkServiceServicer_to_server
    return [
        Service("tellurion.benchmark.v1.BenchmarkService", register, servicer),
        *operations.services(SERVICE, jobs, [KIND]),
        artifact_service.service(artifacts, keep=timedelta(days=load(JobSettings).retention_days)),
    ]


@cache
def _suite(name: str) -> benchmark_pb2.Suite:
    """A benchmark on the wire; its scorers are loaded to know what they lack, which takes seconds the first time."""
    found = SUITES[name]

    def entering(metric: str) -> list[str]:
        return [kind for kind, metrics in found.kinds.items() if metric in metrics]

    return benchmark_pb2.Suite(
        name=name,
        description=found.description,
        variants=[
            benchmark_pb2.Variant(
                name=variant, description=scorer.description, unavailable=_unavailable(found, variant)
            )
            for variant, scorer in found.variants.items()
        ],
        metrics=[
            benchmark_pb2.MetricDescription(name=metric, description=description, kinds=entering(metric))
            for metric, description in found.metrics.items()
        ],
    )


def _unavailable(found: Suite, variant: str) -> Mapping[str, str]:
    return found.variant(variant, Prompts.of(found.name, None)).unavailable


def _result(job: Job) -> benchmark_pb2.EvaluationResult:
    """What a job that succeeded has answered."""
    result = benchmark_pb2.EvaluationResult()
    if not any_pb2.Any.FromString(job.result).Unpack(result):
        raise DataCorrupted(f"the result of {operation_name(job)} is none of an evaluation")
    return result


def _difference(difference: Difference) -> benchmark_pb2.Difference:
    dimension, name = difference.group
    estimate = difference.estimate
    wire = benchmark_pb2.Difference(
        metric=difference.metric,
        dimension=dimension,
        name=name,
        a=difference.a,
        b=difference.b,
        difference=estimate.value,
        n=estimate.n,
        p=difference.p,
        stderr=estimate.stderr,
    )
    if estimate.ci95 is not None:
        wire.low, wire.high = estimate.ci95
    return wire
