"""What the tests of the chart's pods have measured: each pod's memory, and what callers saw of each drill."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from targets import markdown

STATUSES = {"200": "answered", "429": "refused: full", "503": "refused: away", "0": "no answer"}
MEMORY = ("component", "image MB", "started s", "rest MiB", "load MiB", "limit MiB")


def rows_of(file: Path) -> list[dict[str, Any]]:
    """What was kept, in the order in which it was; nothing where no test came so far."""
    return [json.loads(line) for line in file.read_text().splitlines()] if file.exists() else []


def report(rows: Sequence[Mapping[str, Any]]) -> str:
    """Both tables."""
    memory = [[_rounded(row[name]) for name in MEMORY] for row in rows if "component" in row]
    drills = [
        [row["drill"], row["seconds"], *(row["answers"].get(status, 0) for status in STATUSES), row["submitted"]]
        for row in rows
        if "drill" in row
    ]
    heads = ["drill", "seconds", *STATUSES.values(), "long work taken"]
    return "\n\n".join(
        ["## Pods", markdown(MEMORY, memory), "Requests that came while it happened:", markdown(heads, drills)]
    )


def _rounded(value: Any) -> Any:
    return (
        round(value, 1)
        if isinstance(value, float) and value < 100
        else round(value)
        if isinstance(value, float)
        else value
    )
