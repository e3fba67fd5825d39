"""How far two boxes overlap."""

from __future__ import annotations

import math
from typing import TypeAlias

Box: TypeAlias = tuple[float, float, float, float]
"""x1, y1, x2, y2."""
THRESHOLDS = (0.1, 0.3, 0.5, 0.7, 0.9)
"""Of the overlap, from which accuracies count."""


def iou(a: Box, b: Box) -> float:
    """Intersection over union, in [0, 1].

    0 where a box is empty, turned over, or not finite: the releases divide by zero there, or average NaN.
    """
    width = min(a[2], b[2]) - max(a[0], b[0])
    height = min(a[3], b[3]) - max(a[1], b[1])
    if not (width > 0 and height > 0):
        return 0.0
    intersection = width * height
    ratio = intersection / (_area(a) + _area(b) - intersection or math.inf)
    return ratio if math.isfinite(ratio) else 0.0


def _area(box: Box) -> float:
    return (box[2] - box[0]) * (box[3] - box[1])
