"""What sampling, grouping and comparing clouds cost on the CPU, beside PyTorch and scipy.

    python tests/bench/pointcloud_speed.py [--json] [--quick]

A batch is BATCH clouds, even in the unit ball; GROUPS farthest points, and around each of them SIZE neighbours or the
ball of RADIUS. Everything of one kind and size takes turns in one process on all cores; seconds are medians of ROUNDS
turns, kernels compiled. Ends with exit code 1 when a target is missed.
"""

from __future__ import annotations

import argparse
import json
import statistics
import sys
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from pointcloud_peers import (
    ball_loop,
    ball_scipy,
    ball_sorted,
    chamfer_scipy,
    farthest_loop,
    neighbours_loop,
    neighbours_scipy,
    neighbours_sorted,
    neighbours_topk,
)
from targets import Target, at_least, at_most, exit_code, markdown

from tellurion_pointcloud.geometry import chamfer, farthest_points, grouped, neighbours, within

BATCH, GROUPS, SIZE, RADIUS = 32, 64, 32, 0.2
POINTS = (1024, 2048)
LARGE = 100_000
"""Points of each of two clouds that are compared."""
ROUNDS = 15
OURS, LOOP = "tellurion", "PyTorch, a loop"
RATIO = 20.0
"""Times the speed of LOOP, at least."""
SECONDS = 1.0
"""Of the Chamfer distance, at most."""
Calls = Mapping[str, Callable[[], object]]


def table(points: Sequence[int] = POINTS, large: int = LARGE) -> list[dict[str, Any]]:
    """One row for each kernel, size and maker."""
    with torch.no_grad():
        rows = [row for count in points for row in _of_batches(count)]
    return rows + _of_two_clouds(large)


def _of_batches(points: int) -> list[dict[str, Any]]:
    clouds = _in_ball(BATCH, points)
    centres = clouds[np.arange(BATCH)[:, None], farthest_points(clouds, GROUPS)]
    c, q = torch.from_numpy(clouds), torch.from_numpy(centres)
    kinds: Mapping[str, Calls] = {
        "farthest points": {
            OURS: lambda: farthest_points(clouds, GROUPS),
            LOOP: lambda: farthest_loop(c, GROUPS),
        },
        "neighbours": {
            OURS: lambda: neighbours(centres, clouds, SIZE),
            LOOP: lambda: neighbours_loop(q, c, SIZE),
            "PyTorch, all distances sorted": lambda: neighbours_sorted(q, c, SIZE),
            "PyTorch, cdist and topk": lambda: neighbours_topk(q, c, SIZE),
            "scipy, trees": lambda: neighbours_scipy(centres, clouds, SIZE),
        },
        "balls": {
            OURS: lambda: within(centres, clouds, RADIUS, SIZE),
            LOOP: lambda: ball_loop(q, c, RADIUS, SIZE),
            "PyTorch, all numbers sorted": lambda: ball_sorted(q, c, RADIUS, SIZE),
            "scipy, trees": lambda: ball_scipy(centres, clouds, RADIUS, SIZE),
        },
        "patches": {
            OURS: lambda: grouped(clouds, GROUPS, SIZE),
            LOOP: lambda: _patches_loop(c),
        },
    }
    return [row for kind, calls in kinds.items() for row in _rows(f"{kind}, {BATCH} × {points}", calls, ROUNDS)]


def _of_two_clouds(points: int) -> list[dict[str, Any]]:
    a, b = _in_ball(2, points)
    calls = {OURS: lambda: chamfer(a, b), "scipy, trees": lambda: chamfer_scipy(a, b)}
    equal = np.ones_like(a)
    return [
        *_rows(f"Chamfer, 2 × {points}", calls, 5),
        *_rows(f"Chamfer, 2 × {points}, one of them of equal points", {OURS: lambda: chamfer(a, equal)}, 5),
    ]


def _patches_loop(clouds: torch.Tensor) -> torch.Tensor:
    batch = torch.arange(len(clouds))[:, None]
    centres = clouds[batch, farthest_loop(clouds, GROUPS)]
    return clouds[batch[..., None], neighbours_loop(centres, clouds, SIZE)] - centres[:, :, None]


def _in_ball(count: int, points: int) -> NDArray[np.float32]:
    """Clouds [count, points, 3], even in the unit ball."""
    rng = np.random.default_rng(0)
    direction = rng.normal(size=(count, points, 3))
    direction /= np.linalg.norm(direction, axis=-1, keepdims=True)
    return (direction * np.cbrt(rng.uniform(size=(count, points, 1)))).astype(np.float32)


def _rows(what: str, calls: Calls, rounds: int) -> list[dict[str, Any]]:
    for call in calls.values():
        call()
    taken = [{by: _seconds(call) for by, call in calls.items()} for _ in range(rounds)]
    rows = [{"what": what, "by": by, "seconds": statistics.median(turn[by] for turn in taken)} for by in calls]
    for row in rows:
        print(row, file=sys.stderr, flush=True)
    return rows


def _seconds(call: Callable[[], object]) -> float:
    start = time.perf_counter()
    call()
    return time.perf_counter() - start


def targets(rows: Sequence[Mapping[str, Any]]) -> Iterable[Target]:
    """Ratios to the loops, and the seconds of a large comparison."""
    ours = _ours(rows)
    for row in rows:
        if row["by"] == LOOP:
            ratio = row["seconds"] / ours[row["what"]]
            yield at_least(f"point clouds, {row['what']}, times the speed of a PyTorch loop", ratio, RATIO, digits=1)
    for what, seconds in ours.items():
        if what.startswith("Chamfer"):
            yield at_most(f"point clouds, {what}, s", seconds, SECONDS)


def report(rows: Sequence[Mapping[str, Any]]) -> str:
    """The table in Markdown."""
    ours = _ours(rows)
    cells = (
        [row["what"], row["by"], f"{1e3 * row['seconds']:.2f}", f"{row['seconds'] / ours[row['what']]:.1f}"]
        for row in rows
    )
    return "\n\n".join(["## Point clouds on the CPU", markdown(["what", "by", "ms", "times tellurion's"], cells)])


def _ours(rows: Sequence[Mapping[str, Any]]) -> dict[str, float]:
    return {row["what"]: row["seconds"] for row in rows if row["by"] == OURS}


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--json", action="store_true", help="print the table as JSON on stdout")
    parser.add_argument("--quick", action="store_true", help="small clouds, without targets")
    given = parser.parse_args(arguments)
    rows = table((128,), 2000) if given.quick else table()
    print(json.dumps(rows, indent=2) if given.json else report(rows))
    return 0 if given.quick else exit_code(targets(rows))


if __name__ == "__main__":
    sys.exit(main())
