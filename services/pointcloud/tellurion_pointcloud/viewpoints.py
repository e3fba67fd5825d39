"""Clouds in the unit ball as a camera sees them, and where in its picture places are."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tellurion_pointcloud.views import DISTANCE, OVERSAMPLED, looking, normals, rasterise, shaded, specks

Floats = NDArray[np.floating[Any]]
LIGHT = np.array([-0.5, -0.7, -1.0])
"""Direction to the light in the camera's axes: over its left shoulder."""


@dataclass(frozen=True)
class Viewpoint:
    """A direction from which a camera sees the unit ball fill its picture."""

    azimuth: float
    """Degrees from x towards y."""
    elevation: float
    """Degrees above the horizon."""

    def picture(self, points: Floats, colours: NDArray[np.uint8], radius: float, side: int) -> NDArray[np.uint8]:
        """[side, side, 3] of points [N, 3] with colours [N, 3], each a small body of this radius, on white."""
        vertices, faces, face_colours = specks(points, colours, radius)
        pose, pixels = self._pose(), side * OVERSAMPLED
        lit = shaded(face_colours, normals(vertices, faces), pose[:3, :3].T @ LIGHT)
        drawn, _ = rasterise(vertices, faces, lit, _camera(pixels), pose, pixels, pixels)
        samples = drawn.reshape(side, OVERSAMPLED, side, OVERSAMPLED, 3)
        return np.round(samples.mean((1, 3))).astype(np.uint8)

    def places(self, points: Floats, side: int) -> NDArray[np.float64]:
        """[…, 2] columns and rows of points […, 3] in a picture of this side, as matplotlib counts them."""
        pose = self._pose()
        seen = (points @ pose[:3, :3].T + pose[:3, 3]) @ _camera(side).T
        return seen[..., :2] / seen[..., 2:] - 0.5  # its first pixel's centre is at 0

    def _pose(self) -> NDArray[np.float64]:
        around, above = math.radians(self.azimuth), math.radians(self.elevation)
        flat = math.cos(above)
        direction = np.array([flat * math.cos(around), flat * math.sin(around), math.sin(above)])
        return looking(DISTANCE * direction, np.zeros(3))


def _camera(side: int) -> NDArray[np.float64]:
    focal = side / 2 * math.sqrt(DISTANCE**2 - 1)
    return np.array([[focal, 0, side / 2], [0, focal, side / 2], [0, 0, 1]])
