"""The job that evaluates: asks a model where one is given, scores the answers, and stores the report.

    <job's folder>/asked/         answers and spending of all attempts (`asking.answers`, `asking.budget`)
    <job's folder>/files/         the artifacts that came with the job, by SHA-256
    <job's folder>/attempt-…/     an attempt's own, made again from these

Killed at any moment and begun again, it asks nothing that was answered, and stores the same report.
"""

from __future__ import annotations

import asyncio
import errno
import json
import re
import shutil
import sqlite3
from collections.abc import AsyncIterator, Iterator, Mapping
from contextlib import ExitStack, aclosing, closing, contextmanager
from datetime import timedelta
from pathlib import Path
from tempfile import TemporaryDirectory

import structlog
from google.protobuf import any_pb2

from tellurion.benchmark.v1 import benchmark_pb2
from tellurion_benchmark.asking import answers
from tellurion_benchmark.asking.runner import run
from tellurion_benchmark.asking.session import session
from tellurion_benchmark.assess import Assessor, completed
from tellurion_benchmark.dataset import DataSet
from tellurion_benchmark.headway import ITEMS_SHARE, Headway
from tellurion_benchmark.inputs import Inputs
from tellurion_benchmark.page import write_page
from tellurion_benchmark.plan import Plan
from tellurion_benchmark.record import RunRecord
from tellurion_benchmark.report import REPORT, report, summary, write_json, write_lines
from tellurion_benchmark.results import Assessed, Results
from tellurion_benchmark.scoring import Json, Variant
from tellurion_benchmark.scoring_thread import ScoringThread
from tellurion_core.endpoints.settings import EndpointSettings
from tellurion_core.errors import Cancelled, InvalidInput, NotFound, ResourceExhausted
from tellurion_core.jobs.running import RunningJob
from tellurion_core.jobs.settings import JobSettings
from tellurion_core.settings import load

log = structlog.get_logger()

KIND = "benchmark.evaluation"
ASKED = "asked"
RUN, PAGE, PREDICTIONS = "run.json", "report.html", "predictions.jsonl"
MEDIA_TYPES: Mapping[str, str] = {
    ".json": "application/json",
    ".jsonl": "application/x-ndjson",
    ".html": "text/html",
}
LOOK_EVERY = 128
"""Items between two looks at whether the work was cancelled, where nothing is waited for."""
CHUNK_BYTES = 1 << 20
_OPERATION = re.compile(r"benchmark/operations/([0-9a-f]{32})")


def evaluate(body: any_pb2.Any, job: RunningJob) -> benchmark_pb2.EvaluationResult:
    """Evaluates what a `CreateEvaluationRequest` asks for.

    Raises:
        InvalidInput: the data or the predictions cannot be used, before anything is asked.
        PermissionDenied: an endpoint, or the key for it, is not allowed any more.
        NotFound: the answers that are to be used again are not there any more.
        ResourceExhausted: the disk is full.
        Cancelled: it was asked to stop.
    """
    request = benchmark_pb2.CreateEvaluationRequest()
    if not body.Unpack(request):
        raise InvalidInput.of("body", received=body.type_url, accepted="a CreateEvaluationRequest")
    plan = Plan.of(request, load(EndpointSettings))
    for left in job.folder.glob("attempt-*"):  # by attempts that were killed
        shutil.rmtree(left, ignore_errors=True)
    with _room(), TemporaryDirectory(dir=job.folder, prefix="attempt-", ignore_cleanup_errors=True) as folder:
        return Evaluation(request, plan, job, Path(folder)).result()


def job_id(operation: str, field: str) -> str:
    """The id of the job that an operation of this service is.

    Raises:
        InvalidInput: no operation of this service can have the name.
    """
    named = _OPERATION.fullmatch(operation)
    if named is None:
        raise InvalidInput.of(field, received=operation, accepted="benchmark/operations/<id>, as it was answered")
    return named[1]


