"""Hashes of what is read and of what comes of it, made outside the sandbox."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from tellurion_core.errors import Cancelled, NotFound

CHUNK_BYTES = 1 << 22


def digest(path: Path, cancelled: Callable[[], bool]) -> dict[str, Any]:
    """SHA-256 and size of a file, or of all files of a folder by their names. Raises NotFound, Cancelled."""
    hashed, size = hashlib.sha256(), 0
    for file in files_of(path):
        if path.is_dir():
            hashed.update(f"{file.relative_to(path).as_posix()}\0".encode())
        with file.open("rb") as opened:
            while chunk := opened.read(CHUNK_BYTES):
                hashed.update(chunk)
                size += len(chunk)
                if cancelled():
                    raise Cancelled("the run was cancelled")
    return {"sha256": hashed.hexdigest(), "bytes": size}


def files_of(path: Path) -> Sequence[Path]:
    """A file, or the files within a folder. Raises NotFound."""
    if not path.is_file() and not path.is_dir():
        raise NotFound(f"there is no file {path.name} any more")
    return [path] if path.is_file() else sorted(each for each in path.rglob("*") if each.is_file())
