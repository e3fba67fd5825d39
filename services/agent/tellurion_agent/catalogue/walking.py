"""The NetCDF files and Zarr stores in folders."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from tellurion_core.errors import InvalidInput

SUFFIXES = (".nc", ".cdf", ".nc4")
STORE = ("zarr.json", ".zmetadata", ".zgroup")
"""Files that make a folder a Zarr store, and that change with what it holds."""
MARKS = (*STORE, ".zattrs", ".zarray")


@dataclass(frozen=True)
class Found:
    """A file or store."""

    path: str
    size: int
    """Bytes; of a store, of its metadata."""
    modified: int
    """Nanoseconds since 1970."""


def walk(folders: Iterable[Path]) -> Iterator[Found]:
    """Each once; what cannot be looked into is passed over, and so are folders within themselves by way of a link.

    Raises InvalidInput for `folders` when one is not a folder.
    """
    seen: set[tuple[int, int]] = set()
    for nth, folder in enumerate(folders):
        if not folder.is_dir():
            raise InvalidInput.of(f"folders[{nth}]", received=folder.name, accepted="a folder of NetCDF or Zarr")
        waiting = [os.fspath(folder.absolute())]
        while waiting:
            yield from _within(waiting.pop(), waiting, seen)


def _within(folder: str, waiting: list[str], seen: set[tuple[int, int]]) -> Iterator[Found]:
    try:
        status = Path(folder).stat()
        entries = sorted(os.scandir(folder), key=lambda entry: entry.name)
    except OSError:
        return
    if (status.st_dev, status.st_ino) in seen:
        return
    seen.add((status.st_dev, status.st_ino))
    names = {entry.name for entry in entries}
    if names & set(STORE):
        yield from _store(folder, entries)
        return
    folders = []
    for entry in entries:
        try:
            if entry.name.startswith("."):
                continue
            if entry.is_dir():
                folders.append(entry.path)
            elif entry.name.lower().endswith(SUFFIXES) and entry.is_file():
                found = entry.stat()
                yield Found(entry.path, found.st_size, found.st_mtime_ns)
        except OSError:
            continue
    waiting.extend(reversed(folders))


def _store(folder: str, entries: list[os.DirEntry[str]]) -> Iterator[Found]:
    size = modified = 0
    for directory in (folder, *(entry.path for entry in entries if entry.is_dir())):
        for name in MARKS:
            try:
                status = Path(directory, name).stat()
            except OSError:
                continue
            size, modified = size + status.st_size, max(modified, status.st_mtime_ns)
    yield Found(folder, size, modified)
