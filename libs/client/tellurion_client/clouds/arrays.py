"""Clouds in NumPy's own files; nothing in them is unpickled, and nothing is allocated that the file does not hold."""

from __future__ import annotations

import zipfile
import zlib
from collections.abc import Iterator
from pathlib import Path
from tokenize import TokenError
from typing import IO, Any, NamedTuple

import numpy as np
from numpy.lib import format as npy
from numpy.typing import NDArray

from tellurion_client.clouds.cloud import CHUNK, Cloud, check_count, check_whole, shades, white
from tellurion_core.errors import InvalidInput

MEMBERS = 64
"""Most arrays of an archive."""
COLOURS = ("colours.npy", "colors.npy")
HEADER_FAULTS = (ValueError, TypeError, SyntaxError, TokenError, MemoryError, RecursionError, OverflowError)
"""What Python's own parser, to which NumPy leaves it, says of a header that is none."""


class _Header(NamedTuple):
    shape: tuple[int, ...]
    fortran: bool
    dtype: np.dtype[Any]

    @property
    def bytes(self) -> int:
        return self.shape[0] * self.shape[1] * self.dtype.itemsize


def npy_chunks(path: Path, field: str, most: int) -> Iterator[Cloud]:
    """The cloud of an .npy in parts. Raises InvalidInput of another array, or part of one."""
    with path.open("rb") as file:
        header = _header(file, field, most)
        start = file.tell()
    check_whole(path.stat().st_size - start, header.bytes, "bytes", field)
    order, shape = "F" if header.fortran else "C", header.shape

    def rows(first: int) -> NDArray[Any]:
        # Mapped anew each time, so that pages that were read do not stay.
        return np.array(np.memmap(path, header.dtype, "r", start, shape, order)[first : first + CHUNK])  # type: ignore[call-overload]

    firsts = range(0, shape[0], CHUNK)
    full = max(white(rows(first)[:, 3:], field) for first in firsts) if shape[1] == 6 else 0
    for first in firsts:
        yield _cloud(rows(first), full)


def read_npz(path: Path, field: str, most: int) -> Cloud:
    """The cloud of an .npz: `points`, and `colours` where it has them. Raises InvalidInput of another archive."""
    try:
        with zipfile.ZipFile(path) as archive:
            names = archive.namelist()
            if len(names) > MEMBERS or "points.npy" not in names:
                raise InvalidInput.of(field, received=f"arrays {', '.join(names[:9])}", accepted="points, and colours")
            points = _member(archive, "points.npy", field, most)
            colours = next((_member(archive, name, field, most) for name in COLOURS if name in names), None)
    except (zipfile.BadZipFile, zlib.error, NotImplementedError, RuntimeError, ValueError, UnicodeError) as error:
        raise InvalidInput.of(field, received=str(error), accepted="an .npz of NumPy") from error
    if colours is None:
        return _cloud(points, white(points[:, 3:], field))
    if points.shape[1] != 3 or colours.shape != points.shape:
        received = f"points {list(points.shape)} with colours {list(colours.shape)}"
        raise InvalidInput.of(field, received=received, accepted="points [N, 3] and colours [N, 3]")
    return Cloud(np.asarray(points, np.float64), shades(colours, white(colours, field)))


def _member(archive: zipfile.ZipFile, name: str, field: str, most: int) -> NDArray[Any]:
    with archive.open(name) as file:
        header = _header(file, field, most)
        data = file.read(header.bytes)  # as much as is there, however much the archive says
    check_whole(len(data), header.bytes, "bytes", field)
    return np.frombuffer(data, header.dtype).reshape(header.shape, order="F" if header.fortran else "C")


def _header(file: IO[bytes], field: str, most: int) -> _Header:
    """The header of an array of positions or colours."""
    try:
        if npy.read_magic(file) != (1, 0):  # later versions are for names of columns
            raise ValueError("an array with columns of names")
        header = _Header(*npy.read_array_header_1_0(file))
    except HEADER_FAULTS as error:
        raise InvalidInput.of(field, received=str(error), accepted="an array of NumPy") from error
    if len(header.shape) != 2 or header.shape[1] not in (3, 6) or header.dtype.kind not in "iuf":
        received = f"{list(header.shape)} of {header.dtype}"
        raise InvalidInput.of(field, received=received, accepted="[N, 3], or [N, 6] with colours, of numbers")
    check_count(header.shape[0], most, field)
    return header


def _cloud(rows: NDArray[Any], full: float) -> Cloud:
    return Cloud(rows[:, :3].astype(np.float64), shades(rows[:, 3:], full) if rows.shape[1] == 6 else None)
