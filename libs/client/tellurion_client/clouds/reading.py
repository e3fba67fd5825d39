"""A cloud from a file of any known format, named by its suffix.

.npy          [N, 3] positions, or [N, 6] with colours
.npz          `points` [N, 3], and `colours` [N, 3]
.ply .obj     the vertices; of a mesh, points of its surface
.las .laz     16-bit colours as bytes; read by their library in a process of its own
.e57          all scans, each at its pose; likewise
"""

from __future__ import annotations

import os
import stat
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from tellurion_client.clouds.arrays import npy_chunks, read_npz
from tellurion_client.clouds.cloud import CHUNK, Cloud, check_count, check_points, joined
from tellurion_client.clouds.isolated import isolated_chunks
from tellurion_client.clouds.obj import read_obj
from tellurion_client.clouds.ply import read_ply
from tellurion_client.clouds.surface import Mesh
from tellurion_core.errors import InvalidInput, shown

SURFACE_POINTS = 16_384
"""Points of a mesh."""

_CHUNKED: dict[str, Callable[[Path, str, int], Iterator[Cloud]]] = {
    ".npy": npy_chunks,
    ".las": isolated_chunks,
    ".laz": isolated_chunks,
    ".e57": isolated_chunks,
}
_MESHES: dict[str, Callable[[Path, str, int], Mesh]] = {".obj": read_obj, ".ply": read_ply}
SUFFIXES = (*_MESHES, ".npz", *_CHUNKED)
"""Of the files that can be read."""
MOST_WHOLE = 1 << 24
"""Points, or vertices, of a file that is read as a whole, however many its caller has room for."""


def read_cloud(
    path: str | os.PathLike[str], *, most: int, seed: int = 0, surface_points: int = SURFACE_POINTS
) -> Cloud:
    """The cloud of a file of at most `most` points; of a mesh `surface_points`, spread by area as `seed` has it.

    Raises:
        InvalidInput: no such file, or one that is damaged, too large, empty, not finite or beyond 1e9.
        Unavailable: what reads this format is not installed.
    """
    return joined(list(chunks(path, most=most, seed=seed, surface_points=surface_points)))


def chunks(
    path: str | os.PathLike[str], *, most: int, seed: int = 0, surface_points: int = SURFACE_POINTS
) -> Iterator[Cloud]:
    """The cloud of `read_cloud` in parts; of .npy, .las, .laz and .e57 no more is in memory, and no file is too long.

    Raises as `read_cloud`, for what is wrong with a part when it is reached.
    """
    path = Path(path)
    check_file(path)
    field, suffix, read = shown(path), path.suffix.lower(), 0
    with _readable(field):
        if suffix in _CHUNKED:
            parts = _CHUNKED[suffix](path, field, most)
        else:
            parts = _split(_whole(path, field, min(most, MOST_WHOLE), seed, surface_points))
        for part in parts:
            check_points(part.points, field)
            read += len(part)
            yield part
    check_count(read, read, field)


def _whole(path: Path, field: str, most: int, seed: int, surface_points: int) -> Cloud:
    if (suffix := path.suffix.lower()) == ".npz":
        return read_npz(path, field, most)
    return _MESHES[suffix](path, field, most).cloud(surface_points, seed, field)


def _split(cloud: Cloud) -> Iterator[Cloud]:
    return (cloud.at(slice(first, first + CHUNK)) for first in range(0, len(cloud), CHUNK))


def check_file(path: Path) -> None:
    """Raises InvalidInput unless this is a plain file that is named as one of the formats and can be read to an end."""
    field, suffix = shown(path), path.suffix.lower()
    if suffix not in SUFFIXES:
        raise InvalidInput.of(field, received=f"a file of {suffix or 'no suffix'}", accepted=", ".join(SUFFIXES))
    with _readable(field):
        status = path.stat()
    if not stat.S_ISREG(status.st_mode):
        received = "a folder" if stat.S_ISDIR(status.st_mode) else "a device or pipe"
        raise InvalidInput.of(field, received=received, accepted="a plain file")
    if not status.st_size:
        raise InvalidInput.of(field, received="an empty file", accepted="a file of points")


@contextmanager
def _readable(field: str) -> Iterator[None]:
    """Says of what cannot be read which file it is."""
    try:
        yield
    except (OSError, EOFError) as error:
        received = getattr(error, "strerror", None) or str(error) or "the end of the file"
        raise InvalidInput.of(field, received=received, accepted="a whole file that can be read") from error
