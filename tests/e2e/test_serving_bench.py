"""The benchmark of serving runs: every path answers, and requests that wait together are run as one."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

BENCH = Path(__file__).parents[1] / "bench" / "serving.py"


@pytest.mark.slow
@pytest.mark.timeout(300)
def test_every_path_is_measured_and_batches_form() -> None:
    done = subprocess.run([sys.executable, BENCH, "--quick", "--json"], stdout=subprocess.PIPE, text=True, check=True)
    measured = json.loads(done.stdout)
    for row in measured["latencies"]:
        assert len(row) == 6
        assert all(0 < path["p50"] <= path["p99"] for name, path in row.items() if name != "payload")
    alone, together = measured["batching"]
    assert alone["batch"] == 1
    assert together["batch"] > 4
    assert together["rate"] > 0
