"""Views of SUN RGB-D in the layout of its SUNRGBD.zip.

    kv1/NYUdata/NYU0001/
      image/*.jpg  depth/*.png       of one size; depths in millimetres, their bits turned by 3
      intrinsics.txt                 3 × 3, pixels counted from 1
      extrinsics/*.txt               3 × 4, of which the rotation levels the camera
      annotation3Dfinal/index.json   boxes: corners X, Z seen from above, Ymin and Ymax downwards

Source: Song, Lichtenberg and Xiao 2015, and readframeSUNRGBD.m and read3dPoints.m of its toolbox.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tellurion_core.errors import InvalidInput
from tellurion_pointcloud.boxes import Boxes
from tellurion_pointcloud.gaussian2scene.frames import Frame
from tellurion_pointcloud.rooms.published import colour_image, kind_of, numbers, raw_depth, read_json, small
from tellurion_pointcloud.rooms.seen import POINTS, Room

FARTHEST = 8.0
"""Metres; the toolbox cuts off what is said to be farther."""
UPRIGHT = np.array([[1.0, 0, 0], [0, 0, 1], [0, -1, 0]])
"""From the camera's axes, x right, y down, z ahead, to the world's: x right, y ahead, z up."""


def read_sun_rgbd(folder: Path, random: np.random.Generator) -> Room:
    """A view's cloud, POINTS of it drawn by `random`, and its objects. Raises InvalidInput for another folder."""
    colour, raw = colour_image(_only(folder, "image/*.jpg")), raw_depth(_only(folder, "depth/*.png"))
    depth = np.minimum(((raw >> 3) | (raw << 13)).astype(np.float32) / 1000, FARTHEST)
    K = numbers(folder / "intrinsics.txt", (3, 3))
    K[:2, 2] -= 0.5  # a pixel's centre is a whole number there, a half here
    pose = np.eye(4)
    pose[:3, :3] = (UPRIGHT @ numbers(_only(folder, "extrinsics/*.txt"), (3, 4))[:, :3]).T
    frame = Frame(colour, depth, K, pose)
    points, colours = frame.points()
    if not len(points):
        raise InvalidInput.of("depth", received="no depths", accepted="a view of something")
    chosen = random.choice(len(points), POINTS, replace=len(points) < POINTS)
    kinds, boxes = read_json(folder / "annotation3Dfinal" / "index.json", _objects)
    names = [folder.name] * len(kinds)
    return Room(points[chosen].astype(np.float32), colours[chosen], [small(frame)], boxes, boxes.around(), kinds, names)


def _objects(annotation: Any) -> tuple[NDArray[np.int64], Boxes]:
    kinds, rows = [], []
    for each in annotation["objects"]:
        if not each or not each["polygon"] or (kind := kind_of(each["name"].partition(":")[0])) < 0:
            continue
        box = each["polygon"][0]
        corners = np.array([box["X"], box["Z"]], np.float64).T[:4]
        across, along = corners[1] - corners[0], corners[2] - corners[1]
        bottom, top = sorted((-float(box["Ymin"]), -float(box["Ymax"])))
        size = np.linalg.norm(across), np.linalg.norm(along), top - bottom
        rows.append([*(corners[0] + corners[2]) / 2, (bottom + top) / 2, *size, np.arctan2(across[1], across[0])])
        kinds.append(kind)
    table = np.array(rows, np.float64).reshape(-1, 7)
    return np.array(kinds, np.int64), Boxes(table[:, :3], table[:, 3:6], table[:, 6])


def _only(folder: Path, pattern: str) -> Path:
    """The last of the files, as the toolbox takes it."""
    found = sorted(folder.glob(pattern))
    if not found:
        raise InvalidInput.of(pattern, received="no such file", accepted=f"one in {folder.name}")
    return found[-1]
