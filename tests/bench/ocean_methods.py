"""The methods of ocean reconstruction against the reference figures: two months, two ways of observing, three seeds.

    python tests/bench/ocean_methods.py [--seeds 3] [--methods gp eof_oi …] [--json]

Opens February and August. Mean squared errors are in °C², at unobserved cells, over 19 levels. Ends with exit code 1
when a figure is more than a tenth above its reference, or the spread–skill of gp leaves 0.8…1.25.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Sequence

import numpy as np

from tellurion_ocean.evaluate import evaluate
from tellurion_ocean.methods import METHODS

CASES = {
    "Feb cells": {"month": 2},
    "Feb profiles": {"month": 2, "profiles": 500},
    "Aug cells": {"month": 8},
    "Aug profiles": {"month": 8, "profiles": 500},
}
REFERENCE = {
    "climatology": (0.165, 0.165, 0.247, 0.247),
    "oi": (0.066, 0.198, 0.098, 0.291),
    "eof_oi": (0.038, 0.083, 0.073, 0.154),
    "gp": (0.037, 0.078, 0.061, 0.14),
}
"""°C², of papers/ocean.md, in the order of CASES; dineof has none."""
TOLERANCE = 1.1
HONEST = 0.8, 1.25
MEANS = ("crps", "area_weighted", "level_normalised", "seconds")


def table(methods: Sequence[str] = tuple(METHODS), seeds: int = 3, members: int = 8) -> list[dict[str, object]]:
    """One row a case and method: means and ranges over the mask seeds, and whether the reference is met."""
    rows = []
    for index, (case, options) in enumerate(CASES.items()):
        runs = [evaluate(**options, methods=methods, seed=seed, members=members) for seed in range(seeds)]
        for method in methods:
            errors = [run[method]["masked"]["reconstruction"] for run in runs]
            spread = [run[method]["spread_skill"] for run in runs]
            reference = REFERENCE[method][index] if method in REFERENCE else None
            rows.append(
                {
                    "case": case,
                    "method": method,
                    "mse": float(np.mean(errors)),
                    "mse_range": [min(errors), max(errors)],
                    "reference": reference,
                    "spread_skill": float(np.mean(spread)),
                    "spread_skill_range": [min(spread), max(spread)],
                    **{name: float(np.mean([r[method][name] for r in runs])) for name in MEANS},
                    "meets": (reference is None or np.mean(errors) <= TOLERANCE * reference)
                    and (method != "gp" or all(HONEST[0] <= s <= HONEST[1] for s in spread)),
                }
            )
            print(_line(rows[-1]), file=sys.stderr, flush=True)
    return rows


def _line(row: dict[str, object]) -> str:
    reference = f"{row['reference']:.3f}" if row["reference"] is not None else "  –  "
    return (
        f"{row['case']:13} {row['method']:12} mse {row['mse']:.4f} (reference {reference})"
        f"  area {row['area_weighted']:.4f}  levels {row['level_normalised']:.4f}"
        f"  crps {row['crps']:.4f}  spread–skill {row['spread_skill']:.2f}"
        f"  {row['seconds']:.1f} s  {'ok' if row['meets'] else 'MISSED'}"
    )


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--members", type=int, default=8)
    parser.add_argument("--methods", nargs="+", choices=METHODS, default=list(METHODS))
    parser.add_argument("--json", action="store_true", help="print the table as JSON on stdout")
    given = parser.parse_args(arguments)
    rows = table(given.methods, given.seeds, given.members)
    if given.json:
        print(json.dumps(rows, indent=2))
    return 0 if all(row["meets"] for row in rows) else 1


if __name__ == "__main__":
    sys.exit(main())
