"""A small fit with checkpoints, and a program that does it and is killed: PROGRAM SCENE FOLDER."""

from __future__ import annotations

import sys
from pathlib import Path

import torch

from tellurion_splat.fit import Fit
from tellurion_splat.schedule import Schedule
from tellurion_splat.spec import FitSpec
from tellurion_splatting.scenes import read_scene

ITERATIONS, CHECKPOINT_EVERY = 30, 4


def small_fit(scene: Path, folder: Path | None) -> Fit:
    """Thirty iterations in which Gaussians are cloned, split and reset."""
    torch.set_num_threads(1)
    spec = FitSpec(
        variant="fixed",
        iterations=ITERATIONS,
        sh_degree=1,
        reflected_sh_degree=1,
        max_gaussians=400,
        clean_folder="transmitted",
        depth_folder="depth",
    )
    fit = Fit(read_scene(scene), spec, folder, checkpoint_every=CHECKPOINT_EVERY, checkpoint_seconds=1e9)
    fit.schedule = Schedule(
        iterations=ITERATIONS,
        densify_from=2,
        densify_every=3,
        densify_until=25,
        reset_every=7,
        degree_every=5,
        mse_until=10,
    )
    return fit


if __name__ == "__main__":
    fit = small_fit(Path(sys.argv[1]), Path(sys.argv[2]))
    fit.run(cancelled=lambda: print(fit.done, flush=True) is not None)
