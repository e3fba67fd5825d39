"""What the tests of the chart's pods have measured: each pod's memory, and what callers saw of each drill."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from targets import markdown

STATUSES = {"200": "answered", "429": "refused: full", "503": "refused: away", "0": "no answer"}
"""All that a drill lets pass."""
MEMORY = {
    "image MB": "image MB",
    "started s": "ready after s, as probes see it",
    "rest MiB": "MiB at rest",
    "load MiB": "MiB at most",
    "limit MiB": "MiB allowed",
}


def rows_of(file: Path) -> list[dict[str, Any]]:
    """What was kept, in the order in which it was; nothing where no test came so far."""
    return [json.loads(line) for line in file.read_text().splitlines()] if file.exists() else []


def report(title: str, rows: Sequence[Mapping[str, Any]]) -> str:
    """A section with a table of pods and one of drills, as far as there are any."""
    section = [f"## {title}"]
    if pods := [[row["component"], *(f"{row[name]:.0f}" for name in MEMORY)] for row in rows if "component" in row]:
        section += [markdown(["pod", *MEMORY.values()], pods)]
    drills = [
        [row["drill"], row["seconds"], *(row["answers"].get(status, 0) for status in STATUSES), row["submitted"]]
        for row in rows
        if "drill" in row
    ]
    if drills:
        section += ["Requests that came before, while and after it happened:"]
        section += [markdown(["drill", "seconds", *STATUSES.values(), "long work taken"], drills)]
    return "\n\n".join(section)
