"""The benchmark service, as a client sees it."""

from __future__ import annotations

import hashlib
import os
import re
import time
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeAlias

from tellurion.benchmark.v1 import benchmark_pb2
from tellurion_client.artifacts import ArtifactsClient
from tellurion_client.benchmark_data import DataFolder
from tellurion_client.benchmark_request import Budget, Endpoint, Prompts, fill, prompts_of
from tellurion_client.benchmark_results import Board, Difference, Report, Suite
from tellurion_client.evaluation import DESIGN, ITEMS, REPORT, SERVICE, Evaluation, asked
from tellurion_client.operations import Operation, OperationStatus
from tellurion_client.options import DEFAULT_VARIANT, check_suite, check_timeout
from tellurion_core.errors import InvalidInput, NotFound, PermissionDenied
from tellurion_core.fields import validate

if TYPE_CHECKING:
    from tellurion_client.client import Client
    from tellurion_client.ocean import Progress

COMPARED = (REPORT, ITEMS, DESIGN)
"""Files that a comparison needs."""
NO_SUM = "0" * 64
"""Stands for a SHA-256 that is not known yet."""

Evaluated: TypeAlias = Evaluation | str | os.PathLike[str]
"""An evaluation, the name of its operation, its report.json, or the folder of that."""


class BenchmarkClient:
    """Evaluates models on Earth-science benchmarks. Got from `Client.benchmark`."""

    def __init__(self, client: Client) -> None:
        self._client = client

    def suites(self, *, timeout: float | None = None) -> tuple[Suite, ...]:
        """The benchmarks that the service has.

        Raises:
            DeadlineExceeded: no answer within `timeout` seconds.
            Unavailable: the service cannot be reached or started.
        """
        answer = self._ask("ListSuites", benchmark_pb2.ListSuitesRequest(), timeout)
        return tuple(map(Suite.of, answer.suites))

    def evaluate(
        self,
        suite: str,
        data: str | os.PathLike[str],
        model: Endpoint,
        *,
        variant: str = DEFAULT_VARIANT,
        judge: Endpoint | None = None,
        prompts: Prompts | None = None,
        limit: int = 0,
        budget: Budget | None = None,
        priority: int = 0,
        resume: Sequence[str] = (),
        request_id: str = "",
        progress: Progress | None = None,
        timeout: float | None = None,
    ) -> Evaluation:
        """Has a model asked the questions of a benchmark, and its answers scored.

        `data` is a folder with questions.json, .jsonl or .parquet and the images beside. Without a `judge`, what needs
        one has no score. `prompts` are used in place of the service's own for the judge. The first `limit` items are
        evaluated, all where 0. `priority` is −1 for later than the tenant's other work, 1 for sooner.

        The same arguments are the same evaluation, unless that failed, died or was cancelled: then it is a new one,
        which asks for nothing that was answered. So it is with `resume`, the names of earlier evaluations in their
        order, where the latest ended so, where it had other arguments (it is cancelled if it still runs), or where it
        gave questions up and has no `budget`, which those might have exceeded. With a `request_id` of one's own,
        an evaluation is the one of that id, however it stands.

        `progress` is told of the sending of files. `timeout` is how many seconds each call may take.

        Raises:
            InvalidInput: an option or a file that cannot be used.
            PermissionDenied: the installation does not allow the endpoint, or the variable of its key.
            NotFound: none of the evaluations to go on with is remembered any more.
            Conflict: the `request_id` is that of another evaluation.
            ResourceExhausted: a file is larger than the service takes.
            DeadlineExceeded, Unavailable: as for `Operation.get`.
        """
        earlier = [self.evaluation(name) for name in resume]
        request = benchmark_pb2.CreateEvaluationRequest(model=model.wire("model"))
        if budget is not None:
            request.budget.CopyFrom(budget.wire())
        fill(request, "", {"suite": suite, "variant": variant, "limit": limit, "priority": priority})
        self._complete(request, data, None, judge, prompts, progress, timeout)
        return self._begun(request, earlier, request_id, timeout)

    def score(
        self,
        suite: str,
        data: str | os.PathLike[str],
        predictions: str | os.PathLike[str],
        *,
        variant: str = DEFAULT_VARIANT,
        label: str = "",
        judge: Endpoint | None = None,
        prompts: Prompts | None = None,
        limit: int = 0,
        budget: Budget | None = None,
        priority: int = 0,
        request_id: str = "",
        progress: Progress | None = None,
        timeout: float | None = None,
    ) -> Evaluation:
        """Has answers scored that were given elsewhere: JSON lines of `{"id": …, "prediction": …}`.

        `label` says whose they are. All else is as in `evaluate`; the budget is the judge's alone.
        """
        request = benchmark_pb2.CreateEvaluationRequest(predictions=NO_SUM)
        if budget is not None:
            request.budget.CopyFrom(budget.wire())
        fill(request, "", {"suite": suite, "variant": variant, "limit": limit, "priority": priority, "label": label})
        self._complete(request, data, Path(predictions), judge, prompts, progress, timeout)
        return self._begun(request, [], request_id, timeout)

    def evaluation(self, name: str) -> Evaluation:
        """The evaluation of this operation's name; nothing is asked yet.

        Raises:
            InvalidInput: none can have the name.
        """
        if not name.startswith(f"{SERVICE}/"):
            raise InvalidInput.of("name", received=name or "nothing", accepted=f"{SERVICE}/operations/<id>")
        return Evaluation(self._client, Operation(self._client, name))

    def compare(self, a: Evaluated, b: Evaluated, *, timeout: float | None = None) -> tuple[Difference, ...]:
        """How two evaluations of the same questions differ, b less a: over all items, then by group.

        Raises:
            InvalidInput: there is no report, or the two cannot be compared.
            Conflict: an evaluation has not succeeded.
            NotFound: there is no such evaluation.
            DeadlineExceeded, Unavailable: as for `Operation.get`.
        """
        files = {side: self._files(side, evaluated, timeout) for side, evaluated in (("a", a), ("b", b))}
        answer = self._ask("CompareReports", benchmark_pb2.CompareReportsRequest(**files), timeout)
        return tuple(map(Difference.of, answer.differences))

    def leaderboard(
        self,
        suite: str,
        *,
        variant: str = DEFAULT_VARIANT,
        dataset_sha256: str = "",
        timeout: float | None = None,
    ) -> tuple[Board, ...]:
        """The tenant's evaluations, of one data set where it is named: a board for what can be compared, best first.

        Raises:
            InvalidInput: there is no such benchmark, variant or sum.
            DeadlineExceeded, Unavailable: as for `Operation.get`.
        """
        check_suite(suite, variant)
        request = benchmark_pb2.GetLeaderboardRequest()
        fill(request, "", {"suite": suite, "variant": variant, "dataset_sha256": dataset_sha256})
        validate(request)
        return tuple(map(Board.of, self._ask("GetLeaderboard", request, timeout).boards))

    def _complete(
        self,
        request: benchmark_pb2.CreateEvaluationRequest,
        data: str | os.PathLike[str],
        predictions: Path | None,
        judge: Endpoint | None,
        prompts: Prompts | None,
        progress: Progress | None,
        timeout: float | None,
    ) -> None:
        """Adds what both kinds of evaluation have, checks all of it, and then sends the files."""
        check_timeout(timeout)
        check_suite(request.suite, request.variant)
        if judge is not None:
            request.judge.CopyFrom(judge.wire("judge"))
        if prompts is not None:
            request.prompts.update(prompts_of(prompts))
        if predictions is not None and not predictions.is_file():
            received = f"{'no file' if predictions.exists() else 'nothing'}: {predictions}"
            raise InvalidInput.of("predictions", received=received, accepted="a file of JSON lines")
        folder = DataFolder.at(data)
        # What the sums and the id will be is not known yet, but what they will look like.
        request.request_id = NO_SUM
        request.data.CopyFrom(benchmark_pb2.DataSet(questions=NO_SUM, format=folder.form))
        validate(request)
        if request.budget.cost and not _has_price(request):
            raise InvalidInput.of(
                "budget.cost", received=request.budget.cost, accepted="none, where nothing has a price"
            )
        self._client.keep_working(SERVICE)  # embedded: what does the work starts while the files are sent
        artifacts = ArtifactsClient(self._client, SERVICE)
        files = [folder.questions, *([] if predictions is None else [predictions]), *folder.images.values()]
        sums = artifacts.upload(files, progress=progress, timeout=timeout)
        request.data.questions = sums[folder.questions]
        if predictions is not None:
            request.predictions = sums[predictions]
        if folder.images:
            request.data.media = artifacts.upload_bytes(folder.media(sums), name="media.jsonl", timeout=timeout)

    def _begun(
        self,
        request: benchmark_pb2.CreateEvaluationRequest,
        earlier: Sequence[Evaluation],
        request_id: str,
        timeout: float | None,
    ) -> Evaluation:
        """Submits an evaluation, or finds the one that this already is."""
        request.request_id = ""
        body = hashlib.sha256(request.SerializeToString(deterministic=True)).hexdigest()[:32]
        latest: OperationStatus | None = None
        for evaluation in earlier:
            with suppress(NotFound):
                latest = evaluation.operation.get(timeout=timeout)
                _reuse(request, latest)
        if earlier and latest is None:
            gone = f"{earlier[-1].name} is forgotten, and with it what was answered"
            raise NotFound(f"{gone}: begin anew, which asks every question again")
        if latest is not None:
            if self._still_is(latest, body, request, timeout):
                return self.evaluation(latest.name)
            if not latest.done:
                self.evaluation(latest.name).operation.cancel(timeout=timeout)
                latest = self.evaluation(latest.name).operation.wait()
                _reuse(request, latest)
        while True:
            request.request_id = request_id or (body if latest is None else f"{body}:{latest.name[-32:-16]}")
            began = time.monotonic()
            evaluation = self.evaluation(self._ask("CreateEvaluation", request, timeout).operation)
            if request_id:
                return evaluation
            latest = evaluation.operation.get(timeout=timeout)
            if not _ended_badly(latest) or _lifetime(latest) <= time.monotonic() - began:
                return evaluation
            _reuse(request, latest)  # it lived longer than this call took, and so ended before

    def _still_is(
        self,
        earlier: OperationStatus,
        body: str,
        request: benchmark_pb2.CreateEvaluationRequest,
        timeout: float | None,
    ) -> bool:
        """Whether an earlier evaluation is what is asked for, and nothing of it is to be asked again."""
        if earlier.request_id.partition(":")[0] != body or _ended_badly(earlier):
            return False
        if not earlier.done or request.HasField("budget"):
            return True
        return Report.of(self.evaluation(earlier.name).result(timeout=timeout).report).whole

    def _files(self, side: str, evaluated: Evaluated, timeout: float | None) -> Mapping[str, str]:
        """The SHA-256 of an evaluation's files, which the service has."""
        if isinstance(evaluated, str) and re.fullmatch(rf"{SERVICE}/operations/[0-9a-f]{{32}}", evaluated):
            evaluated = self.evaluation(evaluated)
        if isinstance(evaluated, Evaluation):
            return evaluated.result(timeout=timeout).files
        path = Path(evaluated)
        report = path / REPORT if path.is_dir() else path
        files = {name: report if name == REPORT else report.with_name(name) for name in COMPARED}
        for name, file in files.items():
            if not file.is_file():
                accepted = f"the folder of a report, its {REPORT} with the others beside, or the name of an operation"
                raise InvalidInput.of(side, received=f"no {name}: {path}", accepted=accepted)
        sums = ArtifactsClient(self._client, SERVICE).upload(files.values(), timeout=timeout)
        return {name: sums[file] for name, file in files.items()}

    def _ask(self, method: str, request: Any, timeout: float | None) -> Any:
        return asked(self._client, method, request, timeout)


def _has_price(request: benchmark_pb2.CreateEvaluationRequest) -> bool:
    return any(endpoint.input_price or endpoint.output_price for endpoint in (request.model, request.judge))


def _reuse(request: benchmark_pb2.CreateEvaluationRequest, earlier: OperationStatus) -> None:
    """Has a request reuse what was answered to an earlier evaluation, where anything can have been."""
    refused = isinstance(earlier.error, InvalidInput | PermissionDenied | NotFound)  # before it asked anything
    if earlier.started is not None and not refused:
        request.reuse = earlier.name


def _ended_badly(status: OperationStatus) -> bool:
    return status.done and status.state != "SUCCEEDED"


def _lifetime(status: OperationStatus) -> float:
    """Seconds from its submission to its end, both by the service's clock; 0 before."""
    return 0.0 if status.finished is None else (status.finished - status.created).total_seconds()