class Evaluation:
    """One attempt at an evaluation, in a folder of its own."""

    def __init__(
        self, request: benchmark_pb2.CreateEvaluationRequest, plan: Plan, job: RunningJob, folder: Path
    ) -> None:
        self._request = request
        self._plan = plan
        self._job = job
        self._folder = folder
        self._output = folder / "report"
        self._output.mkdir()
        self._record = RunRecord(job.attempt)
        self._snapshot: str | None = None

    def result(self) -> benchmark_pb2.EvaluationResult:
        """Does everything, and stores the report."""
        (self._job.folder / ASKED).mkdir(exist_ok=True)  # that another evaluation finds, however this one ends
        self._job.progress(0.0, "reading the data set")
        with self._record.timed("reading"):
            variant = self._plan.load()
            inputs = Inputs(self._job.artifacts, self._job.tenant, self._job.folder / "files")
            data = inputs.data_set(self._request, self._folder / "data.sqlite")
        with closing(data), closing(Results(self._folder / "results.sqlite", variant)) as results:
            self._job.progress(0.0, "loading what scores")
            with self._record.timed("loading"):
                self._prepare(variant, data)
            with self._record.timed("items"):
                if self._plan.model is None and self._plan.judge is None:
                    self._score(data, variant, results)
                else:
                    asyncio.run(self._ask(data, variant, results))
                results.finish()
            self._job.progress(ITEMS_SHARE, "writing the report")
            summarised = self._write(data, variant, results)
        files = {path.name: self._store(path) for path in sorted(self._output.iterdir())}
        return benchmark_pb2.EvaluationResult(files=files, report=summarised)

    def _prepare(self, variant: Variant, data: DataSet) -> None:
        """Loads now what answers under way would else wait for; what cannot be loaded is the reason of items alone."""
        try:
            variant.prepare(data.kinds(self._limit))
        except Exception:
            log.warning("what scores could not be loaded", exc_info=True)

    def _score(self, data: DataSet, variant: Variant, results: Results) -> None:
        """Scores what was given, where nothing has to be asked and so nothing is waited for."""
        assess = Assessor(variant, model=None, judge=None)
        headway = Headway(self._job.progress, "scored", self._count(data))
        for ordinal, question in enumerate(data.predicted(self._limit)):
            if ordinal % LOOK_EVERY == 0:
                if self._job.cancelled():
                    raise Cancelled("the evaluation was cancelled")
                headway.finished(ordinal)
            results.add(ordinal, completed(assess(question)))

    async def _ask(self, data: DataSet, variant: Variant, results: Results) -> None:
        """Asks and scores many items at once; they come back in the order of the data set."""
        asked = self._job.folder / ASKED
        self._reuse(asked)
        endpoints = {"model": self._plan.model, "judge": self._plan.judge}
        async with (
            session(
                asked,
                endpoints,
                prompt_version=variant.prompt_version,
                allowed=self._plan.allowed,
                limits=self._plan.limits,
            ) as opened,
            ScoringThread() as thread,
        ):
            model, judge = opened.askers.get("model"), opened.askers.get("judge")
            headway = Headway(self._job.progress, "asked" if model else "judged", self._count(data))
            headway.finished(0)  # an endpoint may take minutes over the first one
            assessing = run(
                data.predicted(self._limit),
                Assessor(variant, model=model, judge=judge, thread=thread),
                concurrency=opened.concurrency,
                cancelled=self._job.cancelled,
                finished=lambda done: headway.finished(done, opened.spent, opened.newest_trouble),
            )
            async with aclosing(assessing) as assessed:
                await self._keep(assessed, results, headway, predicted=model is not None)
            self._snapshot = opened.snapshot("judge")
            self._record.given_up = opened.given_up
            self._record.asked = opened.record()

    async def _keep(
        self, assessed: AsyncIterator[Assessed], results: Results, headway: Headway, *, predicted: bool
    ) -> None:
        """Keeps what comes, and writes down what a model answered so that it can be scored again."""
        with ExitStack() as stack:
            file = stack.enter_context((self._output / PREDICTIONS).open("w", encoding="utf-8")) if predicted else None
            ordinal = 0
            async for one in assessed:
                results.add(ordinal, one)
                ordinal += 1
                headway.failed += not one.answered
                if file is not None and one.answered:
                    file.write(prediction_line(one.item.id, one.prediction))

    def _reuse(self, folder: Path) -> None:
        """Puts the answers of an earlier evaluation, whose tenant the service has checked, beside ours."""
        if not self._request.reuse:
            return
        job = job_id(self._request.reuse, "reuse")
        earlier = self._job.folder.parent / job / ASKED
        if not earlier.is_dir():
            raise NotFound(f"the answers of {self._request.reuse} are not there any more")
        answers.reuse(earlier, folder, job=job)

    def _write(self, data: DataSet, variant: Variant, results: Results) -> benchmark_pb2.Report:
        judge = self._plan.judge
        with self._record.timed("report"):
            found = report(
                results,
                variant,
                dataset_sha256=data.sha256,
                judge=None if judge is None else judge.model,
                snapshot=self._snapshot,
            )
            write_json(self._output / REPORT, found)
            write_lines(results, self._output)
            write_page(self._output / PAGE, found, self._model, results, data, variant)
        write_json(self._output / RUN, self._record.json(results))
        return summary(found, model=self._model, items=results.counts()[0], given_up=self._record.given_up)

    def _store(self, path: Path) -> str:
        """Stores a file for as long as the job is remembered; returns its SHA-256."""
        keep = timedelta(days=load(JobSettings).retention_days)
        with path.open("rb") as file:
            chunks = iter(lambda: file.read(CHUNK_BYTES), b"")
            stored = self._job.artifacts.put(
                self._job.tenant, chunks, media_type=MEDIA_TYPES[path.suffix], name=path.name, keep=keep
            )
        return stored.id

    @property
    def _model(self) -> str:
        """Whose answers they are, as they are shown."""
        return self._request.label if self._plan.model is None else self._plan.model.model

    @property
    def _limit(self) -> int | None:
        return self._request.limit or None

    def _count(self, data: DataSet) -> int:
        return min(data.count, self._request.limit or data.count)


def prediction_line(item_id: str, prediction: Json) -> str:
    """A line of a file of predictions, as `predictions.read_predictions` reads it."""
    said = prediction if isinstance(prediction, dict) else {"prediction": prediction}
    return json.dumps({"id": item_id} | said, ensure_ascii=False) + "\n"


@contextmanager
def _room() -> Iterator[None]:
    """Says that the disk is full where it is: to begin again would not help."""
    try:
        yield
    except (OSError, sqlite3.OperationalError) as error:
        if (
            getattr(error, "errno", None) == errno.ENOSPC
            or getattr(error, "sqlite_errorcode", 0) == sqlite3.SQLITE_FULL
        ):
            raise ResourceExhausted("the evaluation could not be written; the disk is full") from error
        raise
