"""What a twin experiment costs beside DAPPER 1.7: Lorenz-96, the same truth, observations and settings.

    python3 -m venv .cache/dapper && .cache/dapper/bin/pip install -r tests/bench/requirements.txt
    python tests/bench/assimilation_twin.py

DAPPER has a Python of its own, that one or $TELLURION_DAPPER, and says itself how long it took; both count forecasts,
analyses and scores. The two take turns, and the best of their rounds count. Two minutes on two quiet cores.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
from targets import Target, at_least, at_most, exit_code, markdown, target_table

from tellurion_assimilation.systems.lorenz96 import Lorenz96
from tellurion_assimilation.twin import Setting, nature, twin

HERE = Path(__file__).parent
DAPPER = Path(os.environ.get("TELLURION_DAPPER", HERE.parents[1] / ".cache/dapper/bin/python"))
ROUNDS, CYCLES, SEED = 3, 2000, 3000
FASTER = 10
AS_GOOD = 0.01
"""Difference of the RMSE, at most."""
MEASURED = "analysis", "forecast", "seconds", "processor"
LETKF: Mapping[str, Any] = {"inflation": 1.04, "localization": 4.0, "rotate": True}
EXPERIMENTS: Sequence[tuple[str, int, Mapping[str, Any], Mapping[str, Any]]] = (
    ("etkf", 24, {"inflation": 1.013, "rotate": True}, {"da_method": "EnKF", "upd_a": "Sqrt", "infl": 1.013}),
    ("letkf", 7, LETKF, {"da_method": "LETKF", "infl": 1.04, "loc_rad": 4}),
    ("letkf", 10, LETKF | {"localization": 6.0}, {"da_method": "LETKF", "infl": 1.04, "loc_rad": 6}),
)
"""Method, members, our options and DAPPER's."""


def missing_files() -> list[str]:
    """How to get DAPPER, where it is not."""
    if DAPPER.exists():
        return []
    venv = DAPPER.parents[1]
    return [f"no DAPPER: python3 -m venv {venv} && {venv}/bin/pip install -r {HERE / 'requirements.txt'}"]


def table() -> list[dict[str, Any]]:
    """One row an experiment: RMSE of analysis and forecast and the seconds of both programs."""
    rows = []
    for method, members, options, theirs in EXPERIMENTS:
        twin(Lorenz96(), method, options, members=members, cycles=500, seed=SEED)  # compiles
        rounds = [_both(method, members, options, theirs) for _ in range(ROUNDS)]
        row: dict[str, Any] = {"method": f"{method}, {members} members"}
        for program in ("ours", "DAPPER"):
            row[program] = {what: min(r[program][what] for r in rounds) for what in MEASURED}
        rows.append(row | {"ratio": row["DAPPER"]["seconds"] / row["ours"]["seconds"]})
    return rows


def _both(method: str, members: int, options: Mapping[str, Any], theirs: Mapping[str, Any]) -> dict[str, Any]:
    start = time.process_time()
    result = twin(Lorenz96(), method, options, members=members, cycles=CYCLES, seed=SEED)
    ours = result.rmse_analysis, result.rmse_forecast, result.seconds, time.process_time() - start
    with TemporaryDirectory(prefix="tellurion-bench-") as folder:
        truth, observed = nature(Lorenz96(), Setting(), CYCLES, SEED)
        np.savez(path := f"{folder}/twin.npz", truth=np.vstack([truth[:1], truth]), observed=observed)
        arguments = json.dumps({**theirs, "N": members, "rot": True})
        command = [DAPPER, HERE / "assimilation_dapper.py", path, arguments]
        done = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True, cwd=folder)
    return {
        "ours": dict(zip(MEASURED, ours, strict=True)),
        "DAPPER": dict(zip(MEASURED, json.loads(done.stdout.splitlines()[-1]), strict=True)),
    }


def targets(rows: Sequence[Mapping[str, Any]]) -> Iterator[Target]:
    """How much faster, at equal RMSE."""
    for row in rows:
        yield at_least(f"{row['method']} on Lorenz-96, times as fast as DAPPER", row["ratio"], FASTER, digits=1)
        worse = row["ours"]["analysis"] - row["DAPPER"]["analysis"]
        yield at_most(f"{row['method']} on Lorenz-96, analysis RMSE above DAPPER's", worse, AS_GOOD, digits=3)


def report(rows: Sequence[Mapping[str, Any]]) -> str:
    """The table in Markdown."""
    cells = (
        [row["method"], program, *(f"{row[program][score]:.3f}" for score in ("analysis", "forecast"))]
        + [f"{1e6 * row[program][clock] / CYCLES:.0f}" for clock in ("seconds", "processor")]
        for row in rows
        for program in ("ours", "DAPPER")
    )
    header = ["method", "program", "RMSE of analysis", "RMSE of forecast", "µs a cycle", "of processors"]
    return f"## Twin experiments on Lorenz-96, {CYCLES} cycles\n\n" + markdown(header, cells)


def main() -> int:
    """Prints the tables."""
    if missing := missing_files():
        print("\n".join(missing), file=sys.stderr)
        return 2
    rows = table()
    print(report(rows), target_table(found := list(targets(rows))), sep="\n\n")
    return exit_code(found)


if __name__ == "__main__":
    sys.exit(main())
