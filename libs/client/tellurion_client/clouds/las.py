"""Laser scans in .las and .laz, by laspy and lazrs. Source: ASPRS, LAS Specification 1.4 R15."""

from __future__ import annotations

import struct
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tellurion_client.clouds.cloud import CHUNK, Cloud, check_count, check_whole, shades, white

HEAD = struct.Struct("<94xHII")
"""Bytes of the header, where the points start, records in between."""
RECORD_BYTES = 54
"""Of a record without content."""


def las_chunks(path: Path, field: str, most: int) -> Iterator[Cloud]:
    """The points in parts; their scaled whole numbers become 64-bit floats.

    Raises InvalidInput of more than `most`, or fewer than the header says.
    """
    _check_records(path, field)
    with _opened(path) as file:
        head = file.header
        check_count(head.point_count, most, field)
        if not head.are_points_compressed:
            needed = head.offset_to_point_data + head.point_count * head.point_format.size
            check_whole(path.stat().st_size, needed, "bytes", field)
        full = _white(path, field) if "red" in head.point_format.dimension_names else 0.0
        read = 0
        for part in file.chunk_iterator(CHUNK):
            points = np.stack([np.asarray(axis, np.float64) for axis in (part.x, part.y, part.z)], axis=1)
            yield Cloud(points, shades(_colours(part), full) if full else None)
            read += len(points)
        check_whole(read, head.point_count, "points", field)


def _check_records(path: Path, field: str) -> None:
    """Refuses more records before the points than there is room for: laspy would look for each of them."""
    with path.open("rb") as file:
        head = file.read(HEAD.size)
    check_whole(len(head), HEAD.size, "bytes of a header", field)
    head_bytes, start, records = HEAD.unpack(head)
    check_whole(start - head_bytes, records * RECORD_BYTES, f"bytes of {records} records", field)


def _opened(path: Path) -> Any:
    import laspy

    # With threads it would reserve more memory than a damaged file may.
    return laspy.open(path, laz_backend=laspy.LazBackend.Lazrs, read_evlrs=False)


def _white(path: Path, field: str) -> float:
    """What full light is: known at the first point that is too bright for 8 bits, else after the last.

    0 where all are black: whoever has no colours leaves those of a format with colours so.
    """
    lit, scale = False, 255.0
    with _opened(path) as file:
        for part in file.chunk_iterator(CHUNK):
            colours = _colours(part)
            lit = lit or bool(colours.any())
            if (scale := white(colours, field)) > 255:
                break
    return scale if lit else 0.0


def _colours(part: Any) -> NDArray[np.uint16]:
    return np.stack([np.asarray(light) for light in (part.red, part.green, part.blue)], axis=1)
