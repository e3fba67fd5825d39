"""Laser scans in .e57, by pye57. Source: ASTM E2807."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tellurion_client.clouds.cloud import CHUNK, Cloud, check_count, check_whole, shades
from tellurion_core.errors import InvalidInput

CARTESIAN = ("cartesianX", "cartesianY", "cartesianZ")
SPHERICAL = ("sphericalRange", "sphericalAzimuth", "sphericalElevation")
INVALID = {CARTESIAN: "cartesianInvalidState", SPHERICAL: "sphericalInvalidState"}
COLOURS = ("colorRed", "colorGreen", "colorBlue")


def e57_chunks(path: Path, field: str, most: int) -> Iterator[Cloud]:
    """The points of all scans in parts, each at its scan's pose, those that are marked as invalid left out.

    They have colours where all scans have. Raises InvalidInput of more than `most`, and of a scan without positions.
    """
    from pye57 import ScanHeader, libe57

    image = libe57.ImageFile(str(path), "r")
    scans = ScanHeader.from_data3d(image.root()["data3D"])
    check_count(sum(scan.point_count for scan in scans), most, field)
    coloured = all(set(COLOURS) <= set(scan.point_fields) and _white(scan) > 0 for scan in scans)
    for scan in scans:
        places = next((names for names in (CARTESIAN, SPHERICAL) if set(names) <= set(scan.point_fields)), None)
        if places is None:
            received = f"a scan of {', '.join(scan.point_fields)}"
            raise InvalidInput.of(field, received=received, accepted="cartesian or spherical positions")
        wanted = [*places, *(COLOURS if coloured else ()), INVALID[places]]
        columns = {name: np.empty(CHUNK) for name in wanted if name in scan.point_fields}
        buffers = libe57.VectorSourceDestBuffer()
        for name, column in columns.items():
            buffers.append(libe57.SourceDestBuffer(image, name, column, CHUNK, True, True))
        reader, read = scan.points.reader(buffers), 0
        full = _white(scan)
        while count := reader.read():
            read += count
            part = {name: column[:count] for name, column in columns.items()}
            valid = part.get(INVALID[places], np.zeros(count)) == 0
            points = _posed(_places(part, places)[valid], scan)
            yield Cloud(points, _colours(part, full, field)[valid] if coloured else None)
        reader.close()  # an image has one at a time
        check_whole(read, scan.point_count, "points", field)


def _places(part: dict[str, NDArray[np.float64]], names: tuple[str, ...]) -> NDArray[np.float64]:
    """[N, 3] in the coordinates of the scan."""
    first, second, third = (part[name] for name in names)
    if names is CARTESIAN:
        return np.stack([first, second, third], axis=1)
    level = first * np.cos(third)
    return np.stack([level * np.cos(second), level * np.sin(second), first * np.sin(third)], axis=1)


def _posed(points: NDArray[np.float64], scan: Any) -> NDArray[np.float64]:
    """In the coordinates of the file: turned by the pose's unit quaternion, then moved."""
    if not scan.has_pose():
        return points
    pose = scan["pose"]
    if pose.isDefined("rotation"):
        w, *axis = (pose["rotation"][name].value() for name in "wxyz")
        twice = 2 * np.cross(axis, points)
        points = points + w * twice + np.cross(axis, twice)
    if pose.isDefined("translation"):
        points = points + [pose["translation"][name].value() for name in "xyz"]
    return points


def _white(scan: Any) -> float:
    """What full light is."""
    if "colorLimits" not in scan.scan_fields:
        return 255.0
    return float(max(scan["colorLimits"][f"{name}Maximum"].value() for name in COLOURS))


def _colours(part: dict[str, NDArray[np.float64]], full: float, field: str) -> NDArray[np.uint8]:
    values = np.stack([part[name] for name in COLOURS], axis=1)
    if not ((values >= 0) & (values <= full)).all():
        received = f"colours from {values.min():g} to {values.max():g}"
        raise InvalidInput.of(field, received=received, accepted=f"from 0 to {full:g}, their limit")
    return shades(values, full)
