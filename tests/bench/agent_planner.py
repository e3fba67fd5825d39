"""What it takes to plan offline: to begin, and for each request once warm.

    python tests/bench/agent_planner.py

Time is that of the processor, so that other work on the machine counts for nothing; the network runs on one thread.
The requests are those that the planner is judged by.
"""

from __future__ import annotations

import json
import os
import sys
import time
from collections.abc import Iterator, Mapping
from pathlib import Path
from tempfile import TemporaryDirectory

os.environ.setdefault("OMP_NUM_THREADS", "1")

import numpy as np
from targets import Target, at_most, exit_code, markdown, target_table

from tellurion_agent.catalogue.dataset import DataSet, File
from tellurion_agent.catalogue.library import Catalogue
from tellurion_agent.catalogue.record import Box
from tellurion_agent.catalogue.variables import VARIABLES
from tellurion_agent.planning.embedding import embedder
from tellurion_agent.planning.planner import Planner

REQUESTS = Path(__file__).parents[1] / "services" / "agent" / "planning" / "report.jsonl"
SOURCES = 40
"""Models, each with every variable: a catalogue of thousands of data sets."""
LOADED, BEGUN, PLANNED = 1.0, 2.0, 0.3
"""Seconds: to read the network, to begin with kept embeddings, and for the slowest request but five in a hundred."""


def catalogue() -> Catalogue:
    """Data sets that nobody has written."""

    def one(variable: str, source: str) -> DataSet:
        file = File(f"/{variable}/{source}.nc", 10**7, 0, 1850 * 12, 2015 * 12 - 1, 165 * 12)
        return DataSet(
            variable, variable, "1", variable, "mean", ("time", "lat", "lon"), "standard", "mon", None, Box((90, 180)),
            "CMIP6", source, "historical", "r1i1p1f1", "gn", "", "model", "", "", (file,),
        )  # fmt: skip

    return Catalogue(tuple(one(name, f"MODEL-{n}") for name in VARIABLES for n in range(SOURCES)), {})


def table() -> dict[str, float]:
    """Seconds of each."""
    requests = [json.loads(line)["request"] for line in REQUESTS.read_text(encoding="utf-8").splitlines()]
    started = time.process_time()
    embed = embedder()
    loaded = time.process_time() - started
    embed(["warm"])
    started = time.process_time()
    embed(["how fast does the surface of the sea warm in the North Atlantic"])
    sentence = time.process_time() - started
    with TemporaryDirectory() as folder:
        started = time.process_time()
        Planner(cache=Path(folder))
        first = time.process_time() - started
        started = time.process_time()
        planner = Planner(cache=Path(folder))
        begun = time.process_time() - started
    there, times = catalogue(), []
    for request in requests:
        started = time.process_time()
        planner.plan(request, there)
        times.append(time.process_time() - started)
    return {
        "read the network": loaded,
        "embed a sentence": sentence,
        "begin for the first time": first,
        "begin again": begun,
        "plan, median": float(np.median(times)),
        "plan, 95 in a hundred": float(np.quantile(times, 0.95)),
        "plan, slowest": max(times),
    }


def targets(seconds: Mapping[str, float]) -> Iterator[Target]:
    """What the issue wants."""
    yield at_most("seconds to read the network", seconds["read the network"], LOADED)
    yield at_most("seconds to begin with kept embeddings", seconds["begin again"], BEGUN)
    yield at_most("seconds to plan, 95 requests in a hundred", seconds["plan, 95 in a hundred"], PLANNED, 3)


def report(seconds: Mapping[str, float]) -> str:
    """All that was measured."""
    rows = [(what, f"{took:.3f}") for what, took in seconds.items()]
    return "## The agent's offline planner\n\n" + markdown(["what", "processor time, s"], rows)


def main() -> int:
    """Prints what was measured and the table of targets."""
    seconds = table()
    found = list(targets(seconds))
    print(report(seconds), target_table(found), sep="\n\n")
    return exit_code(found)


if __name__ == "__main__":
    sys.exit(main())
