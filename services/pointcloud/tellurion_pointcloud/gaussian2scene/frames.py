"""An RGB-D view of a scene: a colour and a depth image, and the pinhole camera that took both."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tellurion_core.errors import InvalidInput
from tellurion_splatting.pinhole import MAX_PIXELS, PINHOLE, is_pinhole

ORTHONORMAL = 1e-4
"""How far a rotation's R Rᵀ may be from the identity: poses are published with six digits or so."""


@dataclass(frozen=True, eq=False)
class Frame:
    """A view; pixel (row, column) is seen at (column + ½, row + ½), axes are OpenCV's: x right, y down, z ahead.

    Raises InvalidInput naming what does not fit: shapes, a camera matrix that is no pinhole's or whose principal point
    is not in the image, depths below zero or not finite, a pose that is not rigid.
    """

    colour: NDArray[np.uint8]
    """[H, W, 3]."""
    depth: NDArray[np.floating[Any]]
    """[H, W] metres along the camera's axis, 0 where there is none."""
    K: NDArray[np.floating[Any]]
    """[3, 3] pixels."""
    world_to_camera: NDArray[np.floating[Any]]
    """[4, 4] metres."""

    def __post_init__(self) -> None:
        colour, depth, K, pose = self.colour, self.depth, self.K, self.world_to_camera
        if (
            colour.ndim != 3
            or colour.shape[2] != 3
            or colour.dtype != np.uint8
            or not 0 < colour.size <= 3 * MAX_PIXELS
        ):
            received = f"{colour.dtype} {list(colour.shape)}"
            raise InvalidInput.of("colour", received=received, accepted=f"uint8 [H, W, 3], at most {MAX_PIXELS} pixels")
        height, width = colour.shape[:2]
        if depth.shape != (height, width):
            accepted = f"[{height}, {width}], the shape of colour"
            raise InvalidInput.of("depth", received=f"shape {list(depth.shape)}", accepted=accepted)
        if wrong := int(np.count_nonzero(~(np.isfinite(depth) & (depth >= 0)))):
            accepted = "finite depths in metres, 0 where there is none"
            raise InvalidInput.of("depth", received=f"{wrong} values below 0 or not finite", accepted=accepted)
        if K.shape != (3, 3) or not is_pinhole(K):
            raise InvalidInput.of("K", received=K.tolist(), accepted=PINHOLE)
        if not (0 < K[0, 2] < width and 0 < K[1, 2] < height):
            accepted = f"a principal point in the image, {width} × {height} pixels"
            raise InvalidInput.of("K", received=f"({K[0, 2]:g}, {K[1, 2]:g})", accepted=accepted)
        if pose.shape != (4, 4) or not np.isfinite(pose).all() or not _is_rigid(pose):
            accepted = "a finite world-to-camera matrix [4, 4]: a rotation, a translation, last row 0 0 0 1"
            raise InvalidInput.of("world_to_camera", received=pose.tolist(), accepted=accepted)

    def points(self) -> tuple[NDArray[np.float64], NDArray[np.uint8]]:
        """Places [N, 3] in the world and colours [N, 3] of the pixels that have a depth."""
        row, column = np.mgrid[: self.depth.shape[0], : self.depth.shape[1]]
        depth = self.depth[row, column].astype(np.float64)
        ahead = depth > 0
        x = (column[ahead] + 0.5 - self.K[0, 2]) / self.K[0, 0]
        y = (row[ahead] + 0.5 - self.K[1, 2]) / self.K[1, 1]
        seen = np.stack([x, y, np.ones_like(x)], -1) * depth[ahead, None]
        rotation, translation = self.world_to_camera[:3, :3], self.world_to_camera[:3, 3]
        return (seen - translation) @ rotation, self.colour[row, column][ahead]


def _is_rigid(pose: NDArray[np.floating[Any]]) -> bool:
    rotation = pose[:3, :3].astype(np.float64)
    close = np.abs(rotation @ rotation.T - np.eye(3)).max() <= ORTHONORMAL
    return bool(close and np.linalg.det(rotation) > 0 and np.array_equal(pose[3], [0, 0, 0, 1]))
