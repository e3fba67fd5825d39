"""Evaluations as jobs run them: files are uploaded, the job function is called, its artifacts are read."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from data_files import images_in  # which the fixture has loaded
from google.protobuf import any_pb2

from tellurion.benchmark.v1 import benchmark_pb2
from tellurion_benchmark.evaluation import evaluate
from tellurion_core.artifacts import ArtifactStore
from tellurion_core.jobs.running import RunningJob

TENANT = "local"
FORMATS = {
    "questions.json": benchmark_pb2.FORMAT_JSON,
    "questions.jsonl": benchmark_pb2.FORMAT_JSON_LINES,
    "questions.parquet": benchmark_pb2.FORMAT_PARQUET,
}


@dataclass(frozen=True)
class Outcome:
    """What came of an evaluation."""

    result: benchmark_pb2.EvaluationResult
    files: Mapping[str, bytes]
    """By name."""
    told: list[tuple[float, str]]
    """Progress, as it was told."""

    @property
    def report(self) -> dict[str, Any]:
        return json.loads(self.files["report.json"])

    @property
    def run(self) -> dict[str, Any]:
        return json.loads(self.files["run.json"])

    @property
    def items(self) -> dict[str, dict[str, Any]]:
        """The lines of items.jsonl, by id."""
        return {item["id"]: item for item in map(json.loads, self.files["items.jsonl"].splitlines())}

    @property
    def scores(self) -> dict[str, float | None]:
        return {name: item["score"] for name, item in self.items.items()}

    @property
    def same_bytes(self) -> tuple[bytes, ...]:
        """What must be the same whenever the same answers are scored."""
        return tuple(self.files[name] for name in ("report.json", "items.jsonl", "design.jsonl", "report.html"))


@dataclass
class Evaluating:
    """A store of artifacts and folders of jobs."""

    root: Path
    artifacts: ArtifactStore = field(init=False)

    def __post_init__(self) -> None:
        self.artifacts = ArtifactStore(self.root / "artifacts")

    def put(self, content: bytes, *, tenant: str = TENANT) -> str:
        """Uploads a file."""
        kept = self.artifacts.put(tenant, [content], media_type="application/octet-stream", name="f", keep=None)
        return kept.id

    def put_lines(self, lines: Iterable[object]) -> str:
        """Uploads JSON lines."""
        return self.put("".join(f"{json.dumps(line)}\n" for line in lines).encode())

    def data(self, folder: Path) -> benchmark_pb2.DataSet:
        """Uploads the data set of a folder."""
        (questions,) = (folder / name for name in FORMATS if (folder / name).exists())
        media = [{"name": name, "sha256": self.put(path.read_bytes())} for name, path in images_in(folder)]
        data = benchmark_pb2.DataSet(questions=self.put(questions.read_bytes()), format=FORMATS[questions.name])
        if media:
            data.media = self.put_lines(media)
        return data

    def request(self, suite: str, folder: Path, **fields: Any) -> benchmark_pb2.CreateEvaluationRequest:
        """A request for an evaluation of a folder's data; `predictions` may be a mapping by id."""
        if isinstance(fields.get("predictions"), Mapping):
            lines = ({"id": name, "prediction": text} for name, text in fields["predictions"].items())
            fields["predictions"] = self.put_lines(lines)
        name = "earthse" if suite == "earth-gold" else suite
        return benchmark_pb2.CreateEvaluationRequest(request_id="r", suite=name, data=self.data(folder), **fields)

    def job(
        self, number: int = 1, *, attempt: int = 1, cancelled: Callable[[], bool] = lambda: False
    ) -> tuple[RunningJob, list[tuple[float, str]]]:
        """An attempt at a job, and what it tells; the attempts at one number share a folder."""
        name = f"{number:032x}"
        folder = self.root / "jobs" / name
        folder.mkdir(parents=True, exist_ok=True)
        told: list[tuple[float, str]] = []
        job = RunningJob(
            id=name,
            tenant=TENANT,
            subject="marie",
            request_id="r",
            attempt=attempt,
            folder=folder,
            artifacts=self.artifacts,
            cancelled=cancelled,
            progress=lambda fraction, message: told.append((fraction, message)),
        )
        return job, told

    def run(self, request: benchmark_pb2.CreateEvaluationRequest, number: int = 1, **job: Any) -> Outcome:
        """Evaluates."""
        body = any_pb2.Any()
        body.Pack(request)
        running, told = self.job(number, **job)
        result = evaluate(body, running)
        files = {}
        for name, sha256 in result.files.items():
            with self.artifacts.open(TENANT, sha256) as file:
                files[name] = file.read()
        return Outcome(result, files, told)
