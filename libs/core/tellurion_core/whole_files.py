"""Files, and folders, that are there whole or not at all."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory


@contextmanager
def placed(path: Path) -> Iterator[Path]:
    """A place to write a file or a folder at; what stands there at the end becomes `path`, in one step.

    A file that stood there before is replaced, or stays as it is where that fails, and nothing else is left; a folder
    that is not empty is not replaced. A link stays one: what it names is replaced. Raises OSError.
    """
    target = path.resolve()
    with TemporaryDirectory(dir=target.parent, prefix=".unfinished-") as folder:
        place = Path(folder) / target.name
        yield place
        if not place.is_dir():
            with place.open("rb") as file:
                os.fsync(file.fileno())  # a name that outlives a crash of the machine must not name an empty file
        place.replace(target)


def write_whole(path: Path, content: bytes) -> None:
    """Writes a file in one step, in a folder that is made where it is not there. Raises OSError."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with placed(path) as place:
        place.write_bytes(content)
