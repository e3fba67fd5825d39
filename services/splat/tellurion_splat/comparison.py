"""Ref-Unlock beside plain splatting on scenes whose transmitted images and depths are known.

What is known of a scene beside its photographs is one of three regimes: `true` reflection-free images and depths,
`degraded` ones as networks would give them, or `none`. Each fit that is done is kept as a file, and none is done twice.
"""

from __future__ import annotations

import hashlib
import json
import shutil
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Literal, NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy import stats

from tellurion_core.predictor import CancelCheck
from tellurion_core.progress import Progress
from tellurion_core.whole_files import write_whole
from tellurion_splat.degradation import degrade
from tellurion_splat.evaluation import DEPTH, TRANSMITTED
from tellurion_splat.fit import Fit, digest_of
from tellurion_splat.schedule import Mode
from tellurion_splat.spec import FitSpec
from tellurion_splatting.scenes import Scene, read_scene

Regime = Literal["true", "degraded", "none"]
SCORES = ("psnr", "ssim", "transmitted_psnr", "plain_psnr", "depth_error")
COVERED = 0.95


@dataclass(frozen=True)
class Method:
    """One way to fit a scene; all in a regime use its depths."""

    regime: Regime
    name: str
    mode: Mode = "ref-unlock"
    variant: str = "virtual"
    degree: int = 3
    """Of the harmonics of both branches."""
    on_clean: bool = False
    """Whether it is fitted to the clean images as if they were the photographs."""

    def scene(self, scene: Scene, clean_folder: str) -> Scene:
        """What it sees of a scene; held-out views stay what they are."""
        if not self.on_clean:
            return scene
        clean = scene.folder(clean_folder)
        names = zip(scene.cameras.names, scene.images, scene.held_out, strict=True)
        return replace(scene, images=tuple(path if kept else clean[name] for name, path, kept in names))

    def spec(self, folders: tuple[str, str], *, seed: int, iterations: int, max_gaussians: int) -> FitSpec:
        """How it is fitted; `folders` are of clean images and of depths."""
        clean, depth = folders
        return FitSpec(
            mode=self.mode,
            variant=self.variant,
            clean_folder=clean if self.mode == "ref-unlock" else "",
            depth_folder=depth,
            seed=seed,
            iterations=iterations,
            max_gaussians=max_gaussians,
            sh_degree=self.degree,
            reflected_sh_degree=self.degree,
        )


METHODS = (
    Method("true", "virtual"),
    Method("true", "3dgs on clean", mode="3dgs", on_clean=True),
    Method("degraded", "virtual"),
    Method("degraded", "fixed", variant="fixed", degree=5),
    Method("degraded", "released", variant="released", degree=5),
    Method("degraded", "3dgs", mode="3dgs"),
    Method("degraded", "3dgs on clean", mode="3dgs", on_clean=True),
    Method("none", "virtual"),
    Method("none", "3dgs", mode="3dgs"),
)
"""`fixed` and `released` have the harmonics of the release, one of whose defects is of degree 5."""


class Interval(NamedTuple):
    """A mean and its 95 % interval."""

    value: float
    low: float
    high: float


@dataclass(frozen=True)
class Fits:
    """What all fits scored on the held-out views."""

    scores: Mapping[tuple[str, Regime, str, int], Mapping[str, Sequence[float]]]
    """By scene, regime, method and seed: each of SCORES [V]; `gaussians` and `seconds` [1]."""

    def table(self, regime: Regime, method: str, score: str) -> dict[str, NDArray[np.float64]]:
        """A score [seeds, V] by scene."""
        rows: dict[str, list[Sequence[float]]] = {}
        for (scene, *which, _), scores in sorted(self.scores.items()):
            if tuple(which) == (regime, method):
                rows.setdefault(scene, []).append(scores[score])
        return {scene: np.array(of_seeds) for scene, of_seeds in rows.items()}

    def mean(self, regime: Regime, method: str, score: str) -> Interval:
        """Over scenes, views and seeds."""
        return interval(list(self.table(regime, method, score).values()))

    def difference(self, regime: Regime, left: tuple[str, str], right: tuple[str, str]) -> dict[str, Interval]:
        """The same of a method's score less another's, view by view, over all scenes ("") and by scene."""
        tables = self.table(regime, *left), self.table(regime, *right)
        less = {scene: tables[0][scene] - tables[1][scene] for scene in tables[0]}
        return {"": interval(list(less.values()))} | {scene: interval([values]) for scene, values in less.items()}


