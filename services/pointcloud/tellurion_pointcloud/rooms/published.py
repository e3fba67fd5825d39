"""What the published layouts of scanned rooms share: names of objects, files of numbers, views made small."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tellurion_core.errors import InvalidInput
from tellurion_pointcloud.gaussian2scene.frames import Frame
from tellurion_pointcloud.rooms.pieces import CLASSES
from tellurion_pointcloud.rooms.seen import HEIGHT, WIDTH
from tellurion_splatting.scenes.cameras import check_size
from tellurion_splatting.scenes.images import image_size, read_gray, read_image

NAMES = {
    "bed": "sofa or bed",
    "bookshelf": "cabinet",
    "cabinet": "cabinet",
    "chair": "chair",
    "coffee table": "table",
    "desk": "table",
    "dresser": "cabinet",
    "lamp": "plant or lamp",
    "night stand": "cabinet",
    "plant": "plant or lamp",
    "shelves": "cabinet",
    "sofa": "sofa or bed",
    "table": "table",
}
"""Class of a room's object, by its name in NYU40, ScanNet or SUN RGB-D."""
LARGEST_JSON = 1 << 28
"""Bytes."""


def kind_of(name: str) -> int:
    """The class of an object by its name, −1 for those that are not looked for."""
    merged = NAMES.get(name.strip().lower().replace("_", " "))
    return -1 if merged is None else CLASSES.index(merged)


def numbers(path: Path, shape: tuple[int, ...]) -> NDArray[np.float64]:
    """A text file of so many numbers. Raises InvalidInput for any other file."""
    try:
        return np.array(_text(path, 1 << 16).split(), np.float64).reshape(shape)
    except ValueError as error:
        raise InvalidInput.of(path.name, received="other text", accepted=f"numbers, {list(shape)}") from error


def read_json(path: Path, read: Callable[[Any], Any]) -> Any:
    """What `read` makes of the JSON in a file. Raises InvalidInput for another file."""
    try:
        return read(json.loads(_text(path, LARGEST_JSON)))
    except (ValueError, KeyError, TypeError, IndexError, AttributeError, RecursionError) as error:
        raise InvalidInput.of(path.name, received=type(error).__name__, accepted="JSON as it was published") from error


def colour_image(path: Path) -> NDArray[np.uint8]:
    """[H, W, 3] of an image. Raises InvalidInput where it is none, or too large."""
    check_size(*(size := image_size(path)))
    return np.round(read_image(path, size) * 255).astype(np.uint8)


def raw_depth(path: Path) -> NDArray[np.uint16]:
    """[H, W] of a 16-bit image. Raises InvalidInput where it is none, or too large."""
    check_size(*(size := image_size(path)))
    return np.round(read_gray(path, size).astype(np.float64) * 65535).astype(np.uint16)


def small(frame: Frame) -> Frame:
    """The view in WIDTH × HEIGHT pixels; each takes over the one that its centre is in."""
    height, width = frame.depth.shape
    row = ((np.arange(HEIGHT) + 0.5) * height / HEIGHT).astype(int)[:, None]
    column = ((np.arange(WIDTH) + 0.5) * width / WIDTH).astype(int)
    K = np.diag([WIDTH / width, HEIGHT / height, 1.0]) @ frame.K
    return Frame(frame.colour[row, column], frame.depth[row, column], K, frame.world_to_camera)


def _text(path: Path, largest: int) -> str:
    if not path.is_file() or path.stat().st_size > largest:
        raise InvalidInput.of(path.name, received="no such file, or a larger one", accepted=f"at most {largest} bytes")
    return path.read_text(errors="replace")
