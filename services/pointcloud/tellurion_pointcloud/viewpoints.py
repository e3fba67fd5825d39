"""Clouds in the unit ball as a camera sees them, and where in its picture places are."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tellurion_pointcloud.views import ball_camera, ball_pose, specks, view

Floats = NDArray[np.floating[Any]]


@dataclass(frozen=True)
class Viewpoint:
    """A direction from which a camera sees the unit ball fill its picture."""

    azimuth: float
    """Degrees from x towards y."""
    elevation: float
    """Degrees above the horizon."""

    def picture(self, points: Floats, colours: NDArray[np.uint8], radius: float, side: int) -> NDArray[np.uint8]:
        """[side, side, 3] of points [N, 3] with colours [N, 3], each a small body of this radius, on white."""
        return view(*specks(points, colours, radius), self._direction(), side)

    def places(self, points: Floats, side: int) -> NDArray[np.float64]:
        """[…, 2] columns and rows of points […, 3] in a picture of this side, as matplotlib counts them."""
        pose = ball_pose(self._direction())
        seen = (points @ pose[:3, :3].T + pose[:3, 3]) @ ball_camera(side).T
        return seen[..., :2] / seen[..., 2:] - 0.5  # its first pixel's centre is at 0

    def _direction(self) -> NDArray[np.float64]:
        around, above = math.radians(self.azimuth), math.radians(self.elevation)
        flat = math.cos(above)
        return np.array([flat * math.cos(around), flat * math.sin(around), math.sin(above)])
