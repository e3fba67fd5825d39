"""Every figure that the project claims, measured in one run, with its target, into RESULTS.md beside this file.

    make data acceptance

Takes about fifty minutes on two quiet cores, 35 of them for the ocean. Ends with exit code 1 when a target is missed,
and with 2, before anything is measured, when data that it needs are not there.
"""

from __future__ import annotations

import os
import platform
import subprocess
import sys
import time
from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from typing import Any

import codec
import ocean_cost
import ocean_elsewhere
import ocean_fronts
import ocean_methods
import ocean_operations
import rpc
from targets import Target, at_least, at_most, exit_code, markdown, missed, target_table

from tellurion_ocean.network import Network

RESULTS = Path(__file__).with_name("RESULTS.md")
ROOT = Path(__file__).parents[2]
PACKAGES = "numpy", "scipy", "numba", "torch", "grpcio"


def main() -> int:
    """Measures, writes, and says whether all targets were met."""
    if missing := ocean_elsewhere.missing_files():
        print("\n".join(missing), file=sys.stderr)
        return 2
    noop = rpc.main()
    fields = codec.main([256, 1024])
    costs = ocean_cost.table()
    operations = ocean_operations.count()
    methods = ocean_methods.table()
    fronts = ocean_fronts.table()
    elsewhere = ocean_elsewhere.table()
    targets = [
        *_transport_targets(noop, fields),
        *ocean_cost.targets(costs),
        *ocean_operations.targets(operations),
        *ocean_methods.targets(methods),
        *ocean_fronts.targets(fronts),
        slow_tests(),
    ]
    when = datetime.now(UTC).date().isoformat()
    packages = ", ".join(f"{name} {version(name)}" for name in PACKAGES)
    text = [
        "# Measured",
        f"{when}, {os.cpu_count()} cores, {platform.machine()}, Python {platform.python_version()}, {packages}.",
        f"Made by `make acceptance`; ratios are taken in one run. Weights: SHA-256 `{Network.shipped().sha256}`.",
        "## Targets",
        target_table(targets),
        ocean_methods.report(methods),
        ocean_fronts.report(fronts),
        ocean_elsewhere.report(elsewhere),
        ocean_cost.report(costs),
        ocean_operations.report(operations),
        _transport(noop, fields),
    ]
    RESULTS.write_text("\n\n".join(text) + "\n")
    required = [target for target in targets if not target.stretch]
    reached = sum(target.met for target in targets if target.stretch)
    print(
        f"{len(required) - len(missed(targets))} of {len(required)} targets met,"
        f" and {reached} of {len(targets) - len(required)} stretches"
    )
    return exit_code(targets)


def slow_tests() -> Target:
    """The tests that `make test` leaves out."""
    start = time.perf_counter()
    command = [sys.executable, "-m", "pytest", "-m", "slow and not cuda"]
    done = subprocess.run(command, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    print(done.stdout, file=sys.stderr)
    measured = f"exit code {done.returncode} after {time.perf_counter() - start:.0f} s"
    return Target("tests marked slow", measured, "exit code 0", done.returncode == 0)


def _transport_targets(noop: Mapping[str, Any], fields: Sequence[Mapping[str, Any]]) -> Iterable[Target]:
    yield at_most("no-op call through our interceptors, p50 over grpc.aio's", noop["ratio"]["p50"], 1.5)
    for row in fields:
        yield at_least(f"{row['MiB']} MiB through the codec, throughput over bare chunks'", row["ratio"], 0.8)
        for side in ("receiver", "sender"):
            grown, bare = row[f"codec_{side}_growth_MiB"], row[f"bare_{side}_growth_MiB"]
            yield at_most(f"{row['MiB']} MiB, growth of the {side}, MiB", grown, 64)
            yield at_most(f"{row['MiB']} MiB, that growth beyond bare chunks', MiB", grown - bare, 8)


def _transport(noop: Mapping[str, Any], fields: Sequence[Mapping[str, Any]]) -> str:
    calls = ([name, f"{noop[name]['p50_ms']:.3f}", f"{noop[name]['p99_ms']:.3f}"] for name in ("grpc.aio", "harness"))
    rows = ([row["MiB"], *(f"{value:.2f}" for name, value in row.items() if name != "MiB")] for row in fields)
    return "\n\n".join(
        [
            "## Transport",
            markdown(["call", "p50 ms", "p99 ms"], calls),
            markdown([name.replace("_", " ") for name in fields[0]], rows),
        ]
    )


if __name__ == "__main__":
    sys.exit(main())
