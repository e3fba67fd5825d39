"""What it takes to score predictions that were made elsewhere: time, and memory as the items grow in number.

    python tests/bench/benchmark_scoring.py

OmniEarth-Bench has 29 779 annotations, most of them single choices, ten to an image. Time is that of the whole job,
from its artifacts to its stored report, in a process that has not scored before: what its scorer and their libraries
take to import is counted, what the process takes to start is not. Memory is the most that the process ever had.
"""

from __future__ import annotations

import json
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from tempfile import TemporaryDirectory

from google.protobuf import any_pb2
from memory import peak_mib
from targets import Target, at_most, exit_code, markdown, target_table

from tellurion.benchmark.v1 import benchmark_pb2
from tellurion_benchmark.evaluation import evaluate
from tellurion_core.artifacts import ArtifactStore
from tellurion_core.jobs.running import RunningJob

ANNOTATIONS = 29_779
SECONDS, MIB = 3.0, 300.0
ROUNDS = 3
COUNTS = (1_000, 10_000, 100_000)
GROWTH_MIB = 16.0
SPHERES = ("Atmosphere", "Lithosphere", "Oceansphere", "Cryosphere", "Biosphere", "Human-activities", "Cross-sphere")
TASKS = 103
CHOICES = ["(A) North", "(B) South", "(C) East", "(D) West", "(E) Unable to decide"]


def records(count: int) -> Iterator[dict[str, object]]:
    """Single choices about images that are not there: predictions of choices are scored without them."""
    for number in range(count):
        task = number % TASKS
        sphere = SPHERES[task % len(SPHERES)]
        yield {
            "Question_id": f"task {task}/{number}",
            "Question Type": "Single Choice",
            "Text": f"Where in tile {number} does the anomaly of the month lie, seen from the centre?",
            "Answer Choices": CHOICES,
            "Ground Truth": "ABCD"[number % 4],
            "Images": [f"{number // 10}.jpg"],
            "L1-task": sphere,
            "L2-task": f"scenario {task % 23}",
            "L3-task": ("Perception", "General reasoning", "Scientific knowledge", "CoT")[task % 4],
            "L4-task": f"task {task}",
            "Dataset": "made up",
        }


def predictions(count: int) -> Iterator[dict[str, object]]:
    """Three of four are right, of each letter as many."""
    for number in range(count):
        answer = "ABCD"[(number + is_wrong(number)) % 4]
        yield {"id": f"task {number % TASKS}/{number}", "prediction": f"The best answer is ({answer})."}


def is_wrong(number: int) -> bool:
    """Whether the prediction of this item is."""
    return number // 4 % 4 == 0


def prepared(folder: Path, count: int) -> tuple[ArtifactStore, benchmark_pb2.CreateEvaluationRequest]:
    """A store with the data set and the predictions, and the request to score them."""
    store = ArtifactStore(folder / "artifacts")

    def put(lines: Iterator[dict[str, object]]) -> str:
        chunks = (json.dumps(line).encode() + b"\n" for line in lines)
        return store.put("local", chunks, media_type="application/x-ndjson", name="lines.jsonl", keep=None).id

    data = benchmark_pb2.DataSet(questions=put(records(count)), format=benchmark_pb2.FORMAT_JSON_LINES)
    request = benchmark_pb2.CreateEvaluationRequest(
        request_id="bench", suite="omniearth", data=data, predictions=put(predictions(count))
    )
    return store, request


def score(folder: Path) -> None:
    """Scores what was prepared, and prints seconds and MiB."""
    request = benchmark_pb2.CreateEvaluationRequest.FromString((folder / "request").read_bytes())
    body = any_pb2.Any()
    body.Pack(request)
    job = RunningJob(
        id="0" * 32,
        tenant="local",
        subject="bench",
        request_id="bench",
        attempt=1,
        folder=folder,
        artifacts=ArtifactStore(folder / "artifacts"),
        cancelled=lambda: False,
        progress=lambda fraction, message: None,
    )
    start = time.perf_counter()
    result = evaluate(body, job)
    seconds = time.perf_counter() - start
    assert result.report.coverage == 1
    accuracy = next(metric for metric in result.report.metrics if metric.name == "accuracy")
    right = sum(not is_wrong(number) for number in range(accuracy.n))
    assert (accuracy.unscored, accuracy.value) == (0, right / accuracy.n)
    print(json.dumps([seconds, peak_mib()]))


def measured(count: int) -> tuple[float, float]:
    """Seconds and MiB of a process of its own."""
    with TemporaryDirectory(prefix="tellurion-bench-") as folder:
        _, request = prepared(Path(folder), count)
        Path(folder, "request").write_bytes(request.SerializeToString())
        command = [sys.executable, __file__, folder]
        seconds, mib = json.loads(subprocess.run(command, check=True, capture_output=True, text=True).stdout)
    return seconds, mib


def table() -> list[dict[str, float]]:
    """One row a process: items, seconds, and the most memory that it had."""
    counts = (*[ANNOTATIONS] * ROUNDS, *COUNTS)
    return [{"items": count, "seconds": seconds, "mib": mib} for count in counts for seconds, mib in [measured(count)]]


def targets(rows: Sequence[Mapping[str, float]]) -> Iterator[Target]:
    """Seconds of the best round, and memory."""
    rounds = [row for row in rows if row["items"] == ANNOTATIONS]
    peaks = {row["items"]: row["mib"] for row in rows}
    what = f"{ANNOTATIONS} multiple-choice predictions"
    yield at_most(f"{what} scored, s beyond process start", min(row["seconds"] for row in rounds), SECONDS)
    yield at_most(f"{what} scored, peak MiB of the process", max(row["mib"] for row in rounds), MIB, digits=0)
    growth = peaks[COUNTS[-1]] - peaks[COUNTS[0]]
    yield at_most("100 000 predictions scored, MiB beyond that of 1000", growth, GROWTH_MIB, digits=1)


def report(rows: Sequence[Mapping[str, float]]) -> str:
    """The table in Markdown."""
    cells = ([row["items"], f"{row['seconds']:.2f}", f"{row['mib']:.0f}"] for row in rows)
    return "## Scoring predictions\n\n" + markdown(["items", "s", "peak MiB"], cells)


def main() -> int:
    """Prints the tables."""
    rows = table()
    print(report(rows), target_table(found := list(targets(rows))), sep="\n\n")
    return exit_code(found)


if __name__ == "__main__":
    if len(sys.argv) == 2:
        score(Path(sys.argv[1]))
    else:
        sys.exit(main())
