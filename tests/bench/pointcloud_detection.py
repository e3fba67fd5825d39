"""What pre-training is worth to detection: Gaussian2Scene's two stages and no stage, in rooms that were held out.

    TELLURION_DATA=DATA python tests/bench/pointcloud_detection.py

Judged are .cache/pointcloud/detector-START-seedN.safetensors of three seeds: the same detector, trained on the same
rooms for as many steps, from nothing (`scratch`) or from the encoder of `stage1` or `stage2`, in the rooms of
$TELLURION_DATA/pointcloud/rooms/held-out, whose furniture stands in no other room. Intervals are 95 %: groups of
near-duplicates and seeds are drawn with replacement, the same ones for all, so that differences are paired. Ends with
exit code 1 when a target is missed.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from targets import Target, exit_code, markdown, target_table

from tellurion_diffusion import weights
from tellurion_pointcloud.detection.average_precision import THRESHOLDS
from tellurion_pointcloud.detection.detector import Detector
from tellurion_pointcloud.detection.evaluation import RESAMPLES, Evaluation, detected, evaluated
from tellurion_pointcloud.downstream.intervals import COVERED, Interval
from tellurion_pointcloud.rooms import Rooms

CACHE = Path(__file__).parents[2] / ".cache" / "pointcloud"
ROOMS = Path(os.environ.get("TELLURION_DATA", "/")) / "pointcloud" / "rooms"
STARTS = SCRATCH, STAGE_1, STAGE_2 = "scratch", "stage1", "stage2"
SEEDS = 0, 1, 2
EQUAL = "steps", "batch", "learning_rate", "trained_on"
"""What the cards of all have to agree in."""
MEAN = "mean"


@dataclass(frozen=True, eq=False)
class Found:
    """Average precision in percent by threshold, column (the mean over classes, then each of them) and seed."""

    values: NDArray[np.float64]
    """[T, 1 + classes, S]."""
    resampled: NDArray[np.float64]
    """[T, 1 + classes, S, R] when groups are drawn; nan where a draw has no object of a class."""


@dataclass(frozen=True, eq=False)
class Rows:
    """What the detectors found."""

    classes: Sequence[str]
    objects: Sequence[int]
    """Of each class."""
    rooms: int
    groups: int
    """Of near-duplicates among the objects."""
    training: Mapping[str, Any]
    """What the cards of all agree in."""
    found: Mapping[str, Found]
    """By start."""


def weights_of(start: str, seed: int) -> Path:
    """The weights file of one training."""
    return CACHE / f"detector-{start}-seed{seed}.safetensors"


def missing_files() -> list[str]:
    """How to make what is not there, and which weights were not trained as the others were."""
    train = "python -m tellurion_pointcloud.training"
    rooms = ROOMS / "training"
    lines = [] if (ROOMS / "held-out").is_dir() else [f"no rooms: {train}.rooms {ROOMS}"]
    cards = {}
    for start in STARTS:
        encoder = CACHE / f"gaussian2scene-{start}.safetensors"
        begun = "" if start == SCRATCH else f" --encoder {encoder}"
        if begun and not encoder.exists() and not all(weights_of(start, seed).exists() for seed in SEEDS):
            lines.append(f"no {encoder.name}: {train}.gaussian2scene {rooms} {_stage(start)} --output {encoder}")
        for seed in SEEDS:
            path = weights_of(start, seed)
            if path.exists():
                cards[path.name] = weights.card(path)
            else:
                command = f"{train}.detector {rooms} --steps STEPS --seed {seed}{begun} --output {path}"
                lines.append(f"no {path.name}: {command}")
    first = next(iter(cards), "")
    unlike = (
        f"{name}: {what} {card[what]}, but {cards[first][what]} in {first}: train them alike"
        for name, card in cards.items()
        for what in EQUAL
        if card[what] != cards[first][what]
    )
    return [*lines, *unlike]


def _stage(start: str) -> str:
    """Options of the stage's training."""
    if start == STAGE_1:
        return "--stage 1 --steps STEPS"
    return f"--stage 2 --steps STEPS --first {CACHE / f'gaussian2scene-{STAGE_1}.safetensors'} --fitted FITTED"


