"""How often the agent is right, over data with known answers, asked by someone who has not read its recipes.

    python tests/bench/agent_requests.py [SEED]

Each request (tests/services/agent/requests) is planned without a language model, its script is run in the sandbox, and
what comes of it is graded. Thresholds are calibrated on the development seed; figures are of another. A question back
or an abstention where an answer was due counts as neither right nor wrong. Ends with exit code 1 when a target is
missed.
"""

from __future__ import annotations

import importlib.util
import os
import sys
from collections import Counter
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from types import ModuleType
from typing import Any

from targets import Target, at_least, at_most, exit_code, markdown, target_table

sys.path.append(str(Path(__file__).parents[1] / "services" / "agent"))

from asked_plainly import Asking

REQUESTS = Path(__file__).parents[1] / "services" / "agent" / "requests"
RIGHT, WRONG = 95.0, 1.0
"""Per cent of all requests."""
SHOWN = 60
"""Requests that are listed with what became of them."""


@dataclass(frozen=True)
class Row:
    """What became of one request."""

    id: str
    topic: str
    text: str
    held_out: bool
    grade: str
    recipe: str
    said: str


def examining() -> ModuleType:
    """The package `requests` under a name that no distribution has."""
    if "examining" not in sys.modules:
        within = [str(REQUESTS)]
        found = importlib.util.spec_from_file_location(
            "examining", REQUESTS / "__init__.py", submodule_search_locations=within
        )
        sys.modules["examining"] = module = importlib.util.module_from_spec(found)
        found.loader.exec_module(module)
    return sys.modules["examining"]


class Examined:
    """The agent before one world."""

    def __init__(self, seed: int, folder: Path) -> None:
        self._exam = examining()
        self._world = self._exam.World(seed)
        self._world.write(folder / "world")
        self._ask = Asking(folder / "world", folder)

    def rows(self, *, share: int = 1) -> Iterator[Row]:
        """Of every request, or of one in so many."""
        requests = self._exam.examination(self._world)[::share]
        with ThreadPoolExecutor(os.cpu_count()) as threads:
            yield from threads.map(self._row, requests)

    def _row(self, request: Any) -> Row:
        asked = self._ask(request.text)
        verdict = self._exam.grade(asked.document, request)
        said = str(asked.document.get("question") or asked.document.get("reason") or asked.document.get("answer"))
        return Row(request.id, request.topic, request.text, request.held_out, verdict.grade.value, asked.recipe, said)


def table(seed: int | None = None) -> list[Row]:
    """What became of each request of a seed that nothing was calibrated on."""
    chosen = examining().REPORTING_SEEDS[0] if seed is None else seed
    with TemporaryDirectory(prefix="tellurion-examination-") as folder:
        return list(Examined(chosen, Path(folder)).rows())


def targets(rows: Sequence[Row]) -> Iterator[Target]:
    """How many are right, and how few are wrong."""
    yield at_least(f"{len(rows)} requests, right, %", _share(rows, "right"), RIGHT, 1)
    yield at_most("answered, and wrong, %", _share(rows, "wrong"), WRONG, 1)


def report(rows: Sequence[Row]) -> str:
    """By topic, and of the wordings that the development seed does not have."""
    grades = "right", "clarified", "abstained", "failed", "wrong"
    groups = {topic: [row for row in rows if row.topic == topic] for topic in sorted({row.topic for row in rows})}
    groups |= {"**wordings of their own**": [row for row in rows if row.held_out], "**all**": rows}
    lines = (
        [name, len(of), *(Counter(row.grade for row in of)[grade] for grade in grades)] for name, of in groups.items()
    )
    others = [row for row in rows if row.grade != "right"]
    listed = ([row.grade, row.text, row.recipe, row.said[:160].replace("|", "/")] for row in others[:SHOWN])
    return "\n\n".join(
        (
            "## The agent: requests over data with known answers",
            markdown(["topic", "requests", *grades], lines),
            f"The first {min(SHOWN, len(others))} of {len(others)} that are not right:",
            markdown(["grade", "request", "recipe", "said"], listed),
        )
    )


def _share(rows: Sequence[Row], grade: str) -> float:
    return 100 * sum(row.grade == grade for row in rows) / len(rows)


if __name__ == "__main__":
    measured = table(int(sys.argv[1]) if len(sys.argv) > 1 else None)
    print(report(measured))
    print(target_table(targets(measured)))
    sys.exit(exit_code(targets(measured)))
