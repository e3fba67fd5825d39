"""SFE's tasks whose answers are boxes: reading them, and their overlap with the reference's."""

from __future__ import annotations

from collections.abc import Sequence

from tellurion_benchmark.scorers.boxes import Box, iou

MOST = 1000
"""Boxes of a reference; each is compared with as many of the answer."""


def boxes_in(text: str) -> tuple[Box, ...]:
    """The boxes in the first line that has brackets: from its first opening to its last closing one.

    They stand between semicolons, and have four numbers between commas; what has not is left out. An answer without a
    box has failed.
    """
    inside = next((found for line in text.split("\n") if (found := _bracketed(line)) is not None), "")
    groups = (group.split(",") for group in inside.split(";"))
    return tuple(box for group in groups if len(group) == 4 and (box := _box(group)) is not None)


def greedy_iou(references: Sequence[Box], predictions: Sequence[Box]) -> float:
    """Sum of overlaps over the number of references, in [0, 1].

    The predictions choose in their order: each takes the reference that it overlaps most of those that are left.
    """
    left, total = list(references), 0.0
    for prediction in predictions[: len(references)]:
        overlaps = [iou(reference, prediction) for reference in left]
        best = max(overlaps)
        total += best
        left.pop(overlaps.index(best))
    return total / len(references)


def _bracketed(line: str) -> str | None:
    start, end = line.find("["), line.rfind("]")
    return line[start + 1 : end] if 0 <= start < end else None


def _box(numbers: Sequence[str]) -> Box | None:
    try:
        x1, y1, x2, y2 = map(float, numbers)
    except ValueError:
        return None
    return x1, y1, x2, y2
