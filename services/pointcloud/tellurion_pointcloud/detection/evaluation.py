"""How well a detector finds what stands in rooms, with intervals over the furniture that was held out."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from tellurion_core.errors import InvalidInput
from tellurion_core.progress import Progress
from tellurion_pointcloud import clouds
from tellurion_pointcloud.detection.average_precision import (
    THRESHOLDS,
    Detections,
    Matches,
    Objects,
    matches,
    mean_average_precision,
)
from tellurion_pointcloud.detection.detector import Detector
from tellurion_pointcloud.downstream.intervals import Interval, drawn, interval
from tellurion_pointcloud.rooms import Rooms

BATCH = 8
RESAMPLES = 1000


@dataclass(frozen=True, eq=False)
class Evaluation:
    """Detections in rooms, matched with what stands there."""

    matched: dict[float, list[Matches]]
    """Of each class, by threshold."""
    groups: NDArray[np.int64]
    """[objects of all rooms] group of near-duplicates."""

    def average_precision(self, threshold: float) -> float:
        """The mean over classes."""
        return mean_average_precision(self.matched[threshold])

    def of_classes(self, threshold: float) -> list[float]:
        """Of each class; nan for one that stands in no room."""
        return [each.average_precision() for each in self.matched[threshold]]

    def resampled(self, threshold: float, seed: int = 0, resamples: int = RESAMPLES) -> NDArray[np.float64]:
        """[R] means over classes when groups are drawn with replacement.

        Two detectors evaluated in the same rooms meet the same draws, so that their differences are paired.
        """
        names, which = np.unique(self.groups, return_inverse=True)
        random = np.random.default_rng(seed)
        times = drawn(random, len(names), resamples)
        return np.array([mean_average_precision(self.matched[threshold], row[which]) for row in times])

    def interval(self, threshold: float) -> Interval:
        """The mean over classes, and the quantiles of the resampled ones."""
        return interval(self.average_precision(threshold), self.resampled(threshold))


def evaluated(found: Sequence[Detections], rooms: Rooms) -> Evaluation:
    """Detections in each of the rooms, compared with the boxes along the rooms' axes.

    Raises InvalidInput unless there are detections for each room.
    """
    truth = [Objects(rooms.aligned(room), rooms.kinds[room][rooms.objects(room)]) for room in range(len(rooms))]
    groups = rooms.groups[rooms.kinds >= 0]
    return Evaluation({each: matches(found, truth, len(rooms.classes), each) for each in THRESHOLDS}, groups)


def detected(detector: Detector, rooms: Rooms, report: Progress = lambda *_: None) -> list[Detections]:
    """What is found in each room, of as many of its points as the detector reads, sampled as scenes are served.

    Raises InvalidInput where the detector's classes are not those of the rooms.
    """
    if tuple(rooms.classes) != detector.spec.classes:
        accepted = f"the rooms' classes {', '.join(rooms.classes)}"
        raise InvalidInput.of("detector", received=", ".join(detector.spec.classes), accepted=accepted)
    found: list[Detections] = []
    for first in range(0, len(rooms), BATCH):
        report(first / len(rooms), f"looking into room {first + 1} of {len(rooms)}")
        batch = slice(first, min(first + BATCH, len(rooms)))
        points, colours = rooms.points[batch], rooms.colours[batch]
        chosen = np.stack([clouds.resampled(each, detector.spec.points)[0] for each in points])[..., None]
        found += detector.detect(np.take_along_axis(points, chosen, 1), np.take_along_axis(colours, chosen, 1))
    return found
