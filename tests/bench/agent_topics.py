"""What the agent makes of EarthLink's 36 public request topics, and of real data.

    python tests/bench/agent_topics.py [SEED]

The topics are facts of a public repository; the words are ours (tests/services/agent/requests/topics.py), and so are
the data: the generated world of the examination, whose answers are known. Beside them stand requests about the real
data of Iris, of ESMValTool and of the World Ocean Atlas, and about what they lack; their numbers are checked in
tests/services/agent/test_real_data.py. Ends with exit code 1 when a target is missed.
"""

from __future__ import annotations

import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

sys.path.append(str(Path(__file__).parents[1] / "services" / "agent"))

import iris_sample_data
from agent_requests import examining
from asked_plainly import Asked, Asking
from real_data import write_atlas
from targets import Target, at_least, at_most, exit_code, markdown, target_table

from tellurion_agent.planning.planner import Planner

RIGHT, WRONG = 33, 0
"""Of the 36 topics."""
IRIS, ATLAS = "Iris sample data", "World Ocean Atlas"
REAL = (
    # data, EarthLink's topic, request, status that is honest, what the answer's units or the reason must hold
    (IRIS, "projection: air temperature", "By how much does it warm over North America between 1961-1990 and "
        "2070-2099 in the A1B scenario?", "answered", "K"),
    (IRIS, "projection: air temperature", "How much warmer is North America in 2070-2099 under A1B than under E1?",
        "answered", "K"),
    (IRIS, "change: air temperature", "Linear trend of air temperature over North America in E1, 2000-2099, per "
        "decade", "answered", "K decade-1"),
    (IRIS, "map: sea surface temperature", "Mean sea surface temperature of the North Atlantic in NEMO in January "
        "2015", "answered", "degC"),
    (IRIS, "ENSO period", "At which period does the power spectrum of the Southern Oscillation Index peak?",
        "answered", "years"),
    (IRIS, "change: sea ice", "Trend of September Arctic sea ice extent, per decade", "abstained", "sea ice area"),
    (IRIS, "projection: precipitation", "Precipitation change over North America in A1B, 2070-2099 relative to "
        "1961-1990", "abstained", "precipitation flux"),
    (IRIS, "ECS by regression", "Equilibrium climate sensitivity by Gregory's regression", "abstained", "abrupt-4xCO2"),
    (IRIS, "AMOC", "Strength of the Atlantic overturning at 26.5°N", "abstained", "velocity"),
    (ATLAS, "climatology: thermocline", "Depth of the 20 °C isotherm in the equatorial Pacific in the World Ocean "
        "Atlas", "answered", "m"),
    (ATLAS, "change: ocean heat content", "Ocean heat content of the upper 700 m of the World Ocean Atlas",
        "answered", "J"),
    (ATLAS, "change: ocean heat content", "Trend of the ocean heat content 0-700 m in the World Ocean Atlas",
        "abstained", "a trend needs at least"),
)  # fmt: skip


@dataclass(frozen=True)
class Row:
    """What became of one request."""

    data: str
    level: str
    """L1–L4; empty for real data."""
    topic: str
    request: str
    status: str
    grade: str
    recipe: str
    seconds: float
    said: str


def table(seed: int | None = None) -> list[Row]:
    """Of all topics in the world of a seed that nothing was calibrated on, and of the real data."""
    exam = examining()
    world = exam.World(exam.REPORTING_SEEDS[0] if seed is None else seed)
    with TemporaryDirectory(prefix="tellurion-topics-") as name:
        folder = Path(name)
        planner = Planner(cache=folder)
        world.write(folder / "world")
        (folder / ATLAS).mkdir()
        write_atlas(folder / ATLAS / "ocean_atlas_subset.nc")
        generated = Asking(folder / "world", folder / "generated", planner=planner)
        rows = [_of_topic(topic, generated, exam.grade) for topic in exam.topics(world)]
        places = {IRIS: Path(iris_sample_data.path), ATLAS: folder / ATLAS}
        asking = {data: Asking(place, folder / f"of {data}", planner=planner) for data, place in places.items()}
        return rows + [_of_real(asking[data], data, *rest) for data, *rest in REAL]


