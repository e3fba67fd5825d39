"""Completion of furniture of which one viewpoint's half is left.

    TELLURION_DATA=DATA python tests/bench/pointcloud_completion.py

Judged are all labelled models of $TELLURION_DATA/pointcloud/furniture, none of which was shown in training, from eight
viewpoints each, 1024 points. Beside the shipped weights stand all .cache/pointcloud/completion-*.safetensors. Intervals
are 95 %, over groups of near-duplicates. Ends with exit code 1 when a target is missed.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path

from targets import Target, at_most, exit_code, markdown, target_table

from tellurion_diffusion import weights
from tellurion_pointcloud import evaluate
from tellurion_pointcloud.corpus import Corpus
from tellurion_pointcloud.downstream.completion import Completion
from tellurion_pointcloud.downstream.intervals import Interval
from tellurion_pointcloud.training.completion import WEIGHTS as SHIPPED

CACHE = Path(__file__).parents[2] / ".cache" / "pointcloud"
FURNITURE = Path(os.environ.get("TELLURION_DATA", "/")) / "pointcloud" / "furniture"
HALF = 0.5
"""Of the partial cloud's error may be left."""

Rows = Mapping[str, Mapping[str, Interval]]
"""By weights file, the figures of `evaluate.completion`."""


def _files() -> list[Path]:
    return [SHIPPED, *sorted(CACHE.glob("completion-*.safetensors"))]


def missing_files() -> list[str]:
    """How to make what is not there, and which weights were shown what they are to be judged by."""
    train = "python -m tellurion_pointcloud.training"
    lines = [] if FURNITURE.is_dir() else [f"no furniture: {train}.furniture {FURNITURE}"]
    if not SHIPPED.exists():
        return [*lines, f"no {SHIPPED.name}: {train}.completion CORPUS… --encoder mmpt.safetensors"]
    shown = [path.name for path in _files() if weights.card(path)["folds"]]
    return [*lines, *(f"{name} was shown labelled furniture: train it without --folds" for name in shown)]


def table() -> Rows:
    """The errors that each network leaves."""
    corpus = Corpus.open(FURNITURE)
    return {path.stem: evaluate.completion(corpus, Completion.load(path), 0, _told).figures for path in _files()}


def _told(share: float, what: str) -> None:
    print(f"{share:.0%} {what}", file=sys.stderr, flush=True)


def targets(rows: Rows) -> Iterator[Target]:
    """What is left of the error."""
    yield at_most(
        "Chamfer-L2 of completed clouds, share of the partial clouds'", rows[SHIPPED.stem]["ratio"].mean, HALF
    )


def report(rows: Rows) -> str:
    """The table in Markdown."""
    header = ["weights", "partial, 10⁻³", "completed, 10⁻³", "ratio"]
    lines = [
        [
            name,
            *(shown(figures[which], 1e3, 2) for which in ("partial", "completed")),
            shown(figures["ratio"], 1, 3),
        ]
        for name, figures in rows.items()
    ]
    return "\n\n".join(
        [
            "## Completion of labelled furniture seen from one side",
            "Chamfer-L2 to the whole cloud in the unit ball; what is given is kept in the answer.",
            markdown(header, lines),
        ]
    )


def shown(figure: Interval, factor: float, digits: int) -> str:
    """A mean and its interval."""
    mean, low, high = (f"{factor * value:.{digits}f}" for value in (figure.mean, figure.low, figure.high))
    return f"{mean} ({low} to {high})"


def main() -> int:
    """Prints the table."""
    if missing := missing_files():
        print("\n".join(missing), file=sys.stderr)
        return 2
    rows = table()
    print(report(rows), target_table(found := list(targets(rows))), sep="\n\n")
    return exit_code(found)


if __name__ == "__main__":
    sys.exit(main())
