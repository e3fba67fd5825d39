"""The folders that a question is about: by which names the service knows them, and which of their files are sent."""

from __future__ import annotations

import os
import re
from collections.abc import Container, Iterable, Mapping, Sequence
from pathlib import Path

from tellurion_core.errors import InvalidInput

SUFFIXES = (".nc", ".nc4", ".cdf")
STORE = frozenset({"zarr.json", ".zmetadata", ".zgroup"})
"""Files that make a folder a Zarr store."""
MOST_FILES = 10_000
"""That are sent to a platform with one request; more belong into one of its libraries."""
MOST_PARTS = 12
"""Folders and file of a name that the service takes."""
LONGEST_PART = 120
LONGEST_LIBRARY = 50


def check_folders(folders: Iterable[Path]) -> None:
    """Raises InvalidInput for what is no folder."""
    for folder in folders:
        if not folder.is_dir():
            accepted = "the folder that this file is in" if folder.is_file() else "a folder that is there"
            raise InvalidInput.of("data", received=folder, accepted=accepted)


def libraries_of(folders: Sequence[Path]) -> dict[str, Path]:
    """Folders by names of their own, as libraries have them; each folder once."""
    named: dict[str, Path] = {}
    for folder in dict.fromkeys(path.resolve() for path in folders):
        plain = re.sub(r"[^A-Za-z0-9._-]", "-", folder.name).strip("-._")[:LONGEST_LIBRARY] or "data"
        named[_free(plain, named)] = folder
    return named


def setting_of(libraries: Mapping[str, Path]) -> str:
    """As the service is told of them. Raises InvalidInput for a folder that its setting cannot name."""
    for folder in libraries.values():
        if "," in str(folder) or str(folder) != str(folder).strip():
            accepted = "a folder without a comma in its path, or a blank at its end"
            raise InvalidInput.of("data", received=str(folder), accepted=accepted)
    return ",".join(f"{name}={folder}" for name, folder in libraries.items())


def to_send(folders: Sequence[Path]) -> tuple[dict[str, Path], dict[str, str]]:
    """Files by the names that they are sent under, and why others are left out, by their paths.

    They are those that the service would find in the folders. Raises InvalidInput when they are too many.
    """
    files: dict[str, Path] = {}
    left_out: dict[str, str] = {}
    for name, folder in libraries_of(folders).items():
        found, stores = _within(folder)
        for path in found:
            *above, last = map(_safe, path.relative_to(folder).parts)
            lowest = above[max(0, len(above) - MOST_PARTS + 2) :]
            files[_free("/".join((name, *lowest, last)), files)] = path
        left_out |= dict.fromkeys(map(str, stores), "a Zarr store is not sent: it belongs into a library")
    if len(files) > MOST_FILES:
        raise InvalidInput.of("data", received=f"{len(files)} files", accepted=f"at most {MOST_FILES}, or a library")
    return files, left_out


def _within(folder: Path) -> tuple[list[Path], list[Path]]:
    """NetCDF files and Zarr stores, through links, each folder once; nothing hidden."""
    files: list[Path] = []
    stores: list[Path] = []
    seen: set[str] = set()
    for place, folders, names in os.walk(folder, followlinks=True):
        real = os.path.realpath(place)
        if real in seen or STORE & {*names}:
            stores += [Path(place)] if real not in seen else []
            folders.clear()
        else:
            folders[:] = sorted(name for name in folders if not name.startswith("."))
            kept = sorted(name for name in names if name.lower().endswith(SUFFIXES) and not name.startswith("."))
            files += [path for path in (Path(place, name) for name in kept) if path.is_file()]
        seen.add(real)
    return files, stores


def _safe(part: str) -> str:
    """A part of a name with what the service takes in place of the rest; its end is kept, with the suffix."""
    safe = re.sub(r"[^\w.+=-]", "-", part)[-LONGEST_PART:]
    return safe if re.match(r"\w", safe) else f"_{safe}"


def _free(name: str, taken: Container[str]) -> str:
    """The name, with a number where it is taken."""
    suffix = Path(name).suffix
    suffix = suffix if suffix.lower() in SUFFIXES else ""
    number, free = 1, name
    while free in taken:
        number += 1
        free = f"{name.removesuffix(suffix)}-{number}{suffix}"
    return free
