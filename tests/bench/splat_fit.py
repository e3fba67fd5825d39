"""How long a Ref-Unlock fit of a shipped scene takes: 30 000 Gaussians from its first iteration on, 3 000 iterations.

    python tests/bench/splat_fit.py

A fit begins with as many Gaussians as the scene has points and adds more where they are wanted, so it is cheaper at
first; here the points are multiplied before, to its upper limit. Five minutes on two quiet cores, and it takes no more.
Ends with exit code 1 when a target is missed.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
import torch
from targets import Target, at_least, at_most, exit_code, markdown, target_table

import tellurion_splat
from tellurion_splat.fit import Fit
from tellurion_splat.initialisation import extent
from tellurion_splat.spec import FitSpec
from tellurion_splatting.scenes import Scene, read_scene

DATA = Path(tellurion_splat.__file__).parent / "data"
SCENE = "pane"
GAUSSIANS, ITERATIONS, LIMIT = 30_000, 3000, 15
CORES = 2
LEAST_CROWDED = 0.9
"""Of the Gaussians, that there are in the mean over iterations."""
SPREAD = 0.01
"""Standard deviation of the added points about a given one, in extents of the scene."""


def table() -> dict[str, Any]:
    """What was measured, on the first cores of those that this process may use."""
    os.sched_setaffinity(0, sorted(os.sched_getaffinity(0))[:CORES])
    cores = len(os.sched_getaffinity(0))
    torch.set_num_threads(cores)
    scene = crowded(read_scene(DATA / SCENE), GAUSSIANS)
    spec = FitSpec(
        mode="ref-unlock",
        iterations=ITERATIONS,
        max_gaussians=GAUSSIANS,
        sh_degree=3,
        reflected_sh_degree=3,
        clean_folder="transmitted",
        depth_folder="depth",
    )
    with TemporaryDirectory(prefix="tellurion-bench-") as folder:
        fitting = Fit(scene, spec, Path(folder))
        counts = []

        def progress(fraction: float, message: str) -> None:
            counts.append(len(fitting.splats))
            if fitting.done % 100 == 0:
                print(message, file=sys.stderr, flush=True)

        fitted = fitting.run(progress)
    return {
        "cores": cores,
        "pixels": "×".join(map(str, scene.size)),
        "Gaussians": int(np.mean(counts)),
        "minutes": fitted.seconds / 60,
        "ms an iteration": 1000 * fitted.seconds / ITERATIONS,
        "PSNR": fitted.evaluation.mean("psnr"),
        "transmitted PSNR": fitted.evaluation.mean("transmitted_psnr"),
    }


def crowded(scene: Scene, count: int) -> Scene:
    """The scene with more points, each of them near one that it has."""
    rng = np.random.default_rng(0)
    near = rng.integers(len(scene.points), size=count - len(scene.points))
    added = scene.points[near] + SPREAD * extent(scene.cameras) * rng.standard_normal((len(near), 3))
    colors = np.concatenate([scene.point_colors, scene.point_colors[near]])
    return replace(scene, points=np.concatenate([scene.points, added]), point_colors=colors)


def targets(row: dict[str, Any]) -> Iterator[Target]:
    """The time it may take, and that it has as much to do as is said."""
    what = f"ref-unlock, {SCENE} as shipped, up to {GAUSSIANS} Gaussians, {ITERATIONS} iterations, min"
    yield at_most(what, row["minutes"], LIMIT, digits=1)
    yield at_least("mean number of Gaussians meanwhile", row["Gaussians"], LEAST_CROWDED * GAUSSIANS, digits=0)


def report(row: dict[str, Any]) -> str:
    """The table in Markdown."""
    cells = [value if isinstance(value, str | int) else f"{value:.2f}" for value in row.values()]
    return "\n\n".join([f"## A Ref-Unlock fit, {ITERATIONS} iterations", markdown(list(row), [cells])])


def main() -> int:
    """Prints the table."""
    row = table()
    print(report(row), target_table(found := list(targets(row))), sep="\n\n")
    return exit_code(found)


if __name__ == "__main__":
    sys.exit(main())
