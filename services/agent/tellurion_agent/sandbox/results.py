"""What a run left, taken over from outside: JSON, NetCDF and PNG, and nothing else.

Nothing that a script wrote is believed: hashes are made here, names do not say what a file is, and no link is followed.
A NetCDF is known by its first bytes alone. It is not opened, since HDF5 reads other files where one says so (external
links, external storage): whoever opens it does so inside a sandbox, or with none but it to read.
"""

from __future__ import annotations

import hashlib
import json
import os
import re
import stat
import struct
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import IO, NoReturn

from tellurion_core.errors import FieldViolation, InvalidInput, shown

MAX_FILES = 1000
MAX_FILE_BYTES = 4 << 30
MAX_JSON_BYTES = 16 << 20
MAX_PIXELS = 64 << 20

_NAME = re.compile(r"[A-Za-z0-9][\w.-]{0,120}", re.ASCII)
_NETCDF = (b"CDF\x01", b"CDF\x02", b"CDF\x05", b"\x89HDF\r\n\x1a\n")
_PNG = b"\x89PNG\r\n\x1a\n"
_CHUNK_BYTES = 1 << 20


class Kind(StrEnum):
    """Of a result, by the ending of its name."""

    JSON = "json"
    NETCDF = "nc"
    PNG = "png"


@dataclass(frozen=True)
class Result:
    """One file that a run left."""

    name: str
    kind: Kind
    sha256: str
    size: int
    """Bytes."""


class _Refused(Exception):
    """A file is no result; why."""


def collected(output: Path) -> list[Result]:
    """The results in an output folder after its run, by name.

    Raises InvalidInput, which names every file that is none.
    """
    folder = os.open(output, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW)
    try:
        names = sorted(os.listdir(folder))  # noqa: PTH208 -- of a descriptor
        if len(names) > MAX_FILES:
            raise InvalidInput.of("results", received=f"{len(names)} files", accepted=f"at most {MAX_FILES}")
        results, refused = [], []
        for name in names:
            try:
                results.append(_result(folder, name))
            except (OSError, _Refused) as why:
                reason = str(why) if isinstance(why, _Refused) else "a regular file"
                refused.append(FieldViolation("results", shown(name), reason))
    finally:
        os.close(folder)
    if refused:
        raise InvalidInput(*refused, reason="RESULT_REFUSED")
    return results


def _result(folder: int, name: str) -> Result:
    try:
        kind = Kind(Path(name).suffix[1:])
    except ValueError:
        raise _Refused("a name that ends in .json, .nc or .png") from None
    if not _NAME.fullmatch(name):
        raise _Refused("a name of up to 120 letters, digits, dots, dashes and underscores")
    with _regular(folder, name) as file:
        size = os.fstat(file.fileno()).st_size
        _CHECKS[kind](file, size)
        file.seek(0)
        digest = hashlib.file_digest(file, "sha256").hexdigest()
    return Result(name, kind, digest, size)


@contextmanager
def _regular(folder: int, name: str) -> Iterator[IO[bytes]]:
    """A regular file of the folder, to read; not what a link names, nor one that waits for a writer."""
    descriptor = os.open(name, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC, dir_fd=folder)
    with os.fdopen(descriptor, "rb") as file:
        status = os.fstat(descriptor)
        if not stat.S_ISREG(status.st_mode) or status.st_nlink != 1:
            raise _Refused("a regular file of one name")
        if status.st_size > MAX_FILE_BYTES:
            raise _Refused(f"at most {MAX_FILE_BYTES} bytes")
        yield file


def _check_json(file: IO[bytes], size: int) -> None:
    def no_number(constant: str) -> NoReturn:
        raise _Refused(f"JSON, which has no {constant}; null says that there is no number")

    if size > MAX_JSON_BYTES:
        raise _Refused(f"at most {MAX_JSON_BYTES} bytes of JSON")
    try:
        json.loads(file.read(MAX_JSON_BYTES), parse_constant=no_number)
    except (ValueError, RecursionError):
        raise _Refused("JSON in UTF-8") from None


def _check_netcdf(file: IO[bytes], size: int) -> None:
    if not file.read(8).startswith(_NETCDF):
        raise _Refused("NetCDF, classic or of HDF5")


def _check_png(file: IO[bytes], size: int) -> None:
    """A PNG from its first byte to its last: chunks whose sums hold, and nothing after the end."""
    if file.read(8) != _PNG:
        raise _Refused("PNG")
    kind = b""
    while kind != b"IEND":
        head = file.read(8)
        if len(head) < 8:
            raise _Refused("PNG, whole")
        length, kind = struct.unpack(">I4s", head)
        if (file.tell() == 16) != (kind == b"IHDR") or length > size:
            raise _Refused("PNG, its header first")
        sum_, first = zlib.crc32(kind), b""
        for start in range(0, length, _CHUNK_BYTES):
            part = file.read(min(_CHUNK_BYTES, length - start))
            first, sum_ = first or part, zlib.crc32(part, sum_)
        if file.read(4) != struct.pack(">I", sum_):
            raise _Refused("PNG, whole")
        if kind == b"IHDR":
            if length != 13:
                raise _Refused("PNG, its header first")
            width, height = struct.unpack(">II", first[:8])
            if not 0 < width * height <= MAX_PIXELS:
                raise _Refused(f"PNG of at most {MAX_PIXELS} pixels")
    if file.tell() != size:
        raise _Refused("PNG, and nothing after its end")


_CHECKS = {Kind.JSON: _check_json, Kind.NETCDF: _check_netcdf, Kind.PNG: _check_png}
