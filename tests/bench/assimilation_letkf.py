"""What a LETKF analysis costs: time and memory as the grid grows, and one small analysis as it is cycled.

    python tests/bench/assimilation_letkf.py [--json] [--quick]

The grid points are spread evenly over the sphere, and so are the observations, a tenth as many; the radius is such that
a grid point sees 100 of them. Seconds are those of a whole analysis, the search included, in a process of its own whose
kernels are compiled. The peer, in the same process, is the same filter written plainly in numpy, on some of the grid
points and with their observations already found; both must agree. Ends with exit code 1 when a target is missed.
"""

from __future__ import annotations

import argparse
import json
import math
import subprocess
import sys
import time
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import numpy as np
from memory import peak_mib
from numpy.typing import NDArray
from scipy import sparse
from targets import Target, at_least, at_most, exit_code, markdown

from tellurion_assimilation.localization import EARTH_RADIUS, HALF_WIDTH, Circle, Neighbourhoods, Sphere
from tellurion_assimilation.methods.letkf import LETKF
from tellurion_assimilation.observations import Observations

POINTS = (100_000, 300_000, 1_000_000)
QUICK = (10_000, 30_000)
MEMBERS, LOCAL = 20, 100
SAMPLE = 500
"""Grid points that the peer analyses."""
SECONDS, MIB = 60.0, 4096.0
"""At most, for the largest grid."""
GROWTH = 1.25
"""At most, of the seconds a grid point from the smallest grid to the largest."""
CIRCLE = 40
"""Grid points of the small analysis, all of them observed: Lorenz-96 with 10 members and a radius of 6."""
MICROSECONDS = 250.0
ROUNDS = 5


def spread_evenly(count: int) -> NDArray[np.float64]:
    """Latitude and longitude [count, 2] along a Fibonacci spiral."""
    k = np.arange(count) + 0.5
    return np.stack([np.degrees(np.arcsin(1 - 2 * k / count)), k * 180 * (1 + math.sqrt(5)) % 360], axis=1)


def plainly(ensemble: NDArray[np.float64], observations: Observations, near: Neighbourhoods) -> NDArray[np.float64]:
    """The analysis [N, G] of some grid points, one after the other."""
    members = len(ensemble)
    observed = observations.of(ensemble)
    y, d = (observed - observed.mean(axis=0)).T, observations.values - observed.mean(axis=0)
    analysis = np.empty((members, len(near.starts) - 1))
    for g in range(analysis.shape[1]):
        entries = slice(near.starts[g], near.starts[g + 1])
        local, x = near.observations[entries], ensemble[:, near.first + g]
        weighted = y[local].T * (near.tapers[entries] / observations.errors[local] ** 2)
        values, basis = np.linalg.eigh((members - 1) * np.eye(members) + weighted @ y[local])
        mean_weights = basis @ (basis.T @ (weighted @ d[local]) / values)
        weights = (basis * np.sqrt((members - 1) / values)) @ basis.T + mean_weights[:, None]
        analysis[:, g] = x.mean() + (x - x.mean()) @ weights
    return analysis


def measure(points: int) -> dict[str, Any]:
    """One row, in this process."""
    rng = np.random.default_rng(0)
    count = points // 10
    at, where = spread_evenly(points), np.sort(rng.choice(points, count, replace=False))
    h = sparse.csr_array((np.ones(count), (np.arange(count), where)), shape=(count, points))
    observations = Observations(rng.standard_normal(count), np.ones(count), h, at[where])
    ensemble = rng.standard_normal((MEMBERS, points))
    reach = 2 * EARTH_RADIUS * math.sqrt(LOCAL / count)  # the cap that holds so many of them, all but flat
    method = LETKF(domain=Sphere(*at.T), radius=reach / (2 * HALF_WIDTH))
    compile_kernels()
    before = peak_mib()
    start, cpu = time.perf_counter(), time.process_time()
    analysis = method.assimilate(ensemble, observations, rng)
    seconds, cpu, peak = time.perf_counter() - start, time.process_time() - cpu, peak_mib()

    found = method.domain.near(observations.positions, method.radius)
    first = next(found)
    local = len(first.tapers) + sum(len(near.tapers) for near in found)
    start = time.perf_counter()
    expected = plainly(ensemble, observations, first._replace(starts=first.starts[: SAMPLE + 1]))
    plain = (time.perf_counter() - start) / SAMPLE
    return {
        "points": points,
        "observations": count,
        "local": local / points,
        "seconds": seconds,
        "cpu_seconds": cpu,
        "microseconds_a_point": 1e6 * seconds / points,
        "numpy_microseconds_a_point": 1e6 * plain,
        "departure": float(abs(analysis[:, :SAMPLE] - expected).max()),
        "peak_mib": peak,
        "peak_before_mib": before,
    }


