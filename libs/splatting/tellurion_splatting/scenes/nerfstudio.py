"""Cameras in nerfstudio's transforms.json: camera to world, OpenGL's camera axes, one file for a scene.

Source: nerfstudio's documentation of its data conventions; the older `camera_angle_x` of NeRF's scenes is understood.
"""

from __future__ import annotations

import math
from collections import ChainMap
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tellurion_core.errors import InvalidInput
from tellurion_splatting.files.bounds import MAX_JSON_BYTES, file_bytes, inside, parsed_json
from tellurion_splatting.scenes.cameras import OPENGL_AXES, Cameras, intrinsic
from tellurion_splatting.scenes.images import SUFFIXES, image_size
from tellurion_splatting.scenes.posed import Photograph, cameras_of, check_undistorted

FILE = "transforms.json"
PINHOLES = ("PINHOLE", "SIMPLE_PINHOLE", "OPENCV", "SIMPLE_RADIAL", "RADIAL", "perspective")
"""Camera models that are pinholes once their distortion is zero."""
DISTORTION = ("k1", "k2", "k3", "k4", "k5", "k6", "p1", "p2")


@dataclass(frozen=True, eq=False)
class Transforms:
    """What a transforms.json says."""

    cameras: Cameras
    """Sorted by the path of the image."""
    images: tuple[str, ...]
    """[C] paths relative to the file's folder."""
    points: str | None
    """Path of the sparse points, relative to the file's folder."""


def read_transforms(path: Path) -> Transforms:
    """Cameras from a transforms.json, its images not opened where it tells their size.

    Raises InvalidInput naming what is missing, of another kind, distorted, or outside the folder.
    """
    field, folder = path.name, path.parent
    meta = parsed_json(file_bytes(path, field, MAX_JSON_BYTES), field)
    frames = meta.get("frames")
    if not isinstance(frames, list) or not all(isinstance(frame, dict) for frame in frames):
        raise InvalidInput.of(f"{field}.frames", received=frames, accepted="a list of objects")
    views = [_view(ChainMap(frame, meta), folder, f"{field}.frames[{i}]") for i, frame in enumerate(frames)]
    points = meta.get("ply_file_path")
    if points is not None and not isinstance(points, str):
        raise InvalidInput.of(f"{field}.ply_file_path", received=points, accepted="a path")
    return Transforms(*cameras_of(views), points)


def transforms(cameras: Cameras, images: list[str], points: str | None = None) -> dict[str, Any]:
    """The object of a transforms.json, ready for `json.dumps`."""
    poses = np.linalg.inv(cameras.viewmats) @ OPENGL_AXES
    frames = [
        {
            "file_path": image,
            **{"fl_x": K[0, 0], "fl_y": K[1, 1], "cx": K[0, 2], "cy": K[1, 2]},
            "transform_matrix": pose.tolist(),
        }
        for image, pose, K in zip(images, poses, cameras.intrinsics, strict=True)
    ]
    meta = {"camera_model": "PINHOLE", "w": cameras.width, "h": cameras.height, "frames": frames}
    return meta if points is None else {**meta, "ply_file_path": points}


def _view(frame: Mapping[str, Any], folder: Path, field: str) -> Photograph:
    name = frame.get("file_path")
    if not isinstance(name, str) or not name:
        raise InvalidInput.of(f"{field}.file_path", received=name, accepted="a path relative to the folder")
    image = _image(folder, name, f"{field}.file_path")
    if (model := frame.get("camera_model", "PINHOLE")) not in PINHOLES:
        raise InvalidInput.of(f"{field}.camera_model", received=model, accepted=", ".join(PINHOLES))
    check_undistorted({key: _number(frame, key, field) for key in DISTORTION if key in frame}, field)
    if "w" in frame and "h" in frame:
        width, height = (_whole(frame, key, field) for key in ("w", "h"))
    else:
        width, height = image_size(inside(folder, image, f"{field}.file_path"))
    viewmat = np.linalg.inv(_pose(frame.get("transform_matrix"), f"{field}.transform_matrix") @ OPENGL_AXES)
    return Photograph(image, viewmat, _intrinsic(frame, width, height, field), width, height)


def _image(folder: Path, name: str, field: str) -> str:
    """The image's path relative to the folder; NeRF's synthetic scenes leave the suffix out."""
    inside(folder, name, field)
    name = PurePosixPath(name).as_posix()
    if not name.lower().endswith(SUFFIXES):
        name = next((found for suffix in SUFFIXES if (folder / (found := name + suffix)).exists()), name)
    return name


def _pose(value: object, field: str) -> NDArray[np.float64]:
    accepted = "[4, 4] from camera to world, rigid"
    rows = value if isinstance(value, list) and all(isinstance(row, list) and len(row) == 4 for row in value) else []
    if len(rows) not in (3, 4) or not all(_is_number(number) for row in rows for number in row):
        raise InvalidInput.of(field, received=value, accepted=accepted)
    pose = np.array(rows, np.float64)
    if len(pose) == 3:
        pose = np.vstack([pose, [0, 0, 0, 1]])
    if abs(np.linalg.det(pose)) < 1e-6:
        raise InvalidInput.of(field, received=value, accepted=accepted)
    return pose


def _intrinsic(frame: Mapping[str, Any], width: int, height: int, field: str) -> NDArray[np.float64]:
    if "fl_x" in frame:
        fx = _number(frame, "fl_x", field)
    elif "camera_angle_x" in frame:
        angle = _number(frame, "camera_angle_x", field)
        if not 0 < angle < math.pi:
            raise InvalidInput.of(f"{field}.camera_angle_x", received=angle, accepted="between 0 and π")
        fx = width / 2 / math.tan(angle / 2)
    else:
        raise InvalidInput.of(f"{field}.fl_x", received="nothing", accepted="fl_x in pixels, or camera_angle_x")
    fy = _number(frame, "fl_y", field) if "fl_y" in frame else fx
    cx = _number(frame, "cx", field) if "cx" in frame else width / 2
    cy = _number(frame, "cy", field) if "cy" in frame else height / 2
    return intrinsic(fx, fy, cx, cy)


def _number(frame: Mapping[str, Any], key: str, field: str) -> float:
    value = frame[key]
    if not _is_number(value):
        raise InvalidInput.of(f"{field}.{key}", received=value, accepted="a finite number")
    return float(value)


def _whole(frame: Mapping[str, Any], key: str, field: str) -> int:
    value = _number(frame, key, field)
    if not value.is_integer():
        raise InvalidInput.of(f"{field}.{key}", received=value, accepted="whole pixels")
    return int(value)


def _is_number(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and abs(value) < 1e15
