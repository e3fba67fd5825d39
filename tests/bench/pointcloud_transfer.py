"""What pre-training is worth to frozen features: a linear support vector machine and few-shot episodes on furniture.

    TELLURION_DATA=DATA python tests/bench/pointcloud_transfer.py

Judged are all labelled models of $TELLURION_DATA/pointcloud/furniture, in five folds of groups of near-duplicates, by
encoders that were shown none of them: .cache/pointcloud/mmpt-VARIANT-seedN.safetensors, the whole of MMPT of three
seeds, and of one each of its tasks alone. Beside them stand the same encoders before training, the descriptor made by
hand and the shipped weights. Of every model five samplings of points are judged and averaged. Intervals are 95 %: of
the machine over groups and seeds, of the episodes over episodes and seeds; differences are paired. Ends with exit code
1 when a target is missed.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from targets import Target, at_least, exit_code, markdown, target_table

from tellurion_diffusion import weights
from tellurion_pointcloud import evaluate
from tellurion_pointcloud.corpus import Corpus
from tellurion_pointcloud.downstream.fewshot import Episode, episodes
from tellurion_pointcloud.downstream.intervals import Interval, over_groups
from tellurion_pointcloud.evaluate import Things
from tellurion_pointcloud.mmpt import Mmpt, Spec
from tellurion_pointcloud.mmpt.tasks import TASKS
from tellurion_pointcloud.training.pretrain import WEIGHTS as SHIPPED

CACHE = Path(__file__).parents[2] / ".cache" / "pointcloud"
FURNITURE = Path(os.environ.get("TELLURION_DATA", "/")) / "pointcloud" / "furniture"
SEEDS = 0, 1, 2
VARIANTS = {"full": SEEDS, **dict.fromkeys(TASKS, SEEDS[:1])}
"""Of pre-training, and the seeds of each."""
SAMPLINGS = 5
EPISODES = 600
POINTS = 5.0
"""Percentage points by which the whole of MMPT is to be above the encoder before training."""
JUDGES = {"svm": "SVM", "linear": "5-way 5-shot, linear", "centroid": "5-way 5-shot, nearest centroid"}
UNTRAINED, DESCRIPTOR = "untrained", "descriptor"

Rows = Mapping[str, Mapping[str, NDArray[np.floating]]]
"""By judge and method, percentages [seeds, models or episodes]."""


def weights_of(variant: str, seed: int) -> Path:
    """The weights file of one training."""
    return CACHE / f"mmpt-{variant}-seed{seed}.safetensors"


def missing_files() -> list[str]:
    """How to make what is not there, and which weights were shown what they are to be judged by."""
    train = "python -m tellurion_pointcloud.training"
    lines = [] if FURNITURE.is_dir() else [f"no furniture: {train}.furniture {FURNITURE}"]
    for path in [SHIPPED, *(weights_of(variant, seed) for variant, seeds in VARIANTS.items() for seed in seeds)]:
        if not path.exists():
            lines.append(f"no {path.name}: {train}.pretrain CORPUS… --output {path}")
        elif weights.card(path)["folds"]:
            lines.append(f"{path.name} was shown labelled furniture: train it without --folds")
    return lines


def table() -> Rows:
    """What each method tells right, by each judge."""
    spec = Mmpt.load(weights_of("full", SEEDS[0])).spec
    things = evaluate.labelled(Corpus.open(FURNITURE), points=spec.points, samplings=SAMPLINGS, seed=0)
    drawn = episodes(things.labels, things.groups, count=EPISODES, seed=0)
    rows: dict[str, dict[str, NDArray[np.floating]]] = {judge: {} for judge in JUDGES}
    for method, features in _features(things.clouds, spec):
        told = [_told(each, things, drawn) for each in features]
        for judge in JUDGES:
            rows[judge][method] = 100 * np.stack([seed[judge] for seed in told])
    return rows


def _told(features: NDArray[np.floating], things: Things, drawn: Sequence[Episode]) -> dict[str, NDArray[np.floating]]:
    """What features [S, n, D] tell right, by each judge."""
    few = {
        name: evaluate.told_by_few(features, things, drawn, classify) for name, classify in evaluate.CLASSIFIERS.items()
    }
    return {"svm": evaluate.told_by_svm(features, things), **few}


def _features(clouds: NDArray[np.float32], spec: Spec) -> Iterator[tuple[str, Iterator[NDArray[np.floating]]]]:
    """Of each method, features [S, n, D] for every seed."""
    yield DESCRIPTOR, iter([evaluate.described(clouds)])
    yield UNTRAINED, (evaluate.embeddings(evaluate.untrained(spec, seed, clouds[0]), clouds) for seed in SEEDS)
    for variant, seeds in VARIANTS.items():
        yield variant, (evaluate.embeddings(Mmpt.load(weights_of(variant, seed)), clouds) for seed in seeds)
    yield "shipped", iter([evaluate.embeddings(Mmpt.load(SHIPPED), clouds)])


def interval(rows: Rows, judge: str, method: str, less: str | None = None) -> Interval:
    """Of a method, or of its paired difference from another."""
    values = rows[judge][method]
    if less is not None:
        values = values - rows[judge][less][: len(values)]
    return over_groups(values, _groups() if judge == "svm" else np.arange(values.shape[1]))


def _groups() -> NDArray[np.str_]:
    corpus = Corpus.open(FURNITURE)
    return np.array(corpus.groups)[np.array(corpus.classes) != ""]


def targets(rows: Rows) -> Iterator[Target]:
    """The whole of MMPT against the encoder before training and against the descriptor."""
    for judge in ("svm", "linear"):
        above = interval(rows, judge, "full", UNTRAINED)
        yield at_least(f"{JUDGES[judge]}, points, MMPT above the encoder before training", above.mean, POINTS, 1)
        for other, difference in ((UNTRAINED, above), (DESCRIPTOR, interval(rows, judge, "full", DESCRIPTOR))):
            what = f"{JUDGES[judge]}, points, MMPT less {other}"
            yield Target(what, shown(difference), "interval above 0", difference.low > 0)


def shown(figure: Interval) -> str:
    """A mean and its interval."""
    return f"{figure.mean:.1f} ({figure.low:.1f} to {figure.high:.1f})"


def report(rows: Rows) -> str:
    """The tables in Markdown."""
    count = rows["svm"][DESCRIPTOR].shape[1]
    parts = [
        f"## Frozen features of {count} labelled furniture models, pre-training without them",
        f"Accuracy in percent, {SAMPLINGS} samplings of points averaged; {EPISODES} episodes.",
    ]
    for judge, name in JUDGES.items():
        lines = []
        for method, right in rows[judge].items():
            others = [
                "" if method == other else shown(interval(rows, judge, method, other))
                for other in (UNTRAINED, DESCRIPTOR)
            ]
            seeds = ", ".join(f"{mean:.1f}" for mean in right.mean(1))
            lines.append([method, shown(interval(rows, judge, method)), seeds, *others])
        parts += [f"{name}:", markdown(["method", "accuracy", "seeds", "less untrained", "less descriptor"], lines)]
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