def interval(scenes: Sequence[NDArray[np.float64]]) -> Interval:
    """The mean over scenes of values [seeds, V], and Student's interval about other views and seeds of these scenes.

    Views of a scene and seeds are taken to be drawn independently; the interval is not about other scenes. Degrees of
    freedom are those of Welch (1947) and Satterthwaite (1946) for a sum of variances.
    """
    seeds = np.mean([values.mean(axis=1) for values in scenes], axis=0)
    samples = [*(values.mean(axis=0) / len(scenes) for values in scenes), seeds]
    parts = [(sample.var(ddof=1) / len(sample), len(sample) - 1) for sample in samples if len(sample) > 1]
    variance, mean = sum(part for part, _ in parts), float(seeds.mean())
    if not variance:
        return Interval(mean, mean, mean)
    free = variance**2 / sum(part**2 / own for part, own in parts)
    half = float(stats.t.ppf((1 + COVERED) / 2, free) * np.sqrt(variance))
    return Interval(mean, mean - half, mean + half)


def compare(
    scenes: Mapping[str, Path],
    folder: Path,
    *,
    methods: Sequence[Method] = METHODS,
    seeds: Sequence[int] = (0, 1, 2),
    iterations: int = 2000,
    max_gaussians: int = 15_000,
    cancelled: CancelCheck = lambda: False,
    progress: Progress = lambda fraction, message: None,
) -> Fits:
    """Fits every scene by every method with every seed, and scores it; goes on from what `folder` holds.

    What is kept knows nothing of the code: a method that was changed begins in an empty folder. The degraded inputs are
    written into the scenes' folders. Raises Cancelled soon after `cancelled()`.
    """
    for path in scenes.values():
        for seed in seeds:
            degrade(read_scene(path), seed)
    fits = list(_fits(scenes, methods, seeds))
    found = {}
    for done, (name, method, seed) in enumerate(fits):
        title = f"{name}-{method.regime}-{method.name.replace(' ', '-')}-{seed}"

        def told(fraction: float, message: str, title: str = title, done: int = done) -> None:
            progress((done + fraction) / len(fits), f"{done + 1} of {len(fits)}, {title}: {message}")

        folders = folders_of(method.regime, seed)
        spec = method.spec(folders, seed=seed, iterations=iterations, max_gaussians=max_gaussians)
        scene = method.scene(read_scene(scenes[name]), folders[0])
        kept = folder / f"{title}-{_sum_of(scene, spec)}"
        record = kept.with_suffix(".json")
        if not record.exists():
            write_whole(record, json.dumps(_fitted(scene, spec, kept, told, cancelled)).encode())
        found[name, method.regime, method.name, seed] = json.loads(record.read_text())["scores"]
    return Fits(found)


def folders_of(regime: Regime, seed: int) -> tuple[str, str]:
    """Of a scene: clean images, and depths."""
    known: Mapping[Regime, tuple[str, str]] = {
        "true": (TRANSMITTED, DEPTH),
        "degraded": (f"degraded-{seed}", f"degraded-depth-{seed}"),
        "none": ("", ""),
    }
    return known[regime]


def _sum_of(scene: Scene, spec: FitSpec) -> str:
    """A short name of all that a fit depends on but the code."""
    return hashlib.sha256(f"{asdict(spec)} {digest_of(scene, spec)}".encode()).hexdigest()[:8]


def _fits(
    scenes: Mapping[str, Path], methods: Sequence[Method], seeds: Sequence[int]
) -> Iterator[tuple[str, Method, int]]:
    """Seed by seed, so that what is done of them can be looked at early."""
    for seed in seeds:
        for scene in scenes:
            for method in methods:
                yield scene, method, seed


def _fitted(scene: Scene, spec: FitSpec, folder: Path, told: Progress, cancelled: CancelCheck) -> dict[str, object]:
    folder.mkdir(parents=True, exist_ok=True)
    fitted = Fit(scene, spec, folder).run(told, cancelled)
    scores = {score: [getattr(view, score) for view in fitted.evaluation.views] for score in SCORES}
    counts = {"gaussians": [len(fitted.gaussians)], "seconds": [fitted.seconds]}
    shutil.rmtree(folder)
    return {"spec": asdict(spec), "scores": scores | counts}
