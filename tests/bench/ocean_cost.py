"""What an analysis costs: seconds and peak memory against the number of observations, on two grids.

    python tests/bench/ocean_cost.py [--json] [--quick]

Every row runs in a process of its own, so that its peak memory is its own; the first call compiles or loads the kernels
and is reported apart. Seconds are those of quality control and analysis together. The observations lie at random places
of the ocean and show a random month of the prior. Ends with exit code 1 when a target is missed.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import time
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from memory import peak_mib
from runs import run
from targets import Target, at_most, exit_code, markdown

from tellurion_geo import Grid
from tellurion_ocean.atlas import training_atlas
from tellurion_ocean.observations import Observations, quality_control
from tellurion_ocean.prior import Hyperparameters, Prior

MONTH = 4
GRIDS = ("2° × 19", "1° × 42")
LEVELS = 42


@dataclass(frozen=True)
class Case:
    """One row of the table."""

    method: str
    grid: str
    observations: int
    members: int = 0


CASES = (
    *(Case(method, grid, count) for method in ("oi", "eof_oi") for grid in GRIDS for count in (10**4, 10**5, 10**6)),
    Case("eof_oi", GRIDS[0], 14_000, members=8),
    *(Case("gp", GRIDS[0], count) for count in (2_000, 4_000, 8_000, 14_000)),
    Case("gp", GRIDS[0], 14_000, members=8),
    Case("gp", GRIDS[1], 8_000),
    *(Case("posterior", GRIDS[0], 14_000, members=members) for members in (4, 8, 16)),
)
QUICK = (Case("eof_oi", GRIDS[0], 10**4), Case("gp", GRIDS[0], 2_000), Case("posterior", GRIDS[0], 2_000, members=2))
SECONDS = {"eof_oi": 3.0, "gp": 25.0, "posterior": 30.0}
"""At most, for 8 members on 2° × 19 levels from 14 000 observations."""
MEBIBYTES = 2048
"""At most, of the whole process."""


def finer_grid() -> Grid:
    """1° and 42 levels from the surface to 1000 m, closer together near the surface."""
    depth = 1000 * (np.arange(LEVELS) / (LEVELS - 1)) ** 2
    return Grid(depth=depth, lat=np.arange(-89.5, 88.6, 1.0), lon=np.arange(0.5, 360.0, 1.0))


def draw_observations(prior: Prior, count: int, rng: np.random.Generator) -> Observations:
    """Readings at random places near wet cells, of climatology plus random amplitudes of the EOFs."""
    month = prior.climatology(MONTH) + prior.std * (prior.modes @ rng.standard_normal(prior.modes.shape[1]))
    cells = rng.integers(0, len(month), count)
    z, y, x = (index[cells] for index in np.nonzero(prior.wet))
    latitude = np.clip(prior.grid.lat[y] + rng.uniform(-0.4, 0.4, count), -89.0, 89.0)
    longitude = prior.grid.lon[x] + rng.uniform(-0.4, 0.4, count)
    return Observations.of(latitude, longitude, prior.grid.depth[z], month[cells], 0.1)


def measure(case: Case) -> dict[str, Any]:
    """Seconds and peak memory of one case, in this process."""
    atlas = training_atlas()
    start = time.perf_counter()
    prior = Prior.fit(atlas.temperature, atlas.months, atlas.grid, Hyperparameters.shipped())
    fitting = time.perf_counter() - start
    rng = np.random.default_rng(0)
    start = time.perf_counter()
    few, _ = quality_control(draw_observations(prior, 50, rng), prior, MONTH)
    run(case.method, prior, few, MONTH, members=1, steps=1)
    warming = time.perf_counter() - start

    if case.grid == GRIDS[1]:
        prior = prior.on_grid(finer_grid())
    observations = draw_observations(prior, case.observations, rng)
    prior.cell_positions  # noqa: B018  the service has them from its first analysis on
    before = peak_mib()
    start = time.perf_counter()
    accepted, _ = quality_control(observations, prior, MONTH)
    controlled = time.perf_counter() - start
    done = run(case.method, prior, accepted, MONTH, members=case.members)
    return asdict(case) | {
        "cells": len(prior.std),
        "super_observations": len(accepted),
        "prior_seconds": fitting,
        "first_call_seconds": warming,
        "quality_control_seconds": controlled,
        "seconds": controlled + done.seconds,
        "evaluations": done.evaluations,
        "peak_mib": peak_mib(),
        "peak_before_mib": before,
    }


def table(cases: Sequence[Case] = CASES) -> list[dict[str, Any]]:
    """One row a case."""
    rows = []
    for case in cases:
        command = [sys.executable, __file__, "--case", json.dumps(asdict(case))]
        rows.append(json.loads(subprocess.run(command, check=True, capture_output=True, text=True).stdout))
        print(_line(rows[-1]), file=sys.stderr, flush=True)
    return rows


def targets(rows: Sequence[Mapping[str, Any]]) -> Iterable[Target]:
    """Seconds and memory of the rows that have a target."""
    for row in rows:
        grid, count = f"{row['grid']} levels", f"{row['observations']:,}".replace(",", " ")
        what = f"{row['method']}, {grid}, {count} observations, {row['members']} members"
        if (row["grid"], row["observations"], row["members"]) == (GRIDS[0], 14_000, 8):
            yield at_most(f"{what}, s", row["seconds"], SECONDS[row["method"]])
        largest = row["grid"] == GRIDS[1] and row["observations"] == 10**6
        if largest or (row["method"] == "posterior" and row["members"] == 8):
            yield at_most(f"{what}, peak MiB of the process", row["peak_mib"], MEBIBYTES, digits=0)


def report(rows: Sequence[Mapping[str, Any]]) -> str:
    """The table in Markdown."""
    header = ["method", "grid", "cells", "observations", "members", "s", "peak MiB", "of it before the analysis"]
    cells = (
        [
            *(row[name] for name in ("method", "grid", "cells", "observations", "members")),
            f"{row['seconds']:.1f}",
            f"{row['peak_mib']:.0f}",
            f"{row['peak_before_mib']:.0f}",
        ]
        for row in rows
    )
    return "## Cost of an analysis\n\n" + markdown(header, cells)


def _line(row: Mapping[str, Any]) -> str:
    return (
        f"{row['method']:9} {row['grid']}  {row['cells']:>8} cells  {row['super_observations']:>8} observations"
        f"  {row['members']} members  {row['seconds']:6.1f} s (quality control {row['quality_control_seconds']:.1f} s,"
        f" first call {row['first_call_seconds']:.1f} s)  peak {row['peak_mib']:.0f} MiB,"
        f" of which {row['peak_before_mib']:.0f} before"
    )


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--json", action="store_true", help="print the table as JSON on stdout")
    parser.add_argument("--quick", action="store_true", help="three small rows")
    parser.add_argument("--case", help=argparse.SUPPRESS)
    given = parser.parse_args(arguments)
    if given.case:
        print(json.dumps(measure(Case(**json.loads(given.case)))))
        return 0
    rows = table(QUICK if given.quick else CASES)
    if given.json:
        print(json.dumps(rows, indent=2))
    return exit_code(targets(rows))


if __name__ == "__main__":
    sys.exit(main())
