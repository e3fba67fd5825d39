"""The analysis errors of every classical method beside those that DAPPER gives: 10 000 cycles, two seeds.

    python tests/bench/assimilation_reference.py

`lost` counts the runs that diverged, of those up to the second that is shown. Ten minutes on two quiet cores. Ends with
exit code 1 when a method is off by more than what is stated and chance allow.
"""

from __future__ import annotations

import math
import sys
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from assimilation_experiments import FIRST_SEED, REFERENCES
from targets import Target, at_most, exit_code, markdown, target_table

CYCLES = 10_000
RUNS = 2
STATED = 0.01


def table() -> list[dict[str, Any]]:
    """One row an experiment."""
    rows = []
    for reference in REFERENCES:
        runs = reference.kept(CYCLES, RUNS)
        names = "rmse_analysis", "rmse_forecast", "spread", "crps", "seconds"
        means = {name: sum(getattr(run, name) for run in runs.values()) / len(runs) for name in names}
        errors = {"reference": reference.rmse, "error": reference.error / math.sqrt(len(runs))}
        seeds = {str(seed): run.rmse_analysis for seed, run in runs.items()}
        lost = 1 + max(runs) - FIRST_SEED - sum(run.diverged is None for run in runs.values())
        rows.append({"experiment": str(reference), "seeds": seeds, "lost": lost, **errors, **means})
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
        [row["experiment"], f"{row['reference']:g}"]
        + [", ".join(f"{rmse:.3f} ({seed})" for seed, rmse in row["seeds"].items()), row["lost"]]
        + [f"{row[name]:.3f}" for name in ("rmse_forecast", "spread", "crps")]
        + [f"{1e6 * row['seconds'] / CYCLES:.0f}"]
        for row in rows
    )
    header = ["experiment", "reference", "analysis (seed)", "lost", "forecast", "spread", "CRPS", "µs a cycle"]
    return f"## Reference experiments, {CYCLES} cycles\n\n" + markdown(header, cells)


def main() -> int:
    """Prints the tables."""
    rows = table()
    print(report(rows), target_table(found := list(targets(rows))), sep="\n\n")
    return exit_code(found)


if __name__ == "__main__":
    sys.exit(main())
