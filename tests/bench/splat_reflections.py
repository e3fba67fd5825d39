"""Reflections told apart, and plain splatting beside it, on four rendered scenes in three regimes with three seeds.

    python -m tellurion_splat.training.scenes .cache/scenes      the scenes; half an hour of one core
    python tests/bench/splat_reflections.py                      108 fits, two hours on two quiet cores

The scenes are in .cache/scenes, or $TELLURION_SCENES. Every fit that is done stays in .cache/splat-reflections: killed
and begun again, it goes on from the last checkpoints. `virtual` is the service's own method, `fixed` the published one
without its release's defects, `released` the published one with them; `3dgs` is plain splatting with the same depths,
and `3dgs on clean` is fitted to the images without reflections. Intervals are 95 %, of other views and seeds of these
scenes. Ends with exit code 1 when a target is missed.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator, Mapping
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from pathlib import Path

import numpy as np
import torch
from targets import Target, at_least, exit_code, markdown, target_table

from tellurion_splat.comparison import METHODS, Fits, Interval, Method, compare

CACHE = Path(__file__).parents[2] / ".cache"
SCENES = Path(os.environ.get("TELLURION_SCENES", CACHE / "scenes"))
NAMES = "pane", "picture", "mirror", "floor"
ITERATIONS, GAUSSIANS = 1500, 15_000
SEEDS = 0, 1, 2
PROCESSES = 2
"""That share the scenes, each with one thread."""
TOLD = 0.005
"""Share of a scene's work between two lines about it."""
OURS, PLAIN, ON_CLEAN = "virtual", "3dgs", "3dgs on clean"
COLUMNS = {"psnr": ("PSNR", 2), "ssim": ("SSIM", 3), "depth_error": ("error of 1/depth, 1/m", 4)}
NEARER = 3.0
"""DB that the transmitted image is to be nearer the truth than a plain render."""


def missing_files() -> list[str]:
    """How to make the scenes, where they are not."""
    if all((SCENES / name / "transforms.json").exists() for name in NAMES):
        return []
    return [f"no scenes: python -m tellurion_splat.training.scenes {SCENES}"]


def table() -> Fits:
    """All fits."""
    with ProcessPoolExecutor(PROCESSES, get_context("spawn"), torch.set_num_threads, (1,)) as pool:
        return Fits({key: scores for fits in pool.map(_of_scene, NAMES) for key, scores in fits.scores.items()})


def _of_scene(name: str) -> Fits:
    told = 0.0

    def progress(fraction: float, message: str) -> None:
        nonlocal told
        if fraction - told >= TOLD:
            told = fraction
            print(f"{fraction:.1%} {message}", file=sys.stderr, flush=True)

    options = {"seeds": SEEDS, "iterations": ITERATIONS, "max_gaussians": GAUSSIANS}
    return compare({name: SCENES / name}, CACHE / "splat-reflections", **options, progress=progress)


def targets(fits: Fits) -> Iterator[Target]:
    """Of the degraded regime: what inputs as networks give them are good for."""

    def signed(what: str, left: tuple[str, str], right: tuple[str, str], digits: int, *, above: bool) -> Target:
        overall, by_scene = _split(fits.difference("degraded", left, right))
        met = overall.low > 0 if above else overall.high < 0
        each = ", ".join(f"{scene} {figure.value:+.{digits}f}" for scene, figure in by_scene.items())
        wanted = f"interval {'above' if above else 'below'} 0"
        return Target(what, f"{shown(overall, digits)}: {each}", wanted, met)

    behind = OURS, "transmitted_psnr"
    yield signed(f"PSNR, dB, {OURS} less 3dgs with the same depths", (OURS, "psnr"), (PLAIN, "psnr"), 2, above=True)
    for what, render in (("that of 3dgs'", (PLAIN, "plain_psnr")), ("that of its own", (OURS, "plain_psnr"))):
        overall, _ = _split(fits.difference("degraded", behind, render))
        yield at_least(f"transmitted PSNR, dB, {OURS} above {what} whole image", overall.value, NEARER)
    yield signed(
        f"transmitted PSNR, dB, {OURS} less 3dgs fitted to the degraded images",
        behind,
        (ON_CLEAN, "plain_psnr"),
        2,
        above=True,
    )
    yield signed(
        f"error of 1/depth, 1/m, {OURS} less 3dgs with the same depths",
        (OURS, "depth_error"),
        (PLAIN, "depth_error"),
        4,
        above=False,
    )


def _split(figures: Mapping[str, Interval]) -> tuple[Interval, Mapping[str, Interval]]:
    """That over all scenes, and those of each."""
    return figures[""], {scene: figure for scene, figure in figures.items() if scene}


def shown(figure: Interval, digits: int) -> str:
    """A value and its interval."""
    return f"{figure.value:.{digits}f} ({figure.low:.{digits}f} to {figure.high:.{digits}f})"


def report(fits: Fits) -> str:
    """The tables in Markdown."""
    names = [name for name, _ in COLUMNS.values()]
    rows, by_scene, by_seed = [], [], []
    for method in METHODS:
        which, behind = [method.regime, method.name], transmitted_score(method)
        scores = {**COLUMNS, behind: ("", 2)}
        cells = [shown(fits.mean(*which, score), digits) for score, (_, digits) in scores.items()]
        rows.append(
            [*which, *cells, *(f"{_values(fits, method, count).mean():.0f}" for count in ("gaussians", "seconds"))]
        )
        for scene in NAMES:
            of_scene = {score: fits.table(*which, score)[scene].mean() for score in scores}
            by_scene.append(
                [*which, scene, *(f"{of_scene[score]:.{digits}f}" for score, (_, digits) in scores.items())]
            )
        seeds = [_values(fits, method, score).mean(axis=(0, 2)) for score in ("psnr", behind)]
        by_seed.append([*which, *(f"{value:.2f}" for values in seeds for value in values)])
    seed_names = [f"{what}, seed {seed}" for what in ("PSNR", "transmitted PSNR") for seed in SEEDS]
    return "\n\n".join(
        [
            f"## Reflections, {len(NAMES)} scenes, {len(SEEDS)} seeds, {ITERATIONS} iterations, held-out views",
            "Of a method without a reflected branch the transmitted image is its whole image.",
            markdown(["regime", "method", *names, "transmitted PSNR", "Gaussians", "s"], rows),
            "Each scene, seeds averaged:",
            markdown(["regime", "method", "scene", *names, "transmitted PSNR"], by_scene),
            "Each seed, scenes averaged:",
            markdown(["regime", "method", *seed_names], by_seed),
        ]
    )


def transmitted_score(method: Method) -> str:
    """The score of what a method has for the transmitted image."""
    return "transmitted_psnr" if method.mode == "ref-unlock" else "plain_psnr"


def _values(fits: Fits, method: Method, score: str) -> np.ndarray:
    """[scenes, seeds, ·]."""
    return np.array(list(fits.table(method.regime, method.name, score).values()))


def main() -> int:
    """Prints the tables."""
    if missing := missing_files():
        print("\n".join(missing), file=sys.stderr)
        return 2
    fits = table()
    print(report(fits), target_table(found := list(targets(fits))), sep="\n\n")
    return exit_code(found)


if __name__ == "__main__":
    sys.exit(main())
