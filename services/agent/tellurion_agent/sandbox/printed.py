"""What a script prints on one of its streams."""

from __future__ import annotations

import codecs
import os
from collections.abc import Callable
from typing import IO

_CHUNK_BYTES = 1 << 16
_TAIL_BYTES = 1 << 16
_LINE_CHARACTERS = 4096
"""After so many without a line's end, what there is of the line is told."""


class Printed:
    """The end of a pipe that is read; the last of it is kept."""

    def __init__(self, pipe: IO[bytes] | None, log: Callable[[str], None]) -> None:
        assert pipe is not None
        self._pipe, self._log = pipe, log
        os.set_blocking(pipe.fileno(), False)
        self._tail, self._line = bytearray(), ""
        self._decoder = codecs.getincrementaldecoder("utf-8")("replace")
        self.count = 0
        """Bytes so far."""

    def fileno(self) -> int:
        """The descriptor to wait at."""
        return self._pipe.fileno()

    def read(self) -> bool:
        """Reads what is there now, a chunk at most; False at the end of the stream."""
        return self._chunk() != b""

    def finish(self) -> None:
        """Reads the rest of what a process left that has ended, as much as a pipe holds."""
        while self._chunk():
            pass

    def _chunk(self) -> bytes | None:
        try:
            chunk = os.read(self.fileno(), _CHUNK_BYTES)
        except BlockingIOError:
            return None
        self.count += len(chunk)
        self._tail += chunk
        del self._tail[:-_TAIL_BYTES]
        *lines, self._line = (self._line + self._decoder.decode(chunk, final=not chunk)).split("\n")
        if self._line and (len(self._line) > _LINE_CHARACTERS or not chunk):
            lines.append(self._line)
            self._line = ""
        for line in lines:
            self._log(line)
        return chunk

    def tail(self) -> str:
        """The last of it."""
        return self._tail.decode(errors="replace")
