"""Boxes that stand upright: their corners, the axis-aligned boxes round them, and the overlap of two."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tellurion_core.errors import InvalidInput
from tellurion_core.kernels import compiled

Floats = NDArray[np.float64]
LARGEST = 1e6
"""Metres that a coordinate, and a size, may have."""
FOOTPRINT = np.array([[-1.0, -1.0], [1.0, -1.0], [1.0, 1.0], [-1.0, 1.0]]) / 2
"""Corners of the unit square, counter-clockwise."""


@dataclass(frozen=True, eq=False)
class Boxes:
    """M boxes, turned about the vertical only.

    Raises InvalidInput where shapes do not fit, values are not finite or beyond ±1e6 m, or a size is negative.
    """

    centres: Floats
    """[M, 3] metres, z up."""
    sizes: Floats
    """[M, 3] metres along the box's own x, y, z."""
    yaw: Floats
    """[M] radians from the world's x to the box's, counter-clockwise seen from above."""

    def __post_init__(self) -> None:
        for name, shape in (("centres", (len(self), 3)), ("sizes", (len(self), 3)), ("yaw", (len(self),))):
            values = np.asarray(getattr(self, name), np.float64)
            object.__setattr__(self, name, values)
            if values.shape != shape:
                raise InvalidInput.of(f"boxes.{name}", received=list(values.shape), accepted=f"shape {list(shape)}")
            if not (np.abs(values) <= LARGEST).all():
                raise InvalidInput.of(f"boxes.{name}", received=values, accepted=f"finite values within ±{LARGEST:g}")
        if (self.sizes < 0).any():
            raise InvalidInput.of("boxes.sizes", received=self.sizes.min(), accepted="at least 0 m")

    def __len__(self) -> int:
        return len(self.centres)

    def __getitem__(self, chosen: Any) -> Boxes:
        """Those of an index array, a mask or a slice."""
        return Boxes(self.centres[chosen], self.sizes[chosen], self.yaw[chosen])

    @classmethod
    def aligned(cls, centres: Floats, sizes: Floats) -> Boxes:
        """Boxes [M, 3], [M, 3] along the world's axes."""
        return cls(centres, sizes, np.zeros(len(centres)))

    @classmethod
    def between(cls, lowest: Floats, highest: Floats) -> Boxes:
        """Boxes along the world's axes from one corner to the opposite one, [M, 3] each."""
        return cls.aligned((lowest + highest) / 2, highest - lowest)

    def footprints(self) -> Floats:
        """[M, 4, 2] corners seen from above, counter-clockwise."""
        cos, sin = np.cos(self.yaw), np.sin(self.yaw)
        turns = np.stack([np.stack([cos, sin], -1), np.stack([-sin, cos], -1)], 1)  # rows: the box's x, y
        return self.centres[:, None, :2] + (FOOTPRINT * self.sizes[:, None, :2]) @ turns

    def around(self) -> Boxes:
        """The smallest boxes along the world's axes that hold these."""
        corners, half = self.footprints(), self.sizes[:, 2:] / 2
        lowest = np.concatenate([corners.min(1), self.centres[:, 2:] - half], 1)
        return Boxes.between(lowest, np.concatenate([corners.max(1), self.centres[:, 2:] + half], 1))


def overlap(a: Boxes, b: Boxes) -> Floats:
    """[A, B] intersection over union of volumes; 0 where both are empty. Exact: footprints are clipped as polygons."""
    heights = _common(a.centres[:, 2], a.sizes[:, 2], b.centres[:, 2], b.sizes[:, 2])
    shared = _footprint_overlaps(a.footprints(), b.footprints()) * heights
    union = a.sizes.prod(1)[:, None] + b.sizes.prod(1) - shared
    return np.divide(shared, union, out=np.zeros_like(shared), where=union > 0)


def _common(a: Floats, a_length: Floats, b: Floats, b_length: Floats) -> Floats:
    """[A, B] length that intervals of these middles and lengths share."""
    highest = np.minimum((a + a_length / 2)[:, None], b + b_length / 2)
    return np.maximum(highest - np.maximum((a - a_length / 2)[:, None], b - b_length / 2), 0)


@compiled()
def _footprint_overlaps(a: Floats, b: Floats) -> Floats:
    """[A, B] areas that convex quadrilaterals [A, 4, 2] and [B, 4, 2] share.

    Source: Sutherland and Hodgman 1974: one is cut by each side of the other.
    """
    areas = np.zeros((len(a), len(b)))
    # eight corners would do, did rounding not let a line cross a side more than twice
    x, y, cut_x, cut_y = np.empty(64), np.empty(64), np.empty(64), np.empty(64)
    for i in range(len(a)):
        for j in range(len(b)):
            for corner in range(4):  # near the origin, where products lose least
                x[corner], y[corner] = a[i, corner, 0] - b[j, 0, 0], a[i, corner, 1] - b[j, 0, 1]
            count = 4
            for side in range(4):
                end = (side + 1) % 4
                from_x, from_y = b[j, side, 0] - b[j, 0, 0], b[j, side, 1] - b[j, 0, 1]
                along_x, along_y = b[j, end, 0] - b[j, side, 0], b[j, end, 1] - b[j, side, 1]
                kept = 0
                for here in range(count):
                    there = (here + 1) % count
                    left_here = along_x * (y[here] - from_y) - along_y * (x[here] - from_x)
                    left_there = along_x * (y[there] - from_y) - along_y * (x[there] - from_x)
                    if left_here >= 0:
                        cut_x[kept], cut_y[kept] = x[here], y[here]
                        kept += 1
                    if left_here * left_there < 0:
                        share = left_here / (left_here - left_there)
                        cut_x[kept] = x[here] + share * (x[there] - x[here])
                        cut_y[kept] = y[here] + share * (y[there] - y[here])
                        kept += 1
                count = kept
                for corner in range(count):
                    x[corner], y[corner] = cut_x[corner], cut_y[corner]
            area = 0.0
            for here in range(count):
                there = (here + 1) % count
                area += x[here] * y[there] - y[here] * x[there]
            areas[i, j] = max(area, 0.0) / 2
    return areas
