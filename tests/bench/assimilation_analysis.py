"""What an analysis by a learned prior costs: seconds and peak memory of 8 members, at three numbers of levels of noise.

    python tests/bench/assimilation_analysis.py [METHOD STEPS]

The background is a shipped state that is off by a draw of its errors; 1 % of the cells are observed. Every row runs in
a process of its own, whose first analysis, which loads the weights, is told apart. Ends with exit code 1 when a target
is missed.
"""

from __future__ import annotations

import json
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np
from memory import peak_mib
from targets import Target, at_most, exit_code, markdown, target_table

from tellurion_assimilation.analysis import Case, analyse
from tellurion_assimilation.background_errors import ZonalErrors
from tellurion_assimilation.catalogue import LEARNED
from tellurion_assimilation.held_out import starts
from tellurion_assimilation.models import SHIPPED
from tellurion_assimilation.prior import Prior
from tellurion_assimilation.systems.atmosphere.columns import Columns
from tellurion_geo import SigmaGrid

ROWS = ("align-dps", 20), ("align-dps", 30), ("align-dps", 50), ("align-repaint", 50)
MEMBERS = 8
OBSERVED = 0.01
SECONDS = 20.0
"""At most, for up to 50 levels."""


def measure(method: str, steps: int) -> dict[str, Any]:
    """One row, in this process."""
    truth, rng = starts(SHIPPED)[0], np.random.default_rng(0)
    errors = ZonalErrors.shipped(SHIPPED)
    off = errors.root(rng.standard_normal(errors.control_size)).reshape(truth.shape)
    seen = Columns.of(truth, SHIPPED, OBSERVED, rng).observations()
    grid = SigmaGrid(SHIPPED.sigma, SHIPPED.latitude, SHIPPED.longitude)
    case = Case.of(grid, (truth + off).astype(np.float32), None, seen)
    seconds = []
    for _ in range(2):
        start = time.perf_counter()
        analyse(
            method,
            case,
            members=MEMBERS,
            seed=0,
            options={"steps": steps},
            errors=errors,
            prior=Prior.shipped(LEARNED[method][1]),
            cancelled=lambda: False,
            progress=lambda fraction, message: None,
        )
        seconds.append(time.perf_counter() - start)
    return {"method": method, "steps": steps, "first": seconds[0], "seconds": seconds[1], "MiB": peak_mib()}


def table() -> list[dict[str, Any]]:
    """Every row."""
    return [json.loads(subprocess.check_output([sys.executable, __file__, *map(str, row)])) for row in ROWS]


def targets(rows: Sequence[Mapping[str, Any]]) -> Iterator[Target]:
    """Of the time."""
    for row in rows:
        what = f"{row['method']}, {row['steps']} levels, {MEMBERS} members, s an analysis"
        yield at_most(what, row["seconds"], SECONDS, digits=1)


def report(rows: Sequence[Mapping[str, Any]]) -> str:
    """The table in Markdown."""
    cells = ([row["method"], row["steps"], *(f"{row[name]:.1f}" for name in ("first", "seconds"))] for row in rows)
    lines = ([*cell, f"{row['MiB']:.0f}"] for cell, row in zip(cells, rows, strict=True))
    header = ["method", "levels", "first analysis s", "further s", "peak MiB"]
    return f"## Cost of an analysis by a learned prior, {MEMBERS} members\n\n" + markdown(header, lines)


def main(arguments: Sequence[str]) -> int:
    """Prints the tables, or measures one row."""
    if arguments:
        print(json.dumps(measure(arguments[0], int(arguments[1]))))
        return 0
    rows = table()
    print(report(rows), target_table(found := list(targets(rows))), sep="\n\n")
    return exit_code(found)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
