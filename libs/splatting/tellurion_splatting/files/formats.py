"""Which file format a path or some bytes are, and the Gaussians in it.

    suffix   harmonics   keeps                                                    loses
    .ply     0…5         everything, the reflected branch too                     nothing
    .splat   0           positions and scales                                     8 bits for colour, opacity, rotation
    .spz     0…4         positions to 0.24 mm within 2 km                         8 bits for the rest
    .sog     0…3         positions to 16 bits of their range's logarithm          codebooks of 256, a palette of colours

What a format has no room for is left out when it is written, except a reflected branch: dropping half a model in
silence is refused.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

from tellurion_core.errors import InvalidInput
from tellurion_core.whole_files import placed
from tellurion_splatting.files import ply, sog, splat, spz
from tellurion_splatting.files.bounds import GROWTH, MAX_BYTES, file_bytes
from tellurion_splatting.gaussians import Gaussians


class Format(NamedTuple):
    """How one format is told, read and written."""

    magic: tuple[bytes, ...]
    """How its files may begin; an empty one where they have no header."""
    read: Callable[[bytes, str, int], Gaussians]
    """From the content, the name that errors use for it, and the most bytes that may come of it."""
    written: Callable[[Gaussians], bytes]


FORMATS = {
    ".ply": Format((b"ply",), ply.read_ply, ply.written_ply),
    ".splat": Format((b"",), splat.read_splat, splat.written_splat),
    ".spz": Format((b"\x1f\x8b", b"NGSP"), spz.read_spz, spz.written_spz),
    ".sog": Format((b"PK",), sog.read_sog, sog.written_sog),
}
"""By suffix."""


def read_gaussians(
    source: str | os.PathLike[str] | bytes, suffix: str | None = None, most: int = GROWTH * MAX_BYTES
) -> Gaussians:
    """The Gaussians in a file, in bytes, or in the folder of a SOG.

    The format is the path's suffix, or `suffix`; bytes without one are told by how they begin, and are `.splat`, whose
    files have no beginning of their own, where they are none of the others. `most` bytes in memory are read, whatever a
    file unpacks to. Values come activated and finite, in the axes that the scene's cameras have.

    Raises InvalidInput: no such file, another format, too many Gaussians, or such as cannot be; the content is cut off
    or damaged.
    """
    if isinstance(source, bytes):
        data, name = source, "gaussians"
    else:
        path = Path(source)
        name = path.name
        if path.is_dir() or name == sog.META:
            return sog.read_sog_folder(path if path.is_dir() else path.parent, name, most)
        data, suffix = file_bytes(path, name), suffix or path.suffix
    suffix = _suffix_of(data) if suffix is None else suffix
    known = _format(suffix, name)
    if not data.startswith(known.magic):
        received = f"a file that begins with {data[:4]!r}"
        raise InvalidInput.of(name, received=received, accepted=f"the content of a {suffix.lower()} file")
    return known.read(data, name, most)


def encoded_gaussians(gaussians: Gaussians, suffix: str) -> bytes:
    """The content of a file of some Gaussians.

    Raises InvalidInput where the format is not known, or has no room for the reflected branch that there is.
    """
    known = _format(suffix, "format")
    if gaussians.reflection is not None and known.written is not ply.written_ply:
        received = f"a reflected branch, for {suffix}"
        raise InvalidInput.of(
            "gaussians.reflection", received=received, accepted=".ply, or `transmitted`, which leaves it out"
        )
    return known.written(gaussians)


def write_gaussians(path: str | os.PathLike[str], gaussians: Gaussians) -> None:
    """Writes some Gaussians in the format of the path's suffix; a file that was there is replaced whole.

    Raises InvalidInput as `encoded_gaussians`, and where the path cannot be written.
    """
    path = Path(path)
    content = encoded_gaussians(gaussians, path.suffix)
    try:
        with placed(path) as place:
            place.write_bytes(content)
    except (OSError, ValueError) as error:
        received = getattr(error, "strerror", None) or "a name that cannot be opened"
        raise InvalidInput.of(path.name, received=received, accepted="a path that can be written") from error


def _suffix_of(data: bytes) -> str:
    """The format that bytes begin as, `.splat` where they are whole records of none of the others, or nothing."""
    told = (suffix for suffix, known in FORMATS.items() if known.magic != (b"",) and data.startswith(known.magic))
    return next(told, ".splat" if data and len(data) % splat.RECORD.itemsize == 0 else "")


def _format(suffix: str, field: str) -> Format:
    known = FORMATS.get(suffix.lower())
    if known is None:
        raise InvalidInput.of(field, received=suffix or "no known format", accepted=", ".join(FORMATS))
    return known
