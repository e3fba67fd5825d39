"""Every figure that the project claims, measured in one run, with its target, into RESULTS.md beside this file.

    make acceptance

Takes about half an hour on two quiet cores. Ends with exit code 1 when a target is missed.
"""

from __future__ import annotations

import os
import platform
import sys
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from typing import Any

import codec
import ocean_cost
import ocean_methods
import rpc

RESULTS = Path(__file__).with_name("RESULTS.md")


def main() -> int:
    """Measures, writes, and says whether all targets were met."""
    noop = rpc.main()
    fields = codec.main([256, 1024])
    costs = ocean_cost.table()
    methods = ocean_methods.table()
    checks = list(_targets(noop, fields, costs, methods))
    when = datetime.now(UTC).date().isoformat()
    packages = ", ".join(f"{name} {version(name)}" for name in ("numpy", "scipy", "numba", "grpcio"))
    text = [
        "# Measured",
        f"{when}, {os.cpu_count()} cores, {platform.machine()}, Python {platform.python_version()}, {packages}.",
        "Made by `make acceptance`; ratios are taken in one run.",
        "## Targets",
        _markdown(["what", "measured", "target", "met"], checks),
        "## Ocean methods",
        "Mean squared error in °C² at unobserved cells that are wet in all months, unweighted, 19 levels, of a month"
        " that nothing was fitted to: mean (least–most) of three mask seeds. 7.5 % of the wet cells of a level, or 500"
        " full profiles; noise-free readings that state 0.01 °C; 8 members. No value was fitted to these months or"
        " chosen on them; they were looked at while the methods were written, so they are not a blind test.",
        _markdown(
            ["case", "method", "MSE °C²", "reference", "area-weighted", "by level", "CRPS °C", "spread–skill", "s"],
            (_method_row(row) for row in methods),
        ),
        "## Cost of an analysis",
        _markdown(
            ["method", "grid", "cells", "observations", "members", "s", "peak MiB", "of it before the analysis"],
            (_cost_row(row) for row in costs),
        ),
        "## Transport",
        _markdown(
            ["call", "p50 ms", "p99 ms"],
            ([name, f"{noop[name]['p50_ms']:.3f}", f"{noop[name]['p99_ms']:.3f}"] for name in ("grpc.aio", "harness")),
        ),
        _markdown(
            [name.replace("_", " ") for name in fields[0]],
            ([row["MiB"], *(f"{value:.2f}" for name, value in row.items() if name != "MiB")] for row in fields),
        ),
    ]
    RESULTS.write_text("\n\n".join(text) + "\n")
    missed = [str(check[0]) for check in checks if check[3] != "yes"]
    print(
        f"{len(checks) - len(missed)} of {len(checks)} targets met"
        + (f"; missed: {', '.join(missed)}" if missed else "")
    )
    return 1 if missed else 0


def _targets(
    noop: dict[str, Any], fields: list[dict[str, Any]], costs: list[dict[str, Any]], methods: list[dict[str, Any]]
) -> Iterable[Sequence[object]]:
    yield _at_most("no-op call through our interceptors, p50 over grpc.aio's", noop["ratio"]["p50"], 1.5)
    for row in fields:
        yield _at_least(f"{row['MiB']} MiB through the codec, throughput over bare chunks'", row["ratio"], 0.8)
        for side in ("receiver", "sender"):
            grown, bare = row[f"codec_{side}_growth_MiB"], row[f"bare_{side}_growth_MiB"]
            yield _at_most(f"{row['MiB']} MiB, growth of the {side}, MiB", grown, 64)
            yield _at_most(f"{row['MiB']} MiB, that growth beyond bare chunks', MiB", grown - bare, 8)
    for method, seconds in (("eof_oi", 3.0), ("gp", 25.0)):
        full = [r for r in costs if (r["method"], r["observations"], r["members"]) == (method, 14_000, 8)]
        yield _at_most(f"{method}, 2° × 19 levels, 14 000 observations, 8 members, s", full[0]["seconds"], seconds)
    for row in costs:
        if row["grid"] == ocean_cost.GRIDS[1] and row["observations"] == 10**6:
            name = f"{row['method']}, {row['grid']} levels, 10⁶ observations, peak MiB of the process"
            yield _at_most(name, row["peak_mib"], 2048, digits=0)
    for row in methods:
        name = f"{row['method']}, {row['case']}"
        if row["reference"] is not None:
            limit = ocean_methods.TOLERANCE * row["reference"]
            yield _at_most(f"{name}, MSE °C², worst of three seeds", row["mse_range"][1], round(limit, 4), digits=4)
        if row["method"] == "gp":
            low, high = row["spread_skill_range"]
            met = "yes" if ocean_methods.HONEST[0] <= low and high <= ocean_methods.HONEST[1] else "no"
            yield f"{name}, spread–skill of each seed", f"{low:.2f} to {high:.2f}", "0.8 to 1.25", met


def _at_most(what: str, measured: float, limit: float, digits: int = 2) -> Sequence[object]:
    return what, f"{measured:.{digits}f}", f"≤ {limit:g}", "yes" if measured <= limit else "no"


def _at_least(what: str, measured: float, limit: float) -> Sequence[object]:
    return what, f"{measured:.2f}", f"≥ {limit:g}", "yes" if measured >= limit else "no"


def _method_row(row: dict[str, Any]) -> Sequence[object]:
    low, high = row["mse_range"]
    least, most = row["spread_skill_range"]
    return (
        row["case"],
        row["method"],
        f"{row['mse']:.4f} ({low:.4f}–{high:.4f})",
        "–" if row["reference"] is None else row["reference"],
        f"{row['area_weighted']:.4f}",
        f"{row['level_normalised']:.3f}",
        f"{row['crps']:.4f}",
        f"{row['spread_skill']:.2f} ({least:.2f}–{most:.2f})",
        f"{row['seconds']:.1f}",
    )


def _cost_row(row: dict[str, Any]) -> Sequence[object]:
    memory = f"{row['peak_mib']:.0f}", f"{row['peak_before_mib']:.0f}"
    return (
        row["method"],
        row["grid"],
        row["cells"],
        row["observations"],
        row["members"],
        f"{row['seconds']:.1f}",
        *memory,
    )


def _markdown(header: Sequence[str], rows: Iterable[Sequence[object]]) -> str:
    lines = [header, ["---"] * len(header), *rows]
    return "\n".join("| " + " | ".join(map(str, line)) + " |" for line in lines)


if __name__ == "__main__":
    sys.exit(main())