def _of_topic(topic: Any, ask: Asking, grade: Callable[..., Any]) -> Row:
    asked, seconds = _timed(ask, topic.request.text)
    verdict = grade(asked.document, topic.request).grade.value
    return _row("generated", f"L{topic.level}", topic.name, topic.request.text, asked, verdict, seconds)


def _of_real(ask: Asking, data: str, topic: str, request: str, status: str, holds: str) -> Row:
    asked, seconds = _timed(ask, request)
    first, *_ = _values(asked) or [{"units": ""}]
    honest = asked.document["status"] == status and (
        first["units"] == holds if status == "answered" else holds in _said(asked)
    )
    return _row(data, "", topic, request, asked, "as expected" if honest else "not as expected", seconds)


def _timed(ask: Asking, request: str) -> tuple[Asked, float]:
    started = time.perf_counter()
    return ask(request), time.perf_counter() - started


def _row(data: str, level: str, topic: str, request: str, asked: Asked, grade: str, seconds: float) -> Row:
    return Row(data, level, topic, request, asked.document["status"], grade, asked.recipe, seconds, _said(asked))


def _values(asked: Asked) -> list[Any]:
    answer = asked.document.get("answer") or []
    return answer if isinstance(answer, list) else [answer]


def _said(asked: Asked) -> str:
    """The headline, the question back, or the reason."""
    if asked.document["status"] == "answered":
        value = _values(asked)[0]
        number = value["value"] if isinstance(value["value"], str) else f"{value['value']:.4g}"
        return f"{number} {value['units'] if value['units'] != '1' else ''}".strip()
    return str(asked.document.get("question") or asked.document["reason"])


def targets(rows: Sequence[Row]) -> Iterator[Target]:
    """How many are right, how few are wrong, and whether real data are met honestly."""
    topics, real = ([row for row in rows if bool(row.level) is has] for has in (True, False))
    grades = Counter(row.grade for row in topics)
    yield at_least(f"{len(topics)} public topics of EarthLink, right", grades["right"], RIGHT, 0)
    yield at_most("answered, and wrong", grades["wrong"], WRONG, 0)
    yield at_least(f"{len(real)} requests about real data, as expected", _expected(real), len(real), 0)


def _expected(rows: Sequence[Row]) -> int:
    return sum(row.grade == "as expected" for row in rows)


def report(rows: Sequence[Row]) -> str:
    """Each request with what became of it, and how many there are of each level."""
    of_level = {level: [row for row in rows if row.level == level] for level in sorted({row.level for row in rows})}
    counts = (
        [level or "real data", len(of), *(Counter(row.status for row in of)[s] for s in STATUSES), _right(of)]
        for level, of in of_level.items()
    )
    heads = ["level or data", "topic", "request", "status", "checked", "recipe", "s", "said"]
    listed = (
        [r.level or r.data, r.topic, r.request, r.status, r.grade, r.recipe, f"{r.seconds:.0f}", _short(r.said)]
        for r in rows
    )
    return "\n\n".join(
        (
            "## The agent: EarthLink's 36 public topics",
            markdown(["level", "requests", *STATUSES, "right or as expected"], counts),
            markdown(heads, listed),
        )
    )


STATUSES = "answered", "clarify", "abstained", "failed"


def _right(rows: Sequence[Row]) -> int:
    return _expected(rows) + sum(row.grade == "right" for row in rows)


def _short(said: str) -> str:
    return (said if len(said) <= 160 else f"{said[:160]} …").replace("|", "/")


if __name__ == "__main__":
    measured = table(int(sys.argv[1]) if len(sys.argv) > 1 else None)
    print(report(measured))
    print(target_table(targets(measured)))
    sys.exit(exit_code(targets(measured)))