def compile_kernels() -> None:
    """An analysis of a few thousand points, on all cores."""
    cycled(2048)


def cycled(points: int = CIRCLE, members: int = 10, times: int = 1) -> list[float]:
    """Seconds of one small analysis after the other, the network staying where it is."""
    rng = np.random.default_rng(0)
    at = np.arange(points, dtype=np.float64)[:, None]
    observations = Observations(rng.standard_normal(points), np.ones(points), sparse.eye_array(points).tocsr(), at)
    method = LETKF(domain=Circle(points), radius=6.0, inflation=1.04, rotate=True).fixed(at)
    ensemble = rng.standard_normal((members, points))
    taken = []
    for _ in range(times):
        start = time.perf_counter()
        method.assimilate(ensemble, observations, rng)
        taken.append(time.perf_counter() - start)
    return taken


def table(sizes: Sequence[int] = POINTS) -> list[dict[str, Any]]:
    """One row a grid, and a last one of the small analysis: the best of the rounds' medians."""
    rows = []
    for points in sizes:
        command = [sys.executable, __file__, "--points", str(points)]
        rows.append(json.loads(subprocess.run(command, check=True, capture_output=True, text=True).stdout))
        print(rows[-1], file=sys.stderr, flush=True)
    cycled()
    best = min(float(np.median(cycled(times=400))) for _ in range(ROUNDS))
    return [*rows, {"points": CIRCLE, "observations": CIRCLE, "cycle_microseconds": 1e6 * best}]


def targets(rows: Sequence[Mapping[str, Any]]) -> Iterable[Target]:
    """Seconds and memory of the largest grid, growth from the smallest, agreement with the peer."""
    *grids, small = rows
    largest = grids[-1]
    what = f"LETKF, {largest['points']} points, {MEMBERS} members, {largest['local']:.0f} local observations a point"
    yield at_most(f"{what}, search included, s", largest["seconds"], SECONDS, digits=1)
    yield at_most(f"{what}, peak MiB of the process", largest["peak_mib"], MIB, digits=0)
    growth = largest["microseconds_a_point"] / grids[0]["microseconds_a_point"]
    yield at_most(f"LETKF, s a point at {largest['points']} points over those at {grids[0]['points']}", growth, GROWTH)
    faster = min(row["numpy_microseconds_a_point"] / row["microseconds_a_point"] for row in grids)
    yield at_least("LETKF, times faster a point than in numpy without the search, worst of the grids", faster, 1.0)
    departure = max(row["departure"] for row in grids)
    yield at_most("LETKF, largest difference from numpy, in standard deviations ×1e10", departure * 1e10, 1.0, digits=4)
    what = f"LETKF, {CIRCLE} points all observed, 10 members, rotated, µs an analysis"
    yield at_most(what, small["cycle_microseconds"], MICROSECONDS, digits=0)


def report(rows: Sequence[Mapping[str, Any]]) -> str:
    """The table in Markdown."""
    header = [
        "points",
        "observations",
        "local",
        "s",
        "of all cores, s",
        "µs a point",
        "numpy, µs a point",
        "peak MiB",
        "of it before",
    ]
    cells = (
        [
            *(row[name] for name in ("points", "observations")),
            f"{row['local']:.1f}",
            f"{row['seconds']:.1f}",
            f"{row['cpu_seconds']:.1f}",
            f"{row['microseconds_a_point']:.1f}",
            f"{row['numpy_microseconds_a_point']:.0f}",
            f"{row['peak_mib']:.0f}",
            f"{row['peak_before_mib']:.0f}",
        ]
        for row in rows[:-1]
    )
    small = f"One analysis of {CIRCLE} points, all observed, 10 members: {rows[-1]['cycle_microseconds']:.0f} µs."
    return f"## Cost of the LETKF\n\n{markdown(header, cells)}\n\n{small}"


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--json", action="store_true", help="print the table as JSON on stdout")
    parser.add_argument("--quick", action="store_true", help="two small grids, without targets")
    parser.add_argument("--points", type=int, help=argparse.SUPPRESS)
    given = parser.parse_args(arguments)
    if given.points:
        print(json.dumps(measure(given.points)))
        return 0
    rows = table(QUICK if given.quick else POINTS)
    if given.json:
        print(json.dumps(rows, indent=2))
    return 0 if given.quick else exit_code(targets(rows))


if __name__ == "__main__":
    sys.exit(main())
