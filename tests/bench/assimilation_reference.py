"""The analysis errors of every classical method beside those that DAPPER gives: 10 000 cycles, two seeds.

    python tests/bench/assimilation_reference.py

Ten minutes on two quiet cores. Ends with exit code 1 when a method is off by more than what is stated and chance allow.
"""

from __future__ import annotations

import math
import sys
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from targets import Target, at_most, exit_code, markdown, target_table

from tellurion_assimilation.reference import REFERENCES

CYCLES = 10_000
SEEDS = 3000, 3001
STATED = 0.01


def table() -> list[dict[str, Any]]:
    """One row an experiment, with a run for each seed."""
    rows = []
    for reference in REFERENCES:
        runs = [reference.run(CYCLES, seed) for seed in SEEDS]
        names = "rmse_analysis", "rmse_forecast", "spread", "crps", "seconds"
        means = {name: sum(getattr(run, name) for run in runs) / len(runs) for name in names}
        errors = {"reference": reference.rmse, "error": reference.error / math.sqrt(len(runs))}
        seeds = [run.rmse_analysis for run in runs]
        rows.append({"experiment": str(reference), "seeds": seeds, **errors, **means})
        print(rows[-1], file=sys.stderr)
    return rows


def targets(rows: Sequence[Mapping[str, Any]]) -> Iterator[Target]:
    """Within what is stated, and two standard errors."""
    for row in rows:
        off = abs(row["rmse_analysis"] - row["reference"])
        yield at_most(f"{row['experiment']}, RMSE off the reference", off, STATED + 2 * row["error"], digits=3)


def report(rows: Sequence[Mapping[str, Any]]) -> str:
    """The table in Markdown."""
    cells = (
        [row["experiment"], f"{row['reference']:g}", *(f"{rmse:.3f}" for rmse in row["seeds"])]
        + [f"{row[name]:.3f}" for name in ("rmse_forecast", "spread", "crps")]
        + [f"{1e6 * row['seconds'] / CYCLES:.0f}"]
        for row in rows
    )
    header = ["experiment", "reference", *(f"seed {seed}" for seed in SEEDS), "forecast", "spread", "CRPS", "µs a cycle"]
    return f"## Reference experiments, {CYCLES} cycles\n\n" + markdown(header, cells)


def main() -> int:
    """Prints the tables."""
    rows = table()
    print(report(rows), target_table(found := list(targets(rows))), sep="\n\n")
    return exit_code(found)


if __name__ == "__main__":
    sys.exit(main())
