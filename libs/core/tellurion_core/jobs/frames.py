"""What a job's process tells its worker, through a pipe: frames of a byte that says what, a length, and the bytes."""

from __future__ import annotations

import json
import os
import struct
from collections.abc import Iterator
from typing import IO

PROGRESS, RESULT, ERROR, DIED = b"p", b"r", b"e", b"d"
"""A fraction and a message; the serialised result; a serialised google.rpc.Status; the id of an error in the log."""
LARGEST = 4 << 20
"""Bytes of a frame; more than any that a job's process sends."""

_HEAD = struct.Struct(">cI")


def write_frame(pipe: int, what: bytes, content: bytes) -> None:
    """Writes one frame, whole; blocks while the pipe is full."""
    left = memoryview(_HEAD.pack(what, len(content)) + content)
    while left:
        left = left[os.write(pipe, left) :]


def frames(pipe: IO[bytes]) -> Iterator[tuple[bytes, bytes]]:
    """The frames of a pipe, up to its end or to the first that is not whole."""
    while len(head := pipe.read(_HEAD.size)) == _HEAD.size:
        what, length = _HEAD.unpack(head)
        if length > LARGEST or len(content := pipe.read(length)) < length:
            return
        yield what, content


def progress_frame(fraction: float, message: str) -> bytes:
    """The content of a PROGRESS frame."""
    return json.dumps([fraction, message]).encode()


def progress_of(content: bytes) -> tuple[float, str]:
    """Fraction and message of a PROGRESS frame."""
    fraction, message = json.loads(content)
    return float(fraction), str(message)
