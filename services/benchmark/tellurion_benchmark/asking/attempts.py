"""Files that each attempt at a job has for itself, in a folder that all its attempts share."""

from __future__ import annotations

import os
from itertools import count
from pathlib import Path
from typing import BinaryIO


def new_file(folder: Path, suffix: str) -> BinaryIO:
    """Creates the file with the next free number; it is there after a power failure too."""
    folder.mkdir(parents=True, exist_ok=True)
    for number in count(1):
        try:
            file = (folder / f"{number:04}{suffix}").open("xb")
        except FileExistsError:
            continue
        entry = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(entry)
        finally:
            os.close(entry)
        return file
    raise AssertionError("there is always a next number")
