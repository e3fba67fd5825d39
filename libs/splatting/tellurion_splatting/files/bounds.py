"""Limits on what a file may make us do: sizes are checked before memory is set aside, names before they are opened."""

from __future__ import annotations

import json
import zlib
from pathlib import Path
from typing import Any

from tellurion_core.errors import InvalidInput

MAX_BYTES = 8 << 30
"""Largest file that is read: about 36 million Gaussians of degree 3."""
GROWTH = 50
"""Bytes of Gaussians per byte of a compressed file; SPZ and SOG of real scenes reach about 20."""
GRANTED = 16 << 20
"""Bytes decoded in any case: a small file may be very regular and honest."""
MAX_JSON_BYTES = 16 << 20


def file_bytes(path: Path, field: str, largest: int = MAX_BYTES) -> bytes:
    """The whole of a regular file of bounded size.

    Raises InvalidInput where there is none, or one too large.
    """
    try:
        if not path.is_file():
            raise InvalidInput.of(field, received=f"{path.name}, not a file", accepted="a file that can be read")
        if (size := path.stat().st_size) > largest:
            raise InvalidInput.of(field, received=f"{size} bytes", accepted=f"at most {largest} bytes")
        return path.read_bytes()
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or "a name that cannot be opened"
        raise InvalidInput.of(field, received=f"{path.name}: {reason}", accepted="a file that can be read") from error


def inside(folder: Path, name: str, field: str) -> Path:
    """The path of something named within a folder, links followed.

    Raises InvalidInput where the name leads out of the folder.
    """
    try:
        path = (folder / name).resolve()
        if path.is_relative_to(folder.resolve()):
            return path
    except (OSError, ValueError, RuntimeError):
        pass
    raise InvalidInput.of(field, received=name, accepted="a relative path that stays within the folder")


def parsed_json(data: bytes, field: str, largest: int = MAX_JSON_BYTES) -> dict[str, Any]:
    """The object that a JSON text of bounded size holds; parsed, it may take twenty times its bytes.

    Raises InvalidInput where it is too large, not JSON, or not an object.
    """
    if len(data) > largest:
        raise InvalidInput.of(field, received=f"{len(data)} bytes", accepted=f"at most {largest} bytes of JSON")
    try:
        value = json.loads(data)
    except (ValueError, RecursionError) as error:
        raise InvalidInput.of(field, received=data[:60].decode("ascii", "replace"), accepted="JSON") from error
    if not isinstance(value, dict):
        raise InvalidInput.of(field, received=type(value).__name__, accepted="a JSON object")
    return value


def check_growth(decoded: int, encoded: int, field: str, most: int) -> None:
    """Raises InvalidInput where a file claims to hold more than `most` bytes, or so many that only a bomb would."""
    allowed = min(GROWTH * encoded + GRANTED, most)
    if decoded > allowed:
        accepted = f"at most {allowed} bytes from a file of {encoded}"
        raise InvalidInput.of(field, received=f"a claim of {decoded} bytes", accepted=accepted)


class Inflation:
    """A gzip stream that is decompressed by the piece, never beyond what was asked for."""

    def __init__(self, data: bytes, field: str) -> None:
        self._stream = zlib.decompressobj(wbits=zlib.MAX_WBITS | 16)
        self._rest, self._field = data, field

    def take(self, size: int) -> bytes:
        """The next `size` bytes.

        Raises InvalidInput: the stream ends before, or is damaged.
        """
        taken = self._next(size)
        if len(taken) < size:
            received = f"the stream ends after {len(taken)} of {size} bytes"
            raise InvalidInput.of(self._field, received=received, accepted="a whole file")
        return taken

    def finish(self, slack: int) -> None:
        """Reads to the checksum at the end, over at most `slack` bytes that nobody needs.

        Raises InvalidInput: the stream has no end, or its checksum does not match; more bytes follow.
        """
        if len(self._next(slack)) == slack and not self._stream.eof:
            accepted = f"at most {slack} bytes after those that the header announces"
            raise InvalidInput.of(self._field, received="more", accepted=accepted)
        if not self._stream.eof:
            received = "the stream is cut off before its checksum"
            raise InvalidInput.of(self._field, received=received, accepted="a whole file")

    def _next(self, size: int) -> bytes:
        pieces, wanted = [], size
        try:
            while wanted and not self._stream.eof:
                piece = self._stream.decompress(self._rest, wanted)
                self._rest = self._stream.unconsumed_tail
                if not piece and not self._rest:
                    break
                pieces.append(piece)
                wanted -= len(piece)
        except zlib.error as error:
            received = "the gzip stream is damaged"
            raise InvalidInput.of(self._field, received=received, accepted="a whole file") from error
        return b"".join(pieces)
