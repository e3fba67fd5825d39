"""Lines of text files that may hold anything."""

from __future__ import annotations

from collections.abc import Iterator
from typing import IO

from tellurion_core.errors import InvalidInput

LONGEST_LINE = 1 << 20
"""Bytes; what has a longer one is no text, and would fill the memory."""


def lines(file: IO[bytes], field: str) -> Iterator[str]:
    """The lines from here on. Raises InvalidInput of one that is too long."""
    while line := file.readline(LONGEST_LINE + 1):
        check_length(len(line), field)
        yield line.decode("latin-1")


def check_length(length: int, field: str) -> None:
    """Raises InvalidInput of a line that is too long."""
    if length > LONGEST_LINE:
        accepted = f"lines of at most {LONGEST_LINE} bytes"
        raise InvalidInput.of(field, received="a line that does not end", accepted=accepted)
