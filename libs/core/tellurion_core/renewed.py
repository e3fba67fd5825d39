"""What is made of files that others replace while a process runs: certificates with their keys."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Generic, TypeVar

import structlog

from tellurion_core.errors import InvalidInput

T = TypeVar("T")

log = structlog.get_logger()


class Renewed(Generic[T]):
    """A value that follows its files."""

    def __init__(self, files: Sequence[Path], make: Callable[[], T]) -> None:
        """`make` reads the files, and raises InvalidInput where they cannot be used; so does this, the first time."""
        self._files, self._make = files, make
        self._seen = self._marks()
        self.latest = make()
        """What was made last."""

    def renew(self) -> T | None:
        """The value anew if the files have changed, None if not or if they cannot be used: the last one goes on then.

        It costs a look at each file, and may be asked at every handshake.
        """
        marks = self._marks()
        if marks == self._seen:
            return None
        self._seen = marks  # of before they are read: files that change meanwhile are read again
        names = [str(file) for file in self._files]
        try:
            self.latest = self._make()
        except InvalidInput as error:
            log.warning("files that changed cannot be used; what they were goes on", files=names, why=error.message)
            return None
        log.info("files that changed are used", files=names)
        return self.latest

    def _marks(self) -> list[tuple[int, int, int] | None]:
        return [_mark(file) for file in self._files]


def _mark(file: Path) -> tuple[int, int, int] | None:
    """What differs once a file is another or has other bytes; None where there is none."""
    try:
        found = file.stat()
    except OSError:
        return None
    return found.st_ino, found.st_size, found.st_mtime_ns