def table() -> Rows:
    """The average precision of all detectors."""
    rooms = Rooms.open(ROOMS / "held-out")
    found = {start: _found([_evaluation(start, seed, rooms) for seed in SEEDS]) for start in STARTS}
    card = weights.card(weights_of(SCRATCH, SEEDS[0]))
    kinds = rooms.kinds[rooms.kinds >= 0]
    return Rows(
        rooms.classes,
        np.bincount(kinds, minlength=len(rooms.classes)).tolist(),
        len(rooms),
        len(np.unique(rooms.groups[rooms.kinds >= 0])),
        {what: card[what] for what in EQUAL},
        found,
    )


def _evaluation(start: str, seed: int, rooms: Rooms) -> Evaluation:
    print(f"{start}, seed {seed}", file=sys.stderr, flush=True)
    return evaluated(detected(Detector.load(weights_of(start, seed)), rooms), rooms)


def _found(seeds: Sequence[Evaluation]) -> Found:
    """Of the same detector trained with several seeds."""
    columns = {threshold: [_columns(each, threshold) for each in seeds] for threshold in THRESHOLDS}
    values, drawn = (
        100 * np.array([[[figure(each, at) for each in of] for of in row] for at, row in columns.items()])
        for figure in (Evaluation.average_precision, Evaluation.resampled)
    )
    return Found(values.swapaxes(1, 2), drawn.swapaxes(1, 2))


def _columns(evaluation: Evaluation, threshold: float) -> list[Evaluation]:
    """Of all classes, and of each alone."""
    alone = ([each] for each in evaluation.matched[threshold])
    return [evaluation, *(Evaluation({threshold: each}, evaluation.groups) for each in alone)]


def interval(rows: Rows, threshold: float, column: int, start: str, less: str | None = None) -> Interval:
    """Of a start, or of its paired difference from another, in a column of `Found`."""
    at = THRESHOLDS.index(threshold), column
    values, resampled = rows.found[start].values[at], rows.found[start].resampled[at]
    if less is not None:
        values, resampled = values - rows.found[less].values[at], resampled - rows.found[less].resampled[at]
    drawn = len(SEEDS) - 1  # as in `downstream.intervals`
    runs = np.random.default_rng(1).multinomial(drawn, np.full(len(SEEDS), 1 / len(SEEDS)), RESAMPLES)
    low, high = np.nanquantile((runs.T * resampled).sum(0) / drawn, [(1 - COVERED) / 2, (1 + COVERED) / 2])
    return Interval(float(values.mean()), float(low), float(high))


def targets(rows: Rows) -> Iterator[Target]:
    """Gaussian2Scene whole against a detector that begins with nothing."""
    above = interval(rows, 0.25, 0, STAGE_2, SCRATCH)
    yield Target(
        "detection, AP25, points, pre-trained less from scratch", shown(above), "interval above 0", above.low > 0
    )


def shown(figure: Interval) -> str:
    """A figure and its interval."""
    return f"{figure.mean:.1f} ({figure.low:.1f} to {figure.high:.1f})"


def report(rows: Rows) -> str:
    """The tables in Markdown."""
    many = ", ".join(f"{count} × {name}" for name, count in zip(rows.classes, rows.objects, strict=True))
    parts = [
        f"## Detection in {rows.rooms} held-out rooms, {len(SEEDS)} seeds",
        f"Average precision in percent; {many}, of {rows.groups} groups of near-duplicates. Each detector was trained"
        f" for {rows.training['steps']} steps of {rows.training['batch']} rooms ({rows.training['trained_on']}).",
    ]
    columns = [MEAN, *rows.classes]
    for threshold in THRESHOLDS:
        name, at = f"AP{100 * threshold:.0f}", THRESHOLDS.index(threshold)
        lines = [
            [
                start,
                *(shown(interval(rows, threshold, column, start)) for column in range(len(columns))),
                ", ".join(f"{value:.1f}" for value in rows.found[start].values[at, 0]),
            ]
            for start in STARTS
        ]
        lines += [
            [
                f"{more} less {less}",
                *(shown(interval(rows, threshold, column, more, less)) for column in range(len(columns))),
                ", ".join(f"{value:.1f}" for value in (rows.found[more].values - rows.found[less].values)[at, 0]),
            ]
            for less, more in combinations(STARTS, 2)
        ]
        parts += [f"{name}:", markdown(["start", *columns, "mean, each seed"], lines)]
    return "\n\n".join(parts)


def main() -> int:
    """Prints the tables."""
    if missing := missing_files():
        print("\n".join(missing), file=sys.stderr)
        return 2
    rows = table()
    print(report(rows), target_table(found := list(targets(rows))), sep="\n\n")
    return exit_code(found)


if __name__ == "__main__":
    sys.exit(main())
