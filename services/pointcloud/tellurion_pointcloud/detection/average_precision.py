"""Average precision of detected boxes at a threshold of their overlap: AP25, AP50.

Detections of a class, over all scenes, are taken from the highest score to the lowest. Each goes to the object of its
class and scene that it overlaps most: it is a hit where the overlap exceeds the threshold and no earlier one took the
object. The average precision is the whole area under the precision that is still reached at a recall or beyond.

Source: Everingham et al. 2010 (VOC, areas since that year); Qi et al. 2019 (VoteNet), for boxes in 3D.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tellurion_core.errors import InvalidInput
from tellurion_pointcloud.boxes import Boxes, overlap

THRESHOLDS = (0.25, 0.5)


@dataclass(frozen=True, eq=False)
class Objects:
    """What is in a scene. Raises InvalidInput where there is not one class for each box."""

    boxes: Boxes
    classes: NDArray[np.integer[Any]]
    """[M] indices of classes."""

    def __post_init__(self) -> None:
        _one_each("classes", self.classes, self.boxes)


@dataclass(frozen=True, eq=False)
class Detections:
    """What was found in a scene. Raises InvalidInput where there is not one class and one score for each box."""

    boxes: Boxes
    classes: NDArray[np.integer[Any]]
    """[M] indices of classes."""
    scores: NDArray[np.floating[Any]]
    """[M] the higher the surer."""

    def __post_init__(self) -> None:
        _one_each("classes", self.classes, self.boxes)
        _one_each("scores", self.scores, self.boxes)
        if np.isnan(self.scores).any():
            raise InvalidInput.of("scores", received="nan", accepted="numbers")


@dataclass(frozen=True, eq=False)
class Matches:
    """The detections of one class over all scenes, surest first, and the objects that they went to."""

    hits: NDArray[np.bool_]
    """[D] whether each found its object."""
    objects: NDArray[np.intp]
    """[D] index, over the objects of all scenes, of the one that each overlaps most; −1 where it overlaps none."""
    of_class: NDArray[np.intp]
    """[T] indices of the class's objects."""

    def average_precision(self, weights: NDArray[np.floating[Any]] | None = None) -> float:
        """The area; nan where there is no object.

        `weights` [objects of all scenes] say how often each object counts, and with it the detections that went to
        it: whole numbers are the objects of a bootstrap's sample. Detections that overlap nothing count once.
        """
        weight = np.ones(self.objects.max(initial=self.of_class.max(initial=0)) + 1) if weights is None else weights
        total = weight[self.of_class].sum()
        if total == 0:
            return float("nan")
        counted = np.where(self.objects < 0, 1.0, weight[self.objects])
        found = np.cumsum(counted * self.hits)
        precision = np.divide(found, np.cumsum(counted), out=np.zeros_like(found), where=found > 0)
        reached = np.maximum.accumulate(precision[::-1])[::-1]
        return float(np.sum(np.diff(found, prepend=0.0) * reached) / total)


def matches(found: Sequence[Detections], truth: Sequence[Objects], classes: int, threshold: float) -> list[Matches]:
    """The matches of each class; `found` and `truth` are of the same scenes.

    Equal scores keep the order of scenes and of detections in them.
    """
    if len(found) != len(truth):
        raise InvalidInput.of("found", received=f"{len(found)} scenes", accepted=f"{len(truth)} scenes, as in truth")
    first = np.cumsum([0, *(len(scene.boxes) for scene in truth)])
    overlaps = [overlap(a.boxes, b.boxes) for a, b in zip(found, truth, strict=True)]
    every = np.concatenate([scene.classes for scene in truth]) if truth else np.zeros(0, int)
    return [
        _matches_of(number, found, truth, overlaps, first, np.flatnonzero(every == number), threshold)
        for number in range(classes)
    ]


def mean_average_precision(per_class: Sequence[Matches], weights: NDArray[np.floating[Any]] | None = None) -> float:
    """The mean over the classes that have objects; nan where none has."""
    areas = np.array([each.average_precision(weights) for each in per_class])
    return float(areas[~np.isnan(areas)].mean()) if not np.isnan(areas).all() else float("nan")


def _matches_of(
    number: int,
    found: Sequence[Detections],
    truth: Sequence[Objects],
    overlaps: Sequence[NDArray[np.float64]],
    first: NDArray[np.intp],
    of_class: NDArray[np.intp],
    threshold: float,
) -> Matches:
    scores, best, largest = [], [], []
    for scene, (detections, objects) in enumerate(zip(found, truth, strict=True)):
        ours, theirs = np.flatnonzero(detections.classes == number), np.flatnonzero(objects.classes == number)
        among = overlaps[scene][np.ix_(ours, theirs)]
        most = among.max(1, initial=0.0)
        index = np.full(len(ours), -1)
        if len(theirs):
            index = np.where(most > 0, first[scene] + theirs[among.argmax(1)], -1)
        scores.append(detections.scores[ours])
        best.append(index)
        largest.append(most)
    order = np.argsort(-np.concatenate(scores), kind="stable") if scores else np.zeros(0, int)
    best_of, sure = (np.concatenate(parts)[order] if parts else np.zeros(0) for parts in (best, largest))
    hits = np.zeros(len(order), bool)
    near = np.flatnonzero((sure > threshold) & (best_of >= 0))
    hits[near[np.unique(best_of[near], return_index=True)[1]]] = True  # the first that comes near takes the object
    return Matches(hits, best_of.astype(np.intp), of_class)


def _one_each(name: str, values: NDArray[Any], boxes: Boxes) -> None:
    if np.shape(values) != (len(boxes),):
        raise InvalidInput.of(name, received=f"shape {list(np.shape(values))}", accepted=f"shape [{len(boxes)}]")
