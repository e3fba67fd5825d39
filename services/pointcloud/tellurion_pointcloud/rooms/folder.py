"""A folder of rooms, mapped into memory."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.lib.format import open_memmap
from numpy.typing import NDArray

from tellurion_core.errors import InvalidInput
from tellurion_pointcloud.boxes import Boxes
from tellurion_pointcloud.gaussian2scene.frames import Frame
from tellurion_pointcloud.rooms.seen import Room

MOST_OBJECTS = 16
"""Of a composed room."""
ARRAYS: dict[str, tuple[type, tuple[str | int, ...]]] = {
    "points": (np.float32, ("R", "N", 3)),
    "colours": (np.uint8, ("R", "N", 3)),
    "pictures": (np.uint8, ("R", "V", "H", "W", 3)),
    "depths": (np.float32, ("R", "V", "H", "W")),
    "intrinsics": (np.float64, ("R", "V", 3, 3)),
    "world_to_camera": (np.float64, ("R", "V", 4, 4)),
    "boxes": (np.float64, ("R", "M", 7)),
    "bounds": (np.float64, ("R", "M", 6)),
    "kinds": (np.int64, ("R", "M")),
    "groups": (np.int64, ("R", "M")),
}
"""Type and axes of each file; an axis of one name has one length."""


@dataclass(frozen=True, eq=False)
class Rooms:
    """R rooms, each with N points, V views and up to M objects."""

    points: NDArray[np.float32]
    """[R, N, 3] metres, z up."""
    colours: NDArray[np.uint8]
    """[R, N, 3]."""
    pictures: NDArray[np.uint8]
    """[R, V, H, W, 3]."""
    depths: NDArray[np.float32]
    """[R, V, H, W] metres, 0 for none."""
    intrinsics: NDArray[np.float64]
    """[R, V, 3, 3] pixels."""
    world_to_camera: NDArray[np.float64]
    """[R, V, 4, 4] metres."""
    boxes: NDArray[np.float64]
    """[R, M, 7] centre, size along the object's axes, yaw."""
    bounds: NDArray[np.float64]
    """[R, M, 6] centre and size along the room's axes."""
    kinds: NDArray[np.int64]
    """[R, M] of `classes`, −1 where there is no object."""
    groups: NDArray[np.int64]
    """[R, M] of `group_names`, −1 where there is no object."""
    classes: Sequence[str]
    group_names: Sequence[str]
    """Of near-duplicates among the models."""
    source: str
    """What made them, for model cards."""

    def __len__(self) -> int:
        return len(self.points)

    @classmethod
    def open(cls, path: Path) -> Rooms:
        """Maps a folder that `write` made. Raises InvalidInput for one that it did not."""
        try:
            about = json.loads((path / "about.json").read_text())
            arrays = {name: np.load(path / f"{name}.npy", mmap_mode="r") for name in ARRAYS}
            rooms = cls(**arrays, classes=about["classes"], group_names=about["groups"], source=about["source"])
        except (OSError, ValueError, KeyError, TypeError) as error:
            raise InvalidInput.of("rooms", received=path.name, accepted="a folder of rooms") from error
        lengths: dict[str | int, int] = {3: 3, 4: 4, 6: 6, 7: 7}
        for name, (kind, axes) in ARRAYS.items():
            array = arrays[name]
            expected = tuple(lengths.setdefault(axis, length) for axis, length in zip(axes, array.shape, strict=False))
            if array.dtype != kind or array.shape != expected or array.ndim != len(axes):
                received = f"{name}, {array.dtype} {list(array.shape)}"
                raise InvalidInput.of("rooms", received=received, accepted=f"{np.dtype(kind)} {list(axes)}")
        if rooms.kinds.max(initial=-1) >= len(rooms.classes) or rooms.groups.max(initial=-1) >= len(rooms.group_names):
            raise InvalidInput.of("rooms", received="numbers without a name", accepted="names of all kinds and groups")
        return rooms

    def digest(self) -> str:
        """SHA-256 of the rooms' points, lower-case hexadecimal."""
        return hashlib.sha256(np.ascontiguousarray(self.points).data).hexdigest()

    def objects(self, index: int) -> NDArray[np.intp]:
        """Columns of a room that hold an object."""
        return np.flatnonzero(self.kinds[index] >= 0)

    def aligned(self, index: int) -> Boxes:
        """The boxes of a room's objects along the room's axes."""
        bounds = self.bounds[index][self.objects(index)]
        return Boxes.aligned(bounds[:, :3], bounds[:, 3:])

    def frames(self, index: int) -> list[Frame]:
        """A room's views."""
        views = (self.pictures, self.depths, self.intrinsics, self.world_to_camera)
        return [Frame(*view) for view in zip(*(np.asarray(each[index]) for each in views), strict=True)]


def write(
    path: Path, rooms: Iterable[Room], count: int, classes: Sequence[str], source: str, *, most: int = MOST_OBJECTS
) -> None:
    """Writes `count` rooms of up to `most` objects into a new folder.

    Raises InvalidInput for fewer rooms, or a room with more objects.
    """
    path.mkdir()
    arrays: dict[str, np.memmap[Any, Any]] = {}
    groups: dict[str, int] = {}
    index = -1
    for index, room in enumerate(rooms):
        row = _row(room, groups, most)
        for name, value in row.items():
            if index == 0:
                arrays[name] = open_memmap(path / f"{name}.npy", "w+", ARRAYS[name][0], (count, *value.shape))
            arrays[name][index] = value
    if index + 1 != count:
        raise InvalidInput.of("rooms", received=index + 1, accepted=f"{count}")
    for array in arrays.values():
        array.flush()
    about = {"classes": list(classes), "groups": list(groups), "source": source}
    (path / "about.json").write_text(json.dumps(about))


def _row(room: Room, groups: dict[str, int], most: int) -> dict[str, NDArray[Any]]:
    """A room's part of each array; names of groups that are new are added."""
    numbers = [groups.setdefault(group, len(groups)) for group in room.groups]
    boxes = np.column_stack([room.boxes.centres, room.boxes.sizes, room.boxes.yaw])
    bounds = np.column_stack([room.bounds.centres, room.bounds.sizes])
    return {
        "points": room.points,
        "colours": room.colours,
        "pictures": np.stack([frame.colour for frame in room.frames]),
        "depths": np.stack([frame.depth for frame in room.frames]),
        "intrinsics": np.stack([frame.K for frame in room.frames]),
        "world_to_camera": np.stack([frame.world_to_camera for frame in room.frames]),
        "boxes": _filled(boxes, 0, most),
        "bounds": _filled(bounds, 0, most),
        "kinds": _filled(room.kinds, -1, most),
        "groups": _filled(np.array(numbers, np.int64), -1, most),
    }


def _filled(values: NDArray[Any], empty: int, most: int) -> NDArray[Any]:
    """[most, …] of values [M, …]."""
    if len(values) > most:
        raise InvalidInput.of("objects", received=len(values), accepted=f"at most {most} in a room")
    rows = np.full((most, *values.shape[1:]), empty, values.dtype)
    rows[: len(values)] = values
    return rows
