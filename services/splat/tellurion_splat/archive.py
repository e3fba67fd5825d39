"""Zips that callers send: their files are known and bounded before one is written, and none leaves the folder.

A stored path is never trusted: an entry is a plain file below the folder, or the whole zip is refused.
"""

from __future__ import annotations

import os
import shutil
import stat
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path, PurePosixPath
from typing import BinaryIO

from tellurion_core.errors import Cancelled, InvalidInput, ResourceExhausted
from tellurion_core.predictor import CancelCheck

MAX_FILES = 20_000
MAX_BYTES = 4 << 30
"""Of all files together, unpacked."""
MAX_NAME = 200
"""Bytes of a file's path inside the zip."""
MAX_FOLDERS = 4
"""One inside the other; a scene has two."""
COPIED_AT_ONCE = 1 << 20

_END = b"PK\x05\x06"
_END_BYTES = 22
_LONGEST_COMMENT = 1 << 16
_END_64 = b"PK\x06\x07"
_END_64_BYTES = 20
_ENTRY_BYTES = 46
"""Of an entry in the list of files, beside its name, its extra fields and its comment."""
MAX_LIST_BYTES = MAX_FILES * (_ENTRY_BYTES + 2 * MAX_NAME)


def unpack(file: BinaryIO, folder: Path, field: str, cancelled: CancelCheck = lambda: False) -> None:
    """Unpacks a zip into a folder, which appears whole or not at all; one that is there already is left alone.

    Raises:
        InvalidInput: no zip or a damaged one, more or larger files than it may have, or an entry that is no plain file
            below the folder.
        ResourceExhausted: the disk is full.
        Cancelled: before the next file, after `cancelled()`.
    """
    if folder.exists():
        return
    part = folder.with_name(f"{folder.name}.part")
    shutil.rmtree(part, ignore_errors=True)  # of an attempt that was killed
    with _room():
        part.mkdir(parents=True)
    try:
        with _readable(field), _opened(file, field) as archive:
            for entry in _files(archive, field):
                if cancelled():
                    raise Cancelled("the unpacking was cancelled")
                target = part / entry.filename
                with archive.open(entry) as source, _room():
                    target.parent.mkdir(parents=True, exist_ok=True)
                    with target.open("xb") as copy:
                        shutil.copyfileobj(source, copy, COPIED_AT_ONCE)
        with _room():
            part.replace(folder)
    finally:
        shutil.rmtree(part, ignore_errors=True)


def _opened(file: BinaryIO, field: str) -> zipfile.ZipFile:
    """The zip, once it is known that the list of its files, which is read at once, is no larger than it may be."""
    size = file.seek(0, os.SEEK_END)
    file.seek(max(0, size - _LONGEST_COMMENT - _END_BYTES - _END_64_BYTES))
    tail = file.read()
    end = tail.rfind(_END)
    if end < 0 or len(tail) - end < _END_BYTES:
        raise InvalidInput.of(field, received="no zip", accepted="a zip of the folder's files")
    listed = int.from_bytes(tail[end + 12 : end + 16], "little")
    # Only a list in the long form, which no zip of this size needs, can say something else than these four bytes.
    if listed > MAX_LIST_BYTES or tail[max(0, end - _END_64_BYTES) : end].startswith(_END_64):
        raise _too_many(field, "more")
    return zipfile.ZipFile(file)


def _files(archive: zipfile.ZipFile, field: str) -> list[zipfile.ZipInfo]:
    """The entries that are files. Raises InvalidInput unless all of them may be written."""
    entries = [entry for entry in archive.infolist() if not entry.is_dir()]
    if len(entries) > MAX_FILES:
        raise _too_many(field, f"{len(entries)} files")
    # zipfile yields no more of a file than its entry says.
    if (total := sum(entry.file_size for entry in entries)) > MAX_BYTES:
        raise _too_many(field, f"{total} bytes, unpacked")
    names = {entry.filename.casefold() for entry in entries}  # not every file system tells A from a
    for entry in entries:
        if (fault := _fault(entry)) is not None:
            raise InvalidInput.of(field, received=f"{fault}: {entry.filename}", accepted="plain files below its root")
    folders = {str(parent) for name in names for parent in PurePosixPath(name).parents}
    if len(names) < len(entries) or names & folders:
        raise InvalidInput.of(field, received="two files of one name", accepted="each file once")
    return entries


def _fault(entry: zipfile.ZipInfo) -> str | None:
    """Why an entry cannot be written."""
    name, kind = entry.filename, stat.S_IFMT(entry.external_attr >> 16)
    if len(name.encode()) > MAX_NAME:
        return "a name too long"
    if not name.isprintable() or "\\" in name or any(part in ("", ".", "..") for part in name.split("/")):
        return "a path that may lead elsewhere"
    if name.count("/") > MAX_FOLDERS:
        return "a folder too deep"
    if kind not in (0, stat.S_IFREG):
        return "a link or a device"
    if entry.flag_bits & 1:
        return "an encrypted file"
    if entry.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
        return "another compression than deflate"
    return None


def _too_many(field: str, received: str) -> InvalidInput:
    accepted = f"at most {MAX_FILES} files of {MAX_BYTES} bytes together, unpacked"
    return InvalidInput.of(field, received=received, accepted=accepted, reason="TOO_LARGE")


@contextmanager
def _readable(field: str) -> Iterator[None]:
    """Says of a damaged zip that it is one."""
    try:
        yield
    except (zipfile.BadZipFile, zlib.error, EOFError, NotImplementedError, ValueError, OSError) as error:
        raise InvalidInput.of(field, received="a damaged zip", accepted="a zip of the folder's files") from error


@contextmanager
def _room() -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise ResourceExhausted(f"the zip could not be unpacked: {error.strerror}") from error
